/** Follows a room's records of several types, each from where it was: nothing lost, nothing twice. */

import type { Client, CombinedError } from 'urql';
import { type LiveRecord, RECORDS_ADDED } from './documents';

export type DataTypeName =
  | 'EVENTS'
  | 'RECORDINGS'
  | 'CHAT_MESSAGES'
  | 'CONTINUOUS_RATINGS'
  | 'SPARSE_RATINGS'
  | 'SYNC_METRICS'
  | 'COMPONENTS';

interface Follower {
  /** From now on nothing of this type is missed: with it comes the first message of the server. */
  onBegun(type: DataTypeName): void;
  onRecords(type: DataTypeName, records: readonly LiveRecord[]): void;
  /** It will not go on by itself, such as when the right to see the room was taken back. */
  onEnd(error: CombinedError): void;
}

const AGAIN_MS = 3000;
const FINAL = new Set(['NOT_FOUND', 'FORBIDDEN', 'UNAUTHENTICATED']);

/** Returns what ends it. */
export function followRoom(
  client: Client,
  roomId: string,
  types: readonly DataTypeName[],
  follower: Follower,
): () => void {
  const ends = types.map((dataType) => followType(client, roomId, dataType, follower));
  return () => {
    for (const end of ends) end();
  };
}

function followType(
  client: Client,
  roomId: string,
  dataType: DataTypeName,
  { onBegun, onRecords, onEnd }: Follower,
): () => void {
  // The socket sends the variables as they are when it is opened again: so it goes on from there.
  const variables: { roomId: string; dataType: DataTypeName; after: string | null } = {
    roomId,
    dataType,
    after: null,
  };
  let unsubscribe = () => {};
  let timer: ReturnType<typeof setTimeout> | undefined;
  let isOver = false;
  const begin = () => {
    const stream = client.subscription(RECORDS_ADDED, variables).subscribe(({ data, error }) => {
      if (isOver) return;
      if (error) {
        const codes = error.graphQLErrors.map(({ extensions }) => String(extensions.code));
        if (codes.some((code) => FINAL.has(code))) {
          isOver = true;
          onEnd(error);
          return;
        }
        if (codes.includes('INVALID_CURSOR')) variables.after = null;
        unsubscribe();
        clearTimeout(timer);
        timer = setTimeout(begin, AGAIN_MS);
      } else if (data) {
        if (variables.after === null) onBegun(dataType);
        variables.after = data.recordsAdded.cursor;
        if (data.recordsAdded.count > 0) onRecords(dataType, data.recordsAdded.records);
      }
    });
    unsubscribe = () => stream.unsubscribe();
  };
  begin();
  return () => {
    isOver = true;
    clearTimeout(timer);
    unsubscribe();
  };
}
