import { graphql, type ResultOf } from '../api/graphql';

export const SYNC_WINDOWS = graphql(`
  query SyncWindows(
    $experimentId: String!
    $roomId: String!
    $participantId: String!
    $atExperiment: Boolean!
    $atRoom: Boolean!
    $atParticipant: Boolean!
    $windowMs: Int!
    $from: Int
    $to: Int
  ) {
    experiment(experimentId: $experimentId) @include(if: $atExperiment) {
      syncWindows(windowMs: $windowMs, from: $from, to: $to) {
        ...DriftLines
      }
    }
    room(roomId: $roomId) @include(if: $atRoom) {
      syncWindows(windowMs: $windowMs, from: $from, to: $to) {
        ...DriftLines
      }
    }
    participant(roomId: $roomId, participantId: $participantId) @include(if: $atParticipant) {
      syncWindows(windowMs: $windowMs, from: $from, to: $to) {
        ...DriftLines
      }
    }
  }
  fragment DriftLines on SyncWindows {
    roomId
    participantId
    onset
    count
    meanDrift
    meanAbsoluteDrift
    maxAbsoluteDrift
    band
  }
`);

export type DriftWindows = NonNullable<ResultOf<typeof SYNC_WINDOWS>['room']>['syncWindows'];
