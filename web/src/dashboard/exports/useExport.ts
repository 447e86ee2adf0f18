/** One export as it goes on: by the websocket, and by asking again while that is not there. */

import { useEffect, useState } from 'react';
import { useQuery, useSubscription } from 'urql';
import { type Problem, problemOf } from '../api/problems';
import { useConnection } from '../api/socket';
import { ExportProgress, ExportQuery, type ExportRowData } from './documents';
import { isGoingOn } from './wording';

const POLL_MS = 3000;

export interface Followed {
  row: ExportRowData | null;
  problem: Problem | null;
  /** The websocket is lost: what is shown may be some seconds old. */
  isBehind: boolean;
  /** Asks anew, after it was tried again. */
  again(): void;
}

export function useExport(id: string): Followed {
  const connection = useConnection();
  const [round, setRound] = useState(0);
  const [row, setRow] = useState<ExportRowData | null>(null);
  const [pushed, follow] = useSubscription({ query: ExportProgress, variables: { id } });
  const isOver = row !== null && !isGoingOn(row.status);
  // Asked for once in any case: the websocket tells its first state to whoever follows first.
  const [asked, ask] = useQuery({
    query: ExportQuery,
    variables: { id },
    requestPolicy: 'network-only',
  });

  useEffect(() => {
    if (pushed.data) setRow(pushed.data.exportProgress);
  }, [pushed.data]);
  useEffect(() => {
    const next = asked.data?.export;
    if (next) setRow((before) => (before && isLater(before, next) ? before : next));
  }, [asked.data]);

  const isBehind = connection !== 'connected' && !isOver;
  // biome-ignore lint/correctness/useExhaustiveDependencies: a new round asks at once
  useEffect(() => {
    if (!isBehind) return;
    const timer = setInterval(() => ask({ requestPolicy: 'network-only' }), POLL_MS);
    return () => clearInterval(timer);
  }, [isBehind, ask, round]);

  return {
    row: row?.id === id ? row : null,
    problem: problemOf(pushed.error),
    isBehind: isBehind && connection === 'lost',
    again: () => {
      setRow(null);
      setRound(round + 1);
      follow();
      ask({ requestPolicy: 'network-only' });
    },
  };
}

/** An answer may have been under way while the end was told. */
function isLater(one: ExportRowData, other: ExportRowData): boolean {
  return one.id === other.id && !isGoingOn(one.status) && isGoingOn(other.status);
}
