import { graphql, type ResultOf } from '../api/graphql';

/** As many as are drawn one by one; of more, how many there are in each slice of time. */
export const MOST_EVENTS = 1000;

export const EVENTS = graphql(`
  query EventsOnTimeline(
    $roomId: String!
    $participantId: String!
    $atRoom: Boolean!
    $atParticipant: Boolean!
    $filter: EventFilter
  ) {
    room(roomId: $roomId) @include(if: $atRoom) {
      ...TimelineEvents
    }
    participant(roomId: $roomId, participantId: $participantId) @include(if: $atParticipant) {
      ...TimelineEvents
    }
  }
  fragment TimelineEvents on DataScope {
    events(first: 1000, filter: $filter, orderBy: [{ field: ONSET }]) {
      totalCount
      nodes {
        id
        onset
        timestamp
        participantId
        eventType
        category
        content
        stateName
        duration
      }
    }
    ends: events(last: 1, filter: $filter, orderBy: [{ field: ONSET }]) {
      nodes {
        onset
      }
    }
    states: events(
      first: 200
      filter: { eventType: { equals: "state.enter" } }
      orderBy: [{ field: ONSET }]
    ) {
      nodes {
        onset
        eventType
        stateName
      }
    }
  }
`);

type Answer = ResultOf<typeof EVENTS>;
export type TimelineEvents = NonNullable<Answer['room']>;
export type TimelineEvent = TimelineEvents['events']['nodes'][number];

export const SLICES = 60;

/** Counts by category in each slice of a window: one document, a field a slice. */
export function densityDocument(atRoom: boolean): string {
  const fields = Array.from(
    { length: SLICES },
    (_, at) => `s${at}: eventCounts(by: CATEGORY, filter: $s${at}) { kind count }`,
  );
  const filters = Array.from({ length: SLICES }, (_, at) => `$s${at}: EventFilter`);
  const [root, variables] = atRoom
    ? ['room(roomId: $roomId)', '$roomId: String!']
    : [
        'participant(roomId: $roomId, participantId: $participantId)',
        '$roomId: String!, $participantId: String!',
      ];
  return `query EventDensity(${variables}, ${filters.join(', ')}) { place: ${root} { ${fields.join(' ')} } }`;
}

export interface Density {
  place: Record<string, { kind: string | null; count: number }[]> | null;
}
