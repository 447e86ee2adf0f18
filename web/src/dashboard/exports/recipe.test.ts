import { describe, expect, it } from 'vitest';
import { cronOf, inWords } from './cron';
import { changed, filterOnScreen, firstChoices, inputOf, nameOf, selectionOf } from './recipe';
import { size } from './wording';

const PLACE = { experimentId: 'exp_1', roomId: 'room_1' };
const shown = (filter: Record<string, unknown> | null, dataTypes = ['EVENTS' as const]) => ({
  place: PLACE,
  dataTypes,
  filter,
  orderBy: [],
  query: { document: '{ viewer { name } }', variables: {} },
});

describe('selectionOf', () => {
  it('is the innermost level of a place', () => {
    expect(selectionOf({ experimentId: 'exp_1' })).toEqual({ experimentIds: ['exp_1'] });
    expect(selectionOf(PLACE)).toEqual({ roomIds: ['room_1'] });
    expect(selectionOf({ ...PLACE, participantId: 'p' })).toEqual({
      participants: [{ roomId: 'room_1', participantId: 'p' }],
    });
  });

  it('is what was chosen in a table, where rows were', () => {
    expect(selectionOf(null, { experimentIds: ['a', 'b'] })).toEqual({ experimentIds: ['a', 'b'] });
    expect(selectionOf(PLACE, { participants: [{ roomId: 'r', participantId: 'p' }] })).toEqual({
      participants: [{ roomId: 'r', participantId: 'p' }],
    });
    expect(selectionOf(null)).toBeNull();
  });

  it('has a name', () => {
    expect(nameOf({ roomIds: ['room_1'] })).toBe('room room_1');
    expect(nameOf({ roomIds: ['a', 'b'] })).toBe('2 rooms');
  });
});

describe('the filter on screen', () => {
  it('is carried over as it is', () => {
    const filter = { category: { in: ['media'] } };
    const choices = firstChoices(shown(filter));
    const input = inputOf({ roomIds: ['room_1'] }, choices, filterOnScreen(shown(filter)));
    expect(input.filter).toEqual({ events: filter });
    expect(input.dataTypes).toEqual(['EVENTS']);
    expect(input.packaging).toBe('SINGLE_FILE');
  });

  it('is left behind on demand', () => {
    const filter = { onset: { gte: 0 } };
    const choices = changed(firstChoices(shown(filter)), { keepFilter: false });
    expect(inputOf({}, choices, filterOnScreen(shown(filter)))).not.toHaveProperty('filter');
  });

  it('of a table of rooms is none of records', () => {
    expect(filterOnScreen({ ...shown({ status: { in: ['ACTIVE'] } }), dataTypes: [] })).toBeNull();
    expect(filterOnScreen(null)).toBeNull();
  });
});

describe('changed', () => {
  const choices = firstChoices(null);

  it('is de-identified, all types, and no media to begin with', () => {
    expect(choices.anonymization).toBe('REMOVE_IDENTIFIERS');
    expect(inputOf({}, choices, null)).not.toHaveProperty('dataTypes');
    expect(choices.includeMedia).toBe(false);
  });

  it('puts several types into a ZIP, but for JSON', () => {
    expect(changed(choices, { packaging: 'SINGLE_FILE' }).packaging).toBe('ZIP');
    expect(changed(choices, { format: 'JSON', packaging: 'SINGLE_FILE' }).packaging).toBe(
      'SINGLE_FILE',
    );
  });

  it('drops media with what they need', () => {
    const media = changed(choices, { includeMedia: true });
    expect(media.includeMedia).toBe(true);
    expect(changed(media, { anonymization: 'AGGREGATE_ONLY' }).includeMedia).toBe(false);
    expect(changed(media, { dataTypes: ['EVENTS'] }).includeMedia).toBe(false);
  });

  it('keeps the mark for Excel to CSV', () => {
    const marked = changed(choices, { excelBom: true });
    expect(marked.excelBom).toBe(true);
    expect(changed(marked, { format: 'PARQUET' }).excelBom).toBe(false);
  });
});

describe('cron', () => {
  const when = { rhythm: 'WEEKLY' as const, time: '02:30', weekday: 1, cron: '' };

  it('is written of a rhythm, and read back in words', () => {
    expect(cronOf(when)).toBe('30 2 * * 1');
    expect(inWords('30 2 * * 1')).toBe('every Monday at 02:30');
    expect(inWords(cronOf({ ...when, rhythm: 'DAILY' }))).toBe('every day at 02:30');
    expect(inWords(cronOf({ ...when, rhythm: 'MONTHLY' }))).toBe(
      'on the 1st of each month at 02:30',
    );
    expect(inWords(cronOf({ ...when, rhythm: 'HOURLY' }))).toBe('every hour at 30 past');
  });

  it('is shown as it is where words would mislead', () => {
    expect(inWords('0 3 1 * 1')).toBe('cron 0 3 1 * 1');
    expect(inWords('*/5 * * * *')).toBe('cron */5 * * * *');
  });
});

describe('size', () => {
  it('is in thousands', () => {
    expect([size(0), size(999), size(1500), size(12_345_678)]).toEqual([
      '0 B',
      '999 B',
      '1.5 kB',
      '12 MB',
    ]);
  });
});
