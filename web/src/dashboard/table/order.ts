/** Sorting, as the address says it: `sort=field,-field`. */

import type { Column } from './columns';

export interface Order {
  field: string;
  direction: 'ASC' | 'DESC';
}

export interface SortedBy {
  id: string;
  isDown: boolean;
}

export function parseSort(sort: string | null): SortedBy[] {
  const parts = (sort ?? '').split(',').filter((part) => part.replace('-', '') !== '');
  return parts.map((part) => ({ id: part.replace(/^-/, ''), isDown: part.startsWith('-') }));
}

export function writeSort(sorted: SortedBy[]): string | null {
  if (sorted.length === 0) return null;
  return sorted.map(({ id, isDown }) => (isDown ? `-${id}` : id)).join(',');
}

/** Up, down, not at all; `adds` keeps what it is sorted by already, before it. */
export function toggled(sorted: SortedBy[], id: string, adds: boolean): SortedBy[] {
  const before = sorted.find((one) => one.id === id);
  const next =
    before === undefined ? [{ id, isDown: false }] : before.isDown ? [] : [{ id, isDown: true }];
  if (!adds) return next;
  if (before === undefined) return [...sorted, ...next];
  return sorted.flatMap((one) => (one.id === id ? next : [one]));
}

/** As the API takes it; columns that cannot be sorted by are left out. */
export function orderBy<Row>(sorted: SortedBy[], columns: Column<Row>[]): Order[] {
  return sorted.flatMap(({ id, isDown }) => {
    const field = columns.find((column) => column.id === id)?.order;
    return field === undefined ? [] : [{ field, direction: isDown ? 'DESC' : 'ASC' }];
  });
}
