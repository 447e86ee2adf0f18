/** A record with all of its fields, by its global id; what gives the rows of tables their types. */

import type { TypedDocumentNode } from 'urql';
import { graphql, type ResultOf } from '../api/graphql';

const RECORDS = {
  Event: graphql(`
    query EventRecord($id: ID!) {
      node(id: $id) {
        __typename
        id
        ... on Event {
          experimentId
          roomId
          participantId
          timestamp
          onset
          eventId
          eventType
          category
          componentType
          componentId
          content
          stateId
          stateName
          participantRole
          duration
          response
          clientTimestamp
        }
      }
    }
  `),
  Recording: graphql(`
    query RecordingRecord($id: ID!) {
      node(id: $id) {
        __typename
        id
        ... on Recording {
          experimentId
          roomId
          participantId
          timestamp
          onset
          recordingId
          kind
          startTime
          endTime
          duration
          videoOffset
          fileName
          fileSize
          format
          resolution
          status
          fileDeletedAt
          downloadUrl
        }
      }
    }
  `),
  ChatMessage: graphql(`
    query ChatMessageRecord($id: ID!) {
      node(id: $id) {
        __typename
        id
        ... on ChatMessage {
          experimentId
          roomId
          participantId
          timestamp
          onset
          messageId
          senderId
          senderName
          content
          recipientIds
          messageType
        }
      }
    }
  `),
  ContinuousRating: graphql(`
    query ContinuousRatingRecord($id: ID!) {
      node(id: $id) {
        __typename
        id
        ... on ContinuousRating {
          experimentId
          roomId
          participantId
          timestamp
          onset
          ratingId
          componentId
          value
          rawValue
          scaleMin
          scaleMax
        }
      }
    }
  `),
  SparseRating: graphql(`
    query SparseRatingRecord($id: ID!) {
      node(id: $id) {
        __typename
        id
        ... on SparseRating {
          experimentId
          roomId
          participantId
          timestamp
          onset
          ratingId
          componentId
          componentType
          value
          rawValue
          scaleMin
          scaleMax
          labels
          responseTime
          question
          dimension
          stateId
          stimulusId
          stimulusTime
          confidence
          submitted
          timedOut
          interacted
          details
        }
      }
    }
  `),
  SyncMetric: graphql(`
    query SyncMetricRecord($id: ID!) {
      node(id: $id) {
        __typename
        id
        ... on SyncMetric {
          experimentId
          roomId
          participantId
          timestamp
          onset
          metricId
          timeDrift
          playbackRate
          syncQuality
          latency
          bufferHealth
          band
        }
      }
    }
  `),
  Component: graphql(`
    query ComponentRecord($id: ID!) {
      node(id: $id) {
        __typename
        id
        ... on Component {
          experimentId
          roomId
          participantId
          timestamp
          onset
          componentId
          componentType
          config
          stateId
          stateName
          variables
          completed
        }
      }
    }
  `),
};

export type RecordType = keyof typeof RECORDS;
export type RecordOf<Name extends RecordType> = Extract<
  NonNullable<ResultOf<(typeof RECORDS)[Name]>['node']>,
  { __typename: Name }
>;
export type AnyRecord = { [Name in RecordType]: RecordOf<Name> }[RecordType];

/** What asks for a record of a type; the node is something else if the id is of another type. */
export function recordDocument(type: RecordType) {
  return RECORDS[type] as TypedDocumentNode<{ node: AnyRecord | null }, { id: string }>;
}
