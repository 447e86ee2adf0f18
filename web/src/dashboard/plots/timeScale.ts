/** Time on an axis: spans of onsets in ms, where ticks go, and how onsets are written. */

/** From `from` to before `to`, in ms from the room's experiment start; may be negative. */
export interface Span {
  from: number;
  to: number;
}

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const STEPS = [
  ...[10, 20, 50, 100, 200, 500],
  ...[1, 2, 5, 10, 15, 30].map((seconds) => seconds * SECOND),
  ...[1, 2, 5, 10, 15, 30].map((minutes) => minutes * MINUTE),
  ...[1, 2, 3, 6, 12, 24].map((hours) => hours * HOUR),
];
const LONGEST_STEP = 24 * HOUR;

/** No zoom goes below this: samples come each 100 ms at most. */
export const SHORTEST_SPAN = 200;

/** The smallest round step of which at most `most` fit into the span. */
export function tickStep({ from, to }: Span, most: number): number {
  const least = (to - from) / Math.max(1, most);
  const found = STEPS.find((step) => step >= least);
  return found ?? Math.ceil(least / LONGEST_STEP) * LONGEST_STEP;
}

/** Multiples of the step within the span, both ends included. */
export function ticks({ from, to }: Span, step: number): number[] {
  const first = Math.ceil(from / step);
  const last = Math.floor(to / step);
  // `+ 0` makes a zero of minus zero, which would be written with a sign.
  return Array.from({ length: Math.max(0, last - first + 1) }, (_, at) => (first + at) * step + 0);
}

/** `−1:02:03.5`: hours only where there are any, as many decimals as the step needs. */
export function formatOnset(onset: number, step = SECOND): string {
  const decimals = step >= SECOND ? 0 : step >= 100 ? 1 : step >= 10 ? 2 : 3;
  const unit = 10 ** (3 - decimals);
  const size = Math.round(Math.abs(onset) / unit) * unit;
  const sign = onset < 0 && size > 0 ? '−' : '';
  const hours = Math.floor(size / HOUR);
  const minutes = Math.floor((size % HOUR) / MINUTE);
  const seconds = ((size % MINUTE) / SECOND)
    .toFixed(decimals)
    .padStart(decimals ? decimals + 3 : 2, '0');
  return hours > 0
    ? `${sign}${hours}:${String(minutes).padStart(2, '0')}:${seconds}`
    : `${sign}${minutes}:${seconds}`;
}

/** `2 min 5 s`, `850 ms`: how long something lasted, for sentences. */
export function formatLength(ms: number): string {
  if (ms < SECOND) return `${Math.round(ms)} ms`;
  if (ms < 10 * SECOND) return `${(ms / SECOND).toFixed(1)} s`;
  const seconds = Math.round(ms / SECOND);
  if (seconds < 60) return `${seconds} s`;
  const parts = [
    [Math.floor(seconds / 3600), 'h'],
    [Math.floor((seconds % 3600) / 60), 'min'],
    [seconds % 60, 's'],
  ] as const;
  return parts
    .filter(([count]) => count > 0)
    .slice(0, 2)
    .map(([count, unit]) => `${count} ${unit}`)
    .join(' ');
}

/** A part of the span around `at`, `factor` times as long (less than 1 zooms in). */
export function zoomed({ from, to }: Span, factor: number, at = (from + to) / 2): Span {
  const length = Math.max(SHORTEST_SPAN, (to - from) * factor);
  const share = (at - from) / (to - from);
  const start = Math.round(at - share * length);
  return { from: start, to: start + Math.round(length) };
}

export function shifted({ from, to }: Span, share: number): Span {
  const by = Math.round((to - from) * share);
  return { from: from + by, to: to + by };
}

/** The part of the span that lies within the bounds; null where nothing is left to see. */
export function within(span: Span, bounds: Span): Span | null {
  const from = Math.max(span.from, bounds.from);
  const to = Math.min(span.to, bounds.to);
  return to - from < 1 ? null : { from, to };
}

export function union(spans: Iterable<Span>): Span | null {
  let whole: Span | null = null;
  for (const { from, to } of spans) {
    whole = whole ? { from: Math.min(whole.from, from), to: Math.max(whole.to, to) } : { from, to };
  }
  return whole;
}

/** Whole windows that are round for people, about `wanted` of them, `least` ms or more each. */
export function windowLength({ from, to }: Span, wanted: number, least = SECOND): number {
  return Math.max(least, tickStep({ from, to }, wanted));
}
