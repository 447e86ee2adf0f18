// What is read of each table, as GraphQL shows it: statements are prepared once.

import Database from "better-sqlite3";

export const db = new Database(process.env.BENCH_DATABASE, { readonly: true });
for (const setting of ["query_only=1", "mmap_size=1073741824", "cache_size=-65536"]) {
  db.pragma(setting);
}

const json = (column) => (row) => JSON.parse(row[column]);
const flag = (column) => (row) => (row[column] === null ? null : row[column] === 1);

export const RECORDS = {
  events: ["Event", "event", "event_id, event_type, category, content, response"],
  recordings: ["Recording", "recording", "recording_id, kind, duration, file_name, file_size"],
  chatMessages: ["ChatMessage", "chat_message", "message_id, sender_id, content, recipient_ids"],
  continuousRatings: [
    "ContinuousRating", "continuous_rating", "rating_id, component_id, value, raw_value"],
  sparseRatings: [
    "SparseRating", "sparse_rating", "rating_id, question, value, response_time, confidence"],
  syncMetrics: [
    "SyncMetric", "sync_metric",
    "metric_id, time_drift, playback_rate, sync_quality, latency"],
  components: [
    "Component", "component", "component_id, component_type, config, state_name, completed"],
};

export const CONVERTED = {
  Event: { response: json("response") },
  ChatMessage: { recipientIds: json("recipientIds") },
  SparseRating: { value: json("value") },
  Component: { config: json("config"), completed: flag("completed") },
};

const camel = (column) => column.replace(/_(.)/g, (_, letter) => letter.toUpperCase());

export function pageOf(level, [, table, columns]) {
  const shown = columns.split(", ").map((each) => `${each} AS "${camel(each)}"`);
  const select = `SELECT id AS key, timestamp, onset, ${shown} FROM ${table} WHERE ${level} = ?`;
  const sorted = "ORDER BY timestamp, id LIMIT ?";
  const first = db.prepare(`${select} ${sorted}`);
  const next = db.prepare(`${select} AND (timestamp, id) > (?, ?) ${sorted}`);
  return (key, size, after) =>
    connection(
      after ? next.all(key, ...readCursor(after), size + 1) : first.all(key, size + 1),
      "timestamp", size, after);
}

export function connection(rows, order, first, after) {
  const cursor = (row) => Buffer.from(`${row[order]}:${row.key}`).toString("base64url");
  const kept = rows.slice(0, first);
  return {
    nodes: kept,
    edges: kept.map((node) => ({ node, cursor: () => cursor(node) })),
    pageInfo: {
      hasNextPage: rows.length > first,
      hasPreviousPage: Boolean(after),
      startCursor: kept.length ? cursor(kept[0]) : null,
      endCursor: kept.length ? cursor(kept.at(-1)) : null,
    },
  };
}

export function readCursor(cursor) {
  return Buffer.from(cursor, "base64url").toString().split(":").map(Number);
}
