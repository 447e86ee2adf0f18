import { graphql, type ResultOf } from '../api/graphql';

export const SUMMARY = graphql(`
  query QualitySummary(
    $experimentId: String!
    $roomId: String!
    $participantId: String!
    $atExperiment: Boolean!
    $atRoom: Boolean!
    $atParticipant: Boolean!
  ) {
    experiment(experimentId: $experimentId) @include(if: $atExperiment) {
      ...Completeness
    }
    room(roomId: $roomId) @include(if: $atRoom) {
      ...Completeness
    }
    participant(roomId: $roomId, participantId: $participantId) @include(if: $atParticipant) {
      ...Completeness
    }
  }
  fragment Completeness on DataScope {
    dataSummary {
      dataType
      recordCount
      firstTimestamp
      lastTimestamp
      completeness
      expectedCount
    }
    quality {
      completeness
    }
  }
`);

export const ISSUES = graphql(`
  query QualityIssues(
    $experimentId: String!
    $roomId: String!
    $participantId: String!
    $atExperiment: Boolean!
    $atRoom: Boolean!
    $atParticipant: Boolean!
  ) {
    experiment(experimentId: $experimentId) @include(if: $atExperiment) {
      ...Issues
    }
    room(roomId: $roomId) @include(if: $atRoom) {
      ...Issues
    }
    participant(roomId: $roomId, participantId: $participantId) @include(if: $atParticipant) {
      ...Issues
    }
  }
  fragment Issues on DataScope {
    quality {
      truncated
      checkedAt
      issues {
        code
        severity
        dataType
        message
        likelyCause
        affectedCount
        firstAt
        lastAt
        participant {
          participantId
          role
          room {
            roomId
            experimentStart
          }
        }
      }
    }
  }
`);
type Reported = NonNullable<ResultOf<typeof ISSUES>['room']>;
export type Issue = Reported['quality']['issues'][number];

export const BELOW = graphql(`
  query CompletenessBelow(
    $experimentId: String!
    $roomId: String!
    $atExperiment: Boolean!
    $atRoom: Boolean!
    $after: String
  ) {
    experiment(experimentId: $experimentId) @include(if: $atExperiment) {
      rooms(first: 50, after: $after) {
        totalCount
        pageInfo {
          hasNextPage
          endCursor
        }
        nodes {
          roomId
          status
          ...Cells
        }
      }
    }
    room(roomId: $roomId) @include(if: $atRoom) {
      participants(first: 50, after: $after) {
        totalCount
        pageInfo {
          hasNextPage
          endCursor
        }
        nodes {
          participantId
          role
          status
          ...Cells
        }
      }
    }
  }
  fragment Cells on DataScope {
    dataSummary {
      dataType
      recordCount
      completeness
      expectedCount
    }
    quality {
      completeness
    }
  }
`);
type Below = ResultOf<typeof BELOW>;
export type Cell = NonNullable<
  Below['room']
>['participants']['nodes'][number]['dataSummary'][number];
