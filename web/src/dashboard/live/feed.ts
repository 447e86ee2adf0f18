/** What came in last, of all types, the newest first: a short list, however long one watches. */

export interface Arrival {
  id: string;
  onset: number;
  timestamp: string;
}

export const MOST_ROWS = 60;

/** Adds what has come; what is there already, as it came twice, is left where it is. */
export function added<Row extends Arrival>(
  rows: readonly Row[],
  come: readonly Row[],
): readonly Row[] {
  const known = new Set(rows.map(({ id }) => id));
  const fresh = come.filter(({ id }) => !known.has(id));
  if (fresh.length === 0) return rows;
  return [...rows, ...fresh]
    .sort((one, other) =>
      one.timestamp < other.timestamp ? 1 : one.timestamp > other.timestamp ? -1 : 0,
    )
    .slice(0, MOST_ROWS);
}

/** Samples of the last minute, in order of their time. */
export function recent<Sample extends { onset: number }>(
  samples: readonly Sample[],
  come: readonly Sample[],
  lengthMs = 60_000,
): Sample[] {
  const all = [...samples, ...come].sort((one, other) => one.onset - other.onset);
  const last = all.at(-1)?.onset ?? 0;
  return all.filter(({ onset }) => onset >= last - lengthMs);
}

/** After this long without any record, a room that is going on has stalled. */
export const STALLED_AFTER_MS = 10_000;

/** For how many whole seconds nothing has come; null while it goes on as it should. */
export function stalledFor(lastArrival: number, now: number): number | null {
  const silent = now - lastArrival;
  return silent < STALLED_AFTER_MS ? null : Math.floor(silent / 1000);
}
