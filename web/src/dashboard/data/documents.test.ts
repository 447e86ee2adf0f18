import { readFileSync } from 'node:fs';
import { buildSchema, parse, validate } from 'graphql';
import { expect, test } from 'vitest';
import { EXPERIMENT_COLUMNS, participantColumns, roomColumns } from '../levels/columns';
import { DATA_TYPES } from '../levels/dataTypes';
import type { Column } from '../table/columns';
import { countDocument, type Listing, pageDocument } from '../table/document';
import type { Place } from '../url/place';
import { dataColumns, SEARCHES } from './columns';

const schema = buildSchema(
  readFileSync(new URL('../../../../server/schema/schema.graphql', import.meta.url), 'utf8'),
);
const inputs = (name: string) => Object.keys((schema.getType(name) as never as Input).getFields());
const members = (name: string) =>
  (schema.getType(name) as never as Enum).getValues().map((v) => v.name);
interface Input {
  getFields(): Record<string, unknown>;
}
interface Enum {
  getValues(): { name: string }[];
}

const experiment = { experimentId: 'e' };
const room = { ...experiment, roomId: 'r' };
const PLACES: Place[] = [experiment, room, { ...room, participantId: 'p' }];

type AnyColumn = Pick<Column<never>, 'id' | 'select' | 'order' | 'filter' | 'filterField'>;
const TABLES: [Listing, AnyColumn[]][] = [
  [{ place: null, connection: 'experiments', type: 'Experiment' }, EXPERIMENT_COLUMNS],
  [{ place: experiment, connection: 'rooms', type: 'Room' }, roomColumns('e')],
  [
    { place: experiment, connection: 'participants', type: 'Participant' },
    participantColumns(experiment, true),
  ],
  [
    { place: room, connection: 'participants', type: 'Participant' },
    participantColumns(room, true),
  ],
  ...DATA_TYPES.flatMap(({ name, connection, type }) =>
    PLACES.map((place): [Listing, AnyColumn[]] => [
      { place, connection, type },
      dataColumns(name, place),
    ]),
  ),
];

test.each(TABLES)(
  'what the table of %j asks is valid, with every column shown',
  (listing, columns) => {
    const selections = columns.map(({ id, select }) => select ?? id);
    for (const document of [pageDocument(listing, selections), countDocument(listing)]) {
      expect(validate(schema, parse(document))).toEqual([]);
    }
  },
);

test.each(TABLES)(
  'what the table of %j is sorted and filtered by is there',
  ({ type }, columns) => {
    const fields = columns.filter(({ filter }) => filter).map((c) => c.filterField ?? c.id);
    expect(inputs(`${type}Filter`)).toEqual(expect.arrayContaining(fields));
    const orders = columns.flatMap(({ order }) => order ?? []);
    expect(members(`${type}OrderField`)).toEqual(expect.arrayContaining(orders));
  },
);

test.each(DATA_TYPES)('the search of $label asks fields that are there', ({ name, type }) => {
  const { fields, ids } = SEARCHES[name];
  expect(inputs(`${type}Filter`)).toEqual(expect.arrayContaining([...fields, ...ids]));
});

test('a page asks for what is shown and for nothing else', () => {
  const listing = { place: room, connection: 'events', type: 'Event' };
  expect(pageDocument(listing, ['id', 'onset', 'id'])).toBe(
    `query EventsPage($roomId: String!, $filter: EventFilter, $orderBy: [EventOrder!], $first: Int, $after: String) {
  room(roomId: $roomId) {
    events(filter: $filter, orderBy: $orderBy, first: $first, after: $after) {
      nodes {
        id
        onset
      }
      pageInfo {
        hasNextPage
        endCursor
      }
    }
  }
}`,
  );
});
