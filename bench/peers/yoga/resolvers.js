// Resolvers: plain rows below, loaders where there are many parents.

import DataLoader from "dataloader";
import { GraphQLScalarType } from "graphql";
import { CONVERTED, connection, db, pageOf, readCursor, RECORDS } from "./tables.js";

const TYPES = ["EVENTS", "RECORDINGS", "CHAT_MESSAGES", "CONTINUOUS_RATINGS", "SPARSE_RATINGS",
  "SYNC_METRICS", "COMPONENTS"];

function grouped(statement, parent) {
  const prepared = db.prepare(statement);
  return () =>
    new DataLoader(async (keys) => {
      const found = new Map(keys.map((key) => [key, []]));
      for (const row of prepared.all(JSON.stringify(keys))) found.get(row[parent]).push(row);
      return keys.map((key) => found.get(key));
    });
}

const rooms = grouped(
  `SELECT id AS key, experiment_key AS experiment, room_id AS "roomId", start_time AS "startTime"
  FROM room WHERE experiment_key IN (SELECT value FROM json_each(?)) ORDER BY start_time, id`,
  "experiment");
const participants = grouped(
  `SELECT id AS key, room_key AS room, participant_id AS "participantId", joined_at AS "joinedAt"
  FROM participant WHERE room_key IN (SELECT value FROM json_each(?)) ORDER BY joined_at, id`,
  "room");
const tallies = grouped(
  `SELECT participant_key AS participant, data_type AS "dataType", record_count AS "recordCount"
  FROM tally WHERE participant_key IN (SELECT value FROM json_each(?))`,
  "participant");

export const context = () => ({
  rooms: rooms(), participants: participants(), tallies: tallies(),
});

const EXPERIMENT = "SELECT id AS key, name, status, created_at AS \"createdAt\" FROM experiment";
const experiments = db.prepare(`${EXPERIMENT} ORDER BY created_at, id LIMIT ?`);
const moreExperiments = db.prepare(
  `${EXPERIMENT} WHERE (created_at, id) > (?, ?) ORDER BY created_at, id LIMIT ?`);
const experiment = db.prepare(`${EXPERIMENT} WHERE experiment_id = ?`);
const participant = db.prepare(
  `SELECT id AS key, participant_id AS "participantId", joined_at AS "joinedAt" FROM participant
  WHERE participant_id = ? AND room_key = (SELECT id FROM room WHERE room_id = ?)`);

const ofParticipant = Object.fromEntries(
  Object.entries(RECORDS).map(([field, record]) => {
    const page = pageOf("participant_key", record);
    return [field, ({ key }, { first, after }) => page(key, first, after)];
  }));
const ratingsOfExperiment = pageOf("experiment_key", RECORDS.continuousRatings);

const withId = (type, fields = {}) => ({
  id: ({ key }) => Buffer.from(`${type}:${key}`).toString("base64url"),
  ...fields,
});

export const resolvers = {
  DateTime: new GraphQLScalarType({
    name: "DateTime",
    serialize: (ms) => new Date(ms).toISOString(),
  }),
  Query: {
    experiments: (_, { first, after }) =>
      connection(
        after ? moreExperiments.all(...readCursor(after), first + 1) : experiments.all(first + 1),
        "createdAt", first, after),
    experiment: (_, { experimentId }) => experiment.get(experimentId),
    participant: (_, { roomId, participantId }) => participant.get(participantId, roomId),
  },
  Experiment: withId("Experiment", {
    rooms: async ({ key }, { first }, { rooms }) =>
      connection(await rooms.load(key), "startTime", first),
    continuousRatings: ({ key }, { first, after }) => ratingsOfExperiment(key, first, after),
  }),
  Room: withId("Room", {
    participants: async ({ key }, { first }, { participants }) =>
      connection(await participants.load(key), "joinedAt", first),
  }),
  Participant: withId("Participant", {
    ...ofParticipant,
    dataSummary: async ({ key }, _, { tallies }) => {
      const counts = new Map(
        (await tallies.load(key)).map(({ dataType, recordCount }) => [dataType, recordCount]));
      return TYPES.map((dataType) => ({ dataType, recordCount: counts.get(dataType) ?? 0 }));
    },
  }),
  ...Object.fromEntries(
    Object.values(RECORDS).map(([type]) => [type, withId(type, CONVERTED[type])])),
};
