import { graphql, type ResultOf } from '../api/graphql';

/** What there is to play; links are asked for only when somebody plays, as that is noted. */
export const RECORDINGS = graphql(`
  query RecordingsToPlay(
    $roomId: String!
    $participantId: String!
    $atRoom: Boolean!
    $atParticipant: Boolean!
    $withLinks: Boolean!
  ) {
    room(roomId: $roomId) @include(if: $atRoom) {
      access { canSeeIdentified }
      recordings(first: 100, orderBy: [{ field: ONSET }]) { nodes { ...Clip } }
    }
    participant(roomId: $roomId, participantId: $participantId) @include(if: $atParticipant) {
      access { canSeeIdentified }
      recordings(first: 100, orderBy: [{ field: ONSET }]) { nodes { ...Clip } }
    }
  }
  fragment Clip on Recording {
    id
    recordingId
    participantId
    kind
    onset
    videoOffset
    duration
    status
    fileName
    fileSize
    fileDeletedAt
    downloadUrl @include(if: $withLinks)
  }
`);

type Answer = ResultOf<typeof RECORDINGS>;
export type Recording = NonNullable<Answer['room']>['recordings']['nodes'][number];
