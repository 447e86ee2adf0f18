import { describe, expect, it } from 'vitest';
import { added, MOST_ROWS, recent, stalledFor } from './feed';
import { Rates } from './rates';

describe('rates', () => {
  it('count by second, and mean over ten whole ones', () => {
    const rates = new Rates();
    for (let second = 100; second < 110; second++) rates.add('RATINGS', 8, second * 1000 + 500);
    expect(rates.perSecond('RATINGS', 110_000)).toBe(8);
    expect(rates.bars('RATINGS', 110_000).slice(-4)).toEqual([8, 8, 8, 0]);
    expect(rates.perSecond('RATINGS', 115_000)).toBe(4);
  });
  it('forget what is more than a minute ago', () => {
    const rates = new Rates();
    rates.add('EVENTS', 5, 1000);
    expect(rates.bars('EVENTS', 500_000).every((count) => count === 0)).toBe(true);
    expect(rates.perSecond('CHAT', 500_000)).toBe(0);
  });
});

describe('the feed', () => {
  const row = (second: number) => ({
    id: `${second}`,
    onset: second * 1000,
    timestamp: `2026-01-01T00:00:${String(second).padStart(2, '0')}.000Z`,
  });
  it('shows the newest first, each once', () => {
    const once = added([], [row(1), row(3)]);
    const twice = added(once, [row(3), row(2)]);
    expect(twice.map(({ id }) => id)).toEqual(['3', '2', '1']);
    expect(added(twice, [row(2)])).toBe(twice);
  });
  it('stays short', () => {
    let rows: readonly ReturnType<typeof row>[] = [];
    for (let second = 0; second < 60; second++)
      rows = added(rows, [row(second), { ...row(second), id: `${second}b` }]);
    expect(rows).toHaveLength(MOST_ROWS);
    expect(rows[0]?.onset).toBe(59_000);
  });
  it('keeps a minute of samples, whatever order they come in', () => {
    const samples = recent([{ onset: 1000 }], [{ onset: 61_500 }, { onset: 30_000 }]);
    expect(samples.map(({ onset }) => onset)).toEqual([30_000, 61_500]);
  });
});

it('says when a stream has stalled', () => {
  expect(stalledFor(1000, 9000)).toBeNull();
  expect(stalledFor(1000, 15_700)).toBe(14);
});
