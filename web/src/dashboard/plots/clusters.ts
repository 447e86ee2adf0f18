/** Events on a line: those that would lie upon one another are drawn as one mark with a number. */

import type { Span } from './timeScale';

export interface Cluster<Item> {
  /** Where its first item is, in pixels from the span's begin: marks are `reach` apart, or more. */
  x: number;
  items: Item[];
}

/**
 * Items must be sorted by onset; those outside of the span are left out. A mark takes in what comes
 * within `reach` pixels of its first item, so that marks stay where they are when others come later.
 */
export function clustersOf<Item extends { onset: number }>(
  items: readonly Item[],
  { from, to }: Span,
  width: number,
  reach: number,
): Cluster<Item>[] {
  const scale = width / (to - from);
  const found: Cluster<Item>[] = [];
  for (const item of items) {
    if (item.onset < from || item.onset >= to) continue;
    const x = (item.onset - from) * scale;
    const last = found.at(-1);
    if (last && x - last.x < reach) last.items.push(item);
    else found.push({ x, items: [item] });
  }
  return found;
}

/** How wide a mark is: grows with the number of items, slowly. */
export function radiusOf(count: number): number {
  return count === 1 ? 3.5 : Math.min(9, 5 + 1.5 * Math.log2(count));
}

export interface Stretch {
  name: string;
  from: number;
  to: number;
}

/**
 * The experiment's states as stretches of time, from when anybody first entered one to when
 * anybody entered the next; the last one ends with `end`.
 */
export function statesOf(
  events: readonly { onset: number; eventType: string; stateName: string | null }[],
  end: number,
): Stretch[] {
  const stretches: Stretch[] = [];
  for (const { onset, eventType, stateName } of events) {
    if (eventType !== 'state.enter' || stateName === null) continue;
    const last = stretches.at(-1);
    if (last?.name === stateName) continue;
    // Who is behind enters a state that others have left: that does not begin it anew.
    if (stretches.slice(0, -1).some((s) => s.name === stateName && onset - s.to < 10_000)) continue;
    if (last) last.to = onset;
    stretches.push({ name: stateName, from: onset, to: end });
  }
  return stretches;
}
