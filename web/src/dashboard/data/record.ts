/** A record with all of its fields, by its global id; what gives the rows of tables their types. */

import { graphql, type ResultOf } from '../api/graphql';

export const RECORD = graphql(`
  query Record($id: ID!) {
    node(id: $id) {
      __typename
      id
      ... on DataRecord {
        experimentId
        roomId
        participantId
        timestamp
        onset
      }
      ... on Event {
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
      ... on Recording {
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
      ... on ChatMessage {
        messageId
        senderId
        senderName
        content
        recipientIds
        messageType
      }
      ... on ContinuousRating {
        ratingId
        componentId
        value
        rawValue
        scaleMin
        scaleMax
      }
      ... on SparseRating {
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
      ... on SyncMetric {
        metricId
        timeDrift
        playbackRate
        syncQuality
        latency
        bufferHealth
        band
      }
      ... on Component {
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
`);

export type AnyRecord = Extract<NonNullable<ResultOf<typeof RECORD>['node']>, { onset: number }>;
export type RecordOf<Name extends AnyRecord['__typename']> = Extract<
  AnyRecord,
  { __typename: Name }
>;
