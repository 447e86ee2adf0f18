import { graphql, type ResultOf } from '../api/graphql';

export const RATING_SERIES = graphql(`
  query RatingSeries(
    $experimentId: String!
    $roomId: String!
    $participantId: String!
    $atExperiment: Boolean!
    $atRoom: Boolean!
    $atParticipant: Boolean!
    $componentId: String
    $points: Int!
    $from: Int
    $to: Int
    $filter: ContinuousRatingFilter
  ) {
    experiment(experimentId: $experimentId) @include(if: $atExperiment) {
      ratingSeries(componentId: $componentId, points: $points, from: $from, to: $to, filter: $filter, pooled: true) {
        ...RatingLines
      }
    }
    room(roomId: $roomId) @include(if: $atRoom) {
      ratingSeries(componentId: $componentId, points: $points, from: $from, to: $to, filter: $filter) {
        ...RatingLines
      }
    }
    participant(roomId: $roomId, participantId: $participantId) @include(if: $atParticipant) {
      ratingSeries(componentId: $componentId, points: $points, from: $from, to: $to, filter: $filter) {
        ...RatingLines
      }
    }
  }
  fragment RatingLines on RatingSeries {
    start
    bucketMs
    lines {
      participantId
      componentId
      onset
      count
      missing
      mean
      min
      max
    }
  }
`);

type Answer = ResultOf<typeof RATING_SERIES>;
export type RatingSeries = NonNullable<Answer['room']>['ratingSeries'];
