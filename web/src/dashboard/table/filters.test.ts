import { expect, test } from 'vitest';
import type { Column, FilterKind } from './columns';
import { draftOf, matchOf } from './filterDrafts';
import {
  allOf,
  chipsOf,
  parseFilter,
  searchFor,
  windowOf,
  withField,
  writeFilter,
} from './filters';

test.each(['', 'nonsense', '[]', 'null', '5'])('%j in the address is no filter', (f) => {
  expect(parseFilter(f)).toEqual({});
});

test('what is written into the address is read out of it', () => {
  const filter = withField({}, 'onset', { gte: -500, lt: 0 });
  expect(parseFilter(writeFilter(filter))).toEqual(filter);
  expect(writeFilter(withField(filter, 'onset', null))).toBeNull();
});

test('filters that ask the same field must both hold', () => {
  expect(allOf({ onset: { gte: 5 } }, { value: { lt: 1 } }, null, {})).toEqual({
    onset: { gte: 5 },
    value: { lt: 1 },
  });
  expect(allOf({ onset: { gte: 5 } }, { onset: { lt: 9 } })).toEqual({
    and: [{ onset: { gte: 5 } }, { onset: { lt: 9 } }],
  });
  expect(allOf(null, {})).toBeNull();
});

test('a search looks into texts, and for an id as a whole', () => {
  expect(searchFor(' evt_1 ', ['content'], ['eventId'])).toEqual({
    or: [{ content: { contains: 'evt_1' } }, { eventId: { in: ['evt_1'] } }],
  });
  expect(searchFor('  ', ['content'], [])).toBeNull();
});

test('the time window is whole milliseconds, and may begin before zero', () => {
  expect(windowOf('-1500', '2000')).toEqual({ onset: { gte: -1500, lt: 2000 } });
  expect(windowOf('soon', null)).toBeNull();
});

const column = (id: string, label: string): Column<never> => ({
  id,
  label,
  width: 1,
  cell: () => null,
});

test('a filter is told in words', () => {
  const told = chipsOf(
    {
      status: { in: ['ACTIVE', 'COMPLETED'] },
      onset: { gte: 0, lt: 10, isNull: false },
      response: { path: 'value', equals: 'blue' },
      not: { status: { in: [] } },
    },
    [column('status', 'Status'), column('onset', 'Onset'), column('response', 'Response')],
  );
  expect(told.map(({ text }) => text)).toEqual([
    'Status is active or completed',
    'Onset is not empty, ≥ 0, < 10',
    'Response at value, is “blue”',
    'not: {"status":{"in":[]}}',
  ]);
});

const MATCHES: [FilterKind, unknown][] = [
  ['text', { contains: 'page' }],
  ['text', { equals: 'component.start', isNull: false }],
  ['text', { in: ['component.start', 'component.complete'] }],
  ['ids', { in: ['evt_1', 'evt_2'] }],
  ['number', { gte: -0.5, lt: 12 }],
  ['number', { isNull: true }],
  ['time', { gte: '2026-09-07T08:58:00.123Z' }],
  ['boolean', { equals: false }],
  ['boolean', { isNull: true }],
  ['list', { has: 'host' }],
  ['list', { isEmpty: true }],
  ['json', { path: 'value.choice', equals: 'blue' }],
  ['json', { equals: 5 }],
  ['json', { equals: '5' }],
  ['json', { equals: null }],
  [{ oneOf: ['ACTIVE', 'COMPLETED'] }, { in: ['COMPLETED'] }],
  [{ anyOf: ['EVENTS', 'RECORDINGS'] }, ['EVENTS']],
];

test.each(MATCHES)(
  'a filter of a column (%j) that is opened and applied stays: %j',
  (kind, match) => {
    expect(matchOf(kind, draftOf(kind, match))).toEqual({ match });
  },
);

test('nothing typed is no filter, and an empty range is a mistake', () => {
  expect(matchOf('text', draftOf('text', undefined))).toEqual({ match: null });
  expect(matchOf('number', draftOf('number', { gte: 3, lt: 3 }))).toHaveProperty('problem');
});
