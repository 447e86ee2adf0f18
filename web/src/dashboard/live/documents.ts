import { graphql, type ResultOf } from '../api/graphql';

export const LIVE_ROOM = graphql(`
  query LiveRoom($roomId: String!) {
    room(roomId: $roomId) {
      status
      startTime
      experimentStart
      access {
        dataTypes
      }
      events(last: 12, orderBy: [{ field: ONSET }]) {
        nodes {
          ...LiveRecord
        }
      }
    }
  }
  fragment LiveRecord on DataRecord {
    __typename
    id
    participantId
    onset
    timestamp
    ... on Event {
      eventType
      what: content
    }
    ... on Recording {
      kind
      status
    }
    ... on ChatMessage {
      said: content
    }
    ... on ContinuousRating {
      rating: value
    }
    ... on SparseRating {
      question
      answer: value
    }
    ... on SyncMetric {
      timeDrift
      band
    }
    ... on Component {
      componentType
      stateName
    }
  }
`);

export const RECORDS_ADDED = graphql(`
  subscription LiveRecords($roomId: String!, $dataType: DataType!, $after: String) {
    recordsAdded(roomId: $roomId, dataType: $dataType, after: $after) {
      count
      cursor
      records {
        ...LiveRecord
      }
    }
  }
  fragment LiveRecord on DataRecord {
    __typename
    id
    participantId
    onset
    timestamp
    ... on Event {
      eventType
      what: content
    }
    ... on Recording {
      kind
      status
    }
    ... on ChatMessage {
      said: content
    }
    ... on ContinuousRating {
      rating: value
    }
    ... on SparseRating {
      question
      answer: value
    }
    ... on SyncMetric {
      timeDrift
      band
    }
    ... on Component {
      componentType
      stateName
    }
  }
`);
export type LiveRecord = ResultOf<typeof RECORDS_ADDED>['recordsAdded']['records'][number];

export const ACTIVITY = graphql(`
  subscription LiveActivity($experimentId: String!) {
    experimentActivity(experimentId: $experimentId) {
      at
      rooms {
        roomId
        startTime
        participants {
          participantId
          role
          status
          joinedAt
        }
      }
      happenings {
        kind
        roomId
        participantId
      }
      silences {
        roomId
        participantId
        dataType
        lastTimestamp
      }
    }
  }
`);
export type Activity = ResultOf<typeof ACTIVITY>['experimentActivity'];
