/** A room as it goes on: what came last, how much a second, and each person's last minute. */

import { useEffect, useRef, useState } from 'react';
import type { CombinedError } from 'urql';
import { useApi } from '../api/client';
import type { LiveRecord } from './documents';
import { added, recent } from './feed';
import { type DataTypeName, followRoom } from './following';
import { Rates } from './rates';

export interface Sample {
  onset: number;
  value: number | null;
}

export interface Live {
  rows: readonly LiveRecord[];
  rates: Rates;
  /** By participant. */
  samples: ReadonlyMap<string, readonly Sample[]>;
  /** When somebody's record last came, by participant, by this computer's clock. */
  heard: ReadonlyMap<string, number>;
  /** When anything last came; when one began to look, until something has. */
  lastArrival: number;
  received: number;
  /** The types of which no record is missed any more. */
  begun: ReadonlySet<DataTypeName>;
  ended: CombinedError | null;
}

interface Kept {
  live: Live;
  changed: boolean;
}

const REDRAW_MS = 250;

export function useLive(
  roomId: string,
  types: readonly DataTypeName[],
  before: readonly LiveRecord[],
): Live {
  const { client } = useApi();
  const [, redraw] = useState(0);
  const kept = useRef<Kept | null>(null);
  kept.current ??= { live: nothing(), changed: false };
  const key = types.join();

  // biome-ignore lint/correctness/useExhaustiveDependencies: `key` is what `types` comes to.
  useEffect(() => {
    const mine: Kept = { live: nothing(), changed: true };
    kept.current = mine;
    const end = followRoom(client, roomId, types, {
      onBegun: (type) => {
        mine.live = { ...mine.live, begun: new Set([...mine.live.begun, type]) };
        mine.changed = true;
      },
      onRecords: (type, records) => take(mine, type, records),
      onEnd: (error) => {
        mine.live = { ...mine.live, ended: error };
        mine.changed = true;
      },
    });
    const timer = setInterval(() => {
      if (!mine.changed) return;
      mine.changed = false;
      redraw((count) => count + 1);
    }, REDRAW_MS);
    return () => {
      clearInterval(timer);
      end();
    };
  }, [client, roomId, key]);

  const { live } = kept.current;
  return { ...live, rows: added(live.rows, before) };
}

function nothing(): Live {
  return {
    rows: [],
    rates: new Rates(),
    samples: new Map(),
    heard: new Map(),
    lastArrival: Date.now(),
    received: 0,
    begun: new Set(),
    ended: null,
  };
}

function take(kept: Kept, type: DataTypeName, records: readonly LiveRecord[]): void {
  const now = Date.now();
  const { live } = kept;
  live.rates.add(type, records.length, now);
  const heard = new Map(live.heard);
  for (const { participantId } of records) heard.set(participantId, now);
  const samples = new Map(live.samples);
  if (type === 'CONTINUOUS_RATINGS') {
    for (const participantId of new Set(records.map((record) => record.participantId))) {
      const come = records.flatMap((record) =>
        record.participantId === participantId && record.__typename === 'ContinuousRating'
          ? [{ onset: record.onset, value: record.rating }]
          : [],
      );
      samples.set(participantId, recent(samples.get(participantId) ?? [], come));
    }
  }
  // Samples come by the hundred: of those, only the last of each message is told in the list.
  const isSampled = type === 'CONTINUOUS_RATINGS' || type === 'SYNC_METRICS';
  kept.live = {
    ...live,
    rows: added(live.rows, isSampled ? records.slice(-1) : records),
    samples,
    heard,
    lastArrival: now,
    received: live.received + records.length,
  };
  kept.changed = true;
}
