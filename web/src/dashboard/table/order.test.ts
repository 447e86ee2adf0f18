import { expect, test } from 'vitest';
import { type Column, colsOf, shownColumns } from './columns';
import { orderBy, parseSort, toggled, writeSort } from './order';

const column = (id: string, more: Partial<Column<never>> = {}): Column<never> => ({
  id,
  label: id,
  width: 1,
  cell: () => null,
  ...more,
});
const COLUMNS = [
  column('onset', { order: 'ONSET' }),
  column('content', { order: 'CONTENT' }),
  column('config', { extra: true }),
];

test('a header sorts up, then down, then not at all', () => {
  const steps = [parseSort(null)];
  for (let turn = 0; turn < 3; turn += 1) {
    steps.push(toggled(steps.at(-1) ?? [], 'onset', false));
  }
  expect(steps.map(writeSort)).toEqual([null, 'onset', '-onset', null]);
});

test('with Shift, it is sorted by several in turn', () => {
  const sorted = toggled(parseSort('-content'), 'onset', true);
  expect(writeSort(sorted)).toBe('-content,onset');
  expect(orderBy(sorted, COLUMNS)).toEqual([
    { field: 'CONTENT', direction: 'DESC' },
    { field: 'ONSET', direction: 'ASC' },
  ]);
  expect(writeSort(toggled(sorted, 'content', true))).toBe('onset');
});

test('what cannot be sorted by is left out', () => {
  expect(orderBy(parseSort('config,nonsense,onset'), COLUMNS)).toEqual([
    { field: 'ONSET', direction: 'ASC' },
  ]);
});

test('the columns of the address are shown, the usual ones without, or if it names none', () => {
  const ids = (cols: string | null) => shownColumns(COLUMNS, cols).map(({ id }) => id);
  expect(ids(null)).toEqual(['onset', 'content']);
  expect(ids('config,onset')).toEqual(['onset', 'config']);
  expect(ids('nonsense')).toEqual(['onset', 'content']);
  expect(colsOf(COLUMNS, new Set(['onset', 'content']))).toBeNull();
  expect(colsOf(COLUMNS, new Set(['config', 'onset']))).toBe('onset,config');
});
