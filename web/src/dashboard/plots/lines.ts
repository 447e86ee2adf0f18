/** From the server's buckets to columns over one time axis, as uPlot draws them. */

/** Parallel lists, one entry a bucket that holds samples. */
export interface BucketLine {
  onset: readonly number[];
  mean: readonly (number | null)[];
  min: readonly (number | null)[];
  max: readonly (number | null)[];
}

/** A value, a gap to be seen (null), or nothing of this line at this time (undefined). */
export type Column = (number | null | undefined)[];

export interface Columns {
  /** Middles of buckets, in ms, ascending. */
  x: number[];
  lines: { mean: Column; min: Column; max: Column }[];
}

/** A hole of more than this many usual distances between buckets is drawn as one. */
const HOLE = 3;

/**
 * Lays lines over one axis. Buckets may be narrower than samples are apart, so that most are
 * empty: a line is broken only where it is silent for much longer than usual.
 */
export function columnsOf(lines: readonly BucketLine[], bucketMs: number): Columns {
  const holes = lines.map((line) => holesOf(line.onset, bucketMs));
  const all = new Set<number>();
  lines.forEach((line, at) => {
    for (const onset of line.onset) all.add(onset + bucketMs / 2);
    for (const { middle } of holes[at] ?? []) all.add(middle);
  });
  const x = [...all].sort((one, other) => one - other);
  const places = new Map(x.map((time, at) => [time, at]));
  return {
    x,
    lines: lines.map((line, at) => {
      const column = (values: readonly (number | null)[]): Column => {
        const filled: Column = new Array(x.length).fill(undefined);
        line.onset.forEach((onset, index) => {
          filled[places.get(onset + bucketMs / 2) ?? 0] = values[index] ?? null;
        });
        // All of a hole is null, or uPlot would cut out no more than where its middle is.
        for (const { from, to } of holes[at] ?? []) {
          filled.fill(null, (places.get(from) ?? 0) + 1, places.get(to) ?? 0);
        }
        return filled;
      };
      return { mean: column(line.mean), min: column(line.min), max: column(line.max) };
    }),
  };
}

interface Hole {
  from: number;
  middle: number;
  to: number;
}

/** Where a line is to be broken: between the buckets around a long silence. */
function holesOf(onset: readonly number[], bucketMs: number): Hole[] {
  const steps = onset.slice(1).map((next, at) => next - (onset[at] ?? next));
  if (steps.length === 0) return [];
  const usual = [...steps].sort((one, other) => one - other)[Math.floor(steps.length / 2)] ?? 0;
  const long = Math.max(usual * HOLE, bucketMs * 1.5);
  return steps.flatMap((step, at) => {
    const from = (onset[at] ?? 0) + bucketMs / 2;
    return step > long ? [{ from, middle: from + step / 2, to: from + step }] : [];
  });
}

/** What a line says at a time: its last bucket's mean that is at most `reach` ms before it. */
export function valueAt(
  x: readonly number[],
  column: Column,
  time: number,
  reach: number,
): number | null {
  for (let at = lastAtMost(x, time + reach / 2); at >= 0; at--) {
    const value = column[at];
    if (value === null || (x[at] ?? 0) < time - reach) return null;
    if (value !== undefined) return value;
  }
  return null;
}

/** Index of the last entry of an ascending list that is `bound` or less; -1 if there is none. */
export function lastAtMost(sorted: readonly number[], bound: number): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((sorted[middle] ?? 0) <= bound) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

/** How many buckets to ask for: one for each two pixels, in steps, so that resizing asks rarely. */
export function pointsFor(width: number, lines: number): number {
  const wanted = Math.ceil(width / 2 / 100) * 100;
  const bound = Math.floor(90_000 / Math.max(1, lines));
  return Math.max(1, Math.min(wanted, 1500, bound));
}
