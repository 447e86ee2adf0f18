/** Drift of videos in words and numbers. */

export type Band = 'GOOD' | 'ACCEPTABLE' | 'POOR';

/** Where the scale has lines: it is even up to 100 ms, and logarithmic beyond. */
export const DRIFT_SPLITS = [-5000, -2000, -500, -100, 0, 100, 500, 2000, 5000];

/** From below to above, the same on both sides; the good band is always seen whole. */
export function driftRange(largest: number): [number, number] {
  const bound = largest > 2000 ? largest * 1.2 : largest > 400 ? 2200 : 550;
  return [-bound, bound];
}

export function formatDrift(drift: number): string {
  return drift > 0 ? `+${drift}` : drift < 0 ? `−${-drift}` : '0';
}

/** Percent of the measurements in windows of each band; windows without drift do not count. */
export function bandShares(
  bands: readonly (Band | null)[],
  counts: readonly number[],
): Record<Band, number> {
  const sums: Record<Band, number> = { GOOD: 0, ACCEPTABLE: 0, POOR: 0 };
  bands.forEach((band, at) => {
    if (band) sums[band] += counts[at] ?? 0;
  });
  const whole = sums.GOOD + sums.ACCEPTABLE + sums.POOR;
  const percent = (sum: number) => (whole === 0 ? 0 : Math.round((100 * sum) / whole));
  return {
    GOOD: percent(sums.GOOD),
    ACCEPTABLE: percent(sums.ACCEPTABLE),
    POOR: percent(sums.POOR),
  };
}
