/** What is on screen, for "Use this in code" and Download: the view says, the header reads. */

import { useEffect, useSyncExternalStore } from 'react';
import type { Place } from './url/place';

export type DataTypeName =
  | 'EVENTS'
  | 'RECORDINGS'
  | 'CHAT_MESSAGES'
  | 'CONTINUOUS_RATINGS'
  | 'SPARSE_RATINGS'
  | 'SYNC_METRICS'
  | 'COMPONENTS';

export interface Shown {
  /** Null above the experiments. */
  place: Place | null;
  /** The types on screen; none for a table of experiments, rooms or participants. */
  dataTypes: DataTypeName[];
  /** As the API takes it: the filter input of the one table on screen. */
  filter: Record<string, unknown> | null;
  orderBy: { field: string; direction: 'ASC' | 'DESC' }[];
  /** What was asked to show it. */
  query: { document: string; variables: Record<string, unknown> };
}

let shown: Shown | null = null;
const watchers = new Set<() => void>();

function show(next: Shown | null): void {
  shown = next;
  for (const watch of watchers) watch();
}

/** A view says what it shows, for as long as it is there. */
export function useShown(next: Shown): void {
  const text = JSON.stringify(next);
  useEffect(() => {
    const mine = JSON.parse(text) as Shown;
    show(mine);
    return () => {
      if (shown === mine) show(null);
    };
  }, [text]);
}

/** Null when the view on screen has not said. */
export function useWhatIsShown(): Shown | null {
  return useSyncExternalStore(
    (watch) => {
      watchers.add(watch);
      return () => watchers.delete(watch);
    },
    () => shown,
  );
}
