/** Which recordings run at a time of the session, and where in them that is. */

export interface Clip {
  /** Where it begins, in ms from the experiment start. */
  start: number;
  /** In ms; null if nobody knows. */
  duration: number | null;
}

/** Seconds into the clip, as media elements count; null where it does not run. */
export function placeIn({ start, duration }: Clip, onset: number): number | null {
  const into = onset - start;
  if (into < 0 || (duration !== null && into >= duration)) return null;
  return into / 1000;
}

/** Where to play on: here if anything runs, else where the next clip begins; null after the last. */
export function playableFrom(clips: readonly Clip[], onset: number): number | null {
  if (clips.some((clip) => placeIn(clip, onset) !== null)) return onset;
  const later = clips.map(({ start }) => start).filter((start) => start > onset);
  return later.length === 0 ? null : Math.min(...later);
}

/** A clip that is further off than this is put right; less is not seen, and would stutter. */
export const TOLERANCE_S = 0.15;

export function mustSeek(current: number, wanted: number): boolean {
  return Math.abs(current - wanted) > TOLERANCE_S;
}
