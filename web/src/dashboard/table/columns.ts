/** What a table shows of its rows: each column says what it asks for, sorts by and filters by. */

import type { ReactNode } from 'react';

/** How a column is filtered: the shape of its input in the API's filters. */
export type FilterKind =
  | 'text' // TextMatch
  | 'ids' // TextIn
  | 'number' // IntRange, FloatRange, BigIntRange
  | 'time' // TimestampRange
  | 'boolean' // BooleanMatch
  | 'list' // TextListMatch
  | 'json' // JsonMatch
  | { oneOf: readonly string[] } // …In
  | { anyOf: readonly string[] }; // a plain list, such as hasData

export interface Column<Row> {
  /** The field of the API, which is its name in addresses too. */
  id: string;
  label: string;
  /** Pixels. */
  width: number;
  cell: (row: Row) => ReactNode;
  /** What is asked of the API; the field itself when left out. */
  select?: string;
  align?: 'end';
  /** A member of the API's order fields; left out where it cannot be sorted by. */
  order?: string;
  filter?: FilterKind;
  /** Its field in the filter, if that is another one. */
  filterField?: string;
  /** Values that are often met; others are taken too. */
  suggestions?: readonly string[];
  /** Not shown unless asked for. */
  extra?: boolean;
  /** Why its cells are empty for whoever asks, such as a right they do not have. */
  hiddenBecause?: string | undefined;
}

/** The columns on screen, in their order: those of `cols`, else all but the extra ones. */
export function shownColumns<Row>(columns: Column<Row>[], cols: string | null): Column<Row>[] {
  const usual = columns.filter((column) => !column.extra);
  if (cols === null) return usual;
  const wanted = new Set(cols.split(','));
  const found = columns.filter((column) => wanted.has(column.id));
  return found.length > 0 ? found : usual;
}

/** `cols` for these columns; null if they are the usual ones. */
export function colsOf<Row>(columns: Column<Row>[], shown: ReadonlySet<string>): string | null {
  const isUsual = columns.every((column) => shown.has(column.id) === !column.extra);
  if (isUsual || shown.size === 0) return null;
  return columns
    .filter(({ id }) => shown.has(id))
    .map(({ id }) => id)
    .join(',');
}
