/** Ratings as they are drawn: whose line is which, what is said of them, and the same as a table. */

import type { TableOf } from './Figure';
import { type Columns, columnsOf, valueAt } from './lines';
import type { Room } from './people';
import type { RatingSeries } from './ratingsQuery';
import { formatLength, formatOnset, type Span } from './timeScale';

export interface Drawn extends Columns {
  bucketMs: number;
  people: { key: string; label: string; color: string }[];
  counts: number[];
}

export function drawnOf(series: RatingSeries, room: Room, components: string[]): Drawn {
  const bucketMs = series.bucketMs ?? 1;
  const people = series.lines.map(({ participantId, componentId }, at) => {
    const person = room.personOf(participantId);
    const isOne = components.length < 2;
    return {
      key: `${participantId} ${componentId}`,
      label: isOne ? person.label : `${person.label} · ${shortName(componentId)}`,
      color: participantId ? person.color : `var(--series-${(at % 8) + 1})`,
    };
  });
  const counts = series.lines.map(({ count }) => count.reduce((sum, one) => sum + one, 0));
  return { ...columnsOf(series.lines, bucketMs), bucketMs, people, counts };
}

/** `dial` of `cmp_dyadvideo01_dial`. */
const shortName = (componentId: string | null) => componentId?.split('_').at(-1) ?? 'no component';

export function extentOf({ lines, bucketMs }: RatingSeries): Span | null {
  const first = lines.flatMap(({ onset }) => onset[0] ?? []);
  const last = lines.flatMap(({ onset }) => onset.at(-1) ?? []);
  return first.length === 0 || bucketMs === null
    ? null
    : { from: Math.min(...first), to: Math.max(...last) + bucketMs };
}

export function tableOf(drawn: Drawn): TableOf {
  const names = drawn.people.map(({ label }) => label);
  return {
    caption: `Mean rating of each ${formatLength(drawn.bucketMs)}.`,
    head: ['Time', ...names],
    rows: drawn.x.map((time, at) => [
      formatOnset(time, Math.min(1000, drawn.bucketMs)),
      ...drawn.lines.map(({ mean }) => mean[at]?.toFixed(3) ?? ''),
    ]),
  };
}

export function told(drawn: Drawn, at: number, onset: number): string {
  const column = drawn.lines[at]?.mean ?? [];
  const value = valueAt(drawn.x, column, onset, Math.max(1000, 2 * drawn.bucketMs));
  return value === null ? '–' : value.toFixed(3);
}
