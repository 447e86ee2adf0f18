// The schema: what ours has of it, for the four questions.

const LEVELS = ["events:Event", "recordings:Recording", "chatMessages:ChatMessage",
  "continuousRatings:ContinuousRating", "sparseRatings:SparseRating", "syncMetrics:SyncMetric",
  "components:Component"].map((each) => each.split(":"));

const NODES = [...LEVELS.map(([, type]) => type), "Experiment", "Room", "Participant"];

const connections = NODES.map((type) => `
  type ${type}Edge { cursor: String!  node: ${type}! }
  type ${type}Connection { edges: [${type}Edge!]!  nodes: [${type}!]!  pageInfo: PageInfo! }`);

const lists = LEVELS.map(([field, type]) =>
  `${field}(first: Int = 50, after: String): ${type}Connection!`).join("\n");

const record = "id: ID!  timestamp: DateTime!  onset: Int!";

export const typeDefs = /* GraphQL */ `
  scalar DateTime
  scalar JSON
  scalar BigInt
  enum DataType {
    EVENTS RECORDINGS CHAT_MESSAGES CONTINUOUS_RATINGS SPARSE_RATINGS SYNC_METRICS COMPONENTS
  }
  type PageInfo {
    hasNextPage: Boolean!  hasPreviousPage: Boolean!  startCursor: String  endCursor: String
  }
  ${connections.join("")}
  type DataSummary { dataType: DataType!  recordCount: Int! }
  type Experiment {
    id: ID!  name: String!  status: String!  createdAt: DateTime!
    rooms(first: Int = 50): RoomConnection!
    continuousRatings(first: Int = 50, after: String): ContinuousRatingConnection!
  }
  type Room { id: ID!  roomId: String!  participants(first: Int = 50): ParticipantConnection! }
  type Participant {
    id: ID!  participantId: String!  joinedAt: DateTime  dataSummary: [DataSummary!]!
    ${lists}
  }
  type Event { ${record}
    eventId: String!  eventType: String!  category: String  content: String  response: JSON }
  type Recording { ${record}
    recordingId: String!  kind: String!  duration: Int  fileName: String  fileSize: BigInt }
  type ChatMessage { ${record}
    messageId: String!  senderId: String  content: String!  recipientIds: [String!]! }
  type ContinuousRating { ${record}
    ratingId: String!  componentId: String  value: Float  rawValue: Float }
  type SparseRating { ${record}
    ratingId: String!  question: String  value: JSON  responseTime: Int  confidence: Float }
  type SyncMetric { ${record}
    metricId: String!  timeDrift: Float  playbackRate: Float  syncQuality: Float  latency: Float }
  type Component { ${record}
    componentId: String!  componentType: String  config: JSON  stateName: String
    completed: Boolean }
  type Query {
    experiments(first: Int = 50, after: String): ExperimentConnection!
    experiment(experimentId: String!): Experiment
    participant(roomId: String!, participantId: String!): Participant
  }
`;
