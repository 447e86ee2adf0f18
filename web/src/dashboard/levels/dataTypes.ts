/** The seven types of records: what they are called, and where. */

import type { RecordType } from '../data/record';
import type { DataTypeName } from '../shown';

export interface DataType {
  name: DataTypeName;
  /** In addresses: as `RecordType`. */
  tab: string;
  /** The field of the API. */
  connection: string;
  /** Its type. */
  type: RecordType;
  label: string;
}

export const DATA_TYPES: readonly DataType[] = [
  type('EVENTS', 'events', 'Event', 'Events'),
  type('RECORDINGS', 'recordings', 'Recording', 'Recordings'),
  type('CHAT_MESSAGES', 'chatMessages', 'ChatMessage', 'Chat'),
  type('CONTINUOUS_RATINGS', 'continuousRatings', 'ContinuousRating', 'Continuous ratings'),
  type('SPARSE_RATINGS', 'sparseRatings', 'SparseRating', 'Sparse ratings'),
  type('SYNC_METRICS', 'syncMetrics', 'SyncMetric', 'Sync metrics'),
  type('COMPONENTS', 'components', 'Component', 'Components'),
];

function type(
  name: DataTypeName,
  connection: string,
  typeName: RecordType,
  label: string,
): DataType {
  return { name, tab: name.toLowerCase(), connection, type: typeName, label };
}

export function dataTypeOf(tab: string | undefined): DataType | undefined {
  return DATA_TYPES.find((one) => one.tab === tab);
}
