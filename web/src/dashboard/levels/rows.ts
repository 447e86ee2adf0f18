/** The rows of the three levels, as the columns ask for them. */

import { graphql, type ResultOf } from '../api/graphql';

// Never asked as a whole: it gives the rows their types.
const LEVELS = /* @__PURE__ */ graphql(`
  query Levels {
    experiments {
      nodes {
        experimentId
        name
        description
        status
        createdAt
        updatedAt
        completedAt
        roles
        requiredParticipants
        participantsMayRequestData
        roomCount
        participantCount
        owner {
          name
        }
        access {
          why
        }
        retention {
          deletesDataAt
          archivesAt
          legalHold
        }
        rooms {
          nodes {
            roomId
            status
            participantCount
            startTime
            endTime
            duration
            completionReason
            experimentStart
          }
        }
        participants {
          nodes {
            participantId
            role
            status
            email
            ipAddress
            userAgent
            joinedAt
            completedAt
            completionCode
            availableData
            room {
              roomId
            }
            dataSummary {
              dataType
              recordCount
            }
          }
        }
      }
    }
  }
`);

export type ExperimentRow = ResultOf<typeof LEVELS>['experiments']['nodes'][number];
export type RoomRow = ExperimentRow['rooms']['nodes'][number];
export type ParticipantRow = ExperimentRow['participants']['nodes'][number];
