import { describe, expect, it } from 'vitest';
import { clustersOf, statesOf } from './clusters';

const at = (...onsets: number[]) => onsets.map((onset) => ({ onset }));

describe('clusters', () => {
  it('join what would lie upon one another', () => {
    const found = clustersOf(at(0, 10, 500, 990), { from: 0, to: 1000 }, 100, 8);
    expect(found.map(({ x, items }) => [x, items.length])).toEqual([
      [0, 2],
      [50, 1],
      [99, 1],
    ]);
  });
  it('come apart when one looks closer, and leave out what is not shown', () => {
    const found = clustersOf(at(0, 10, 500), { from: 0, to: 20 }, 100, 8);
    expect(found.map(({ x, items }) => [x, items.length])).toEqual([
      [0, 1],
      [50, 1],
    ]);
  });
  it('do not run together without end', () => {
    const found = clustersOf(at(0, 5, 10, 15, 20), { from: 0, to: 100 }, 100, 8);
    expect(found.map(({ items }) => items.length)).toEqual([2, 2, 1]);
  });
});

describe('states', () => {
  const enter = (onset: number, stateName: string, eventType = 'state.enter') => ({
    onset,
    stateName,
    eventType,
  });
  it('last from the first who enters until the next state', () => {
    const events = [
      enter(137, 'Welcome'),
      enter(140, 'Welcome'),
      enter(150, 'Film', 'component.start'),
      enter(16_000, 'Film'),
      enter(16_900, 'Film'),
    ];
    expect(statesOf(events, 20_000)).toEqual([
      { name: 'Welcome', from: 137, to: 16_000 },
      { name: 'Film', from: 16_000, to: 20_000 },
    ]);
  });
  it('are not begun anew by who is behind, but by who returns', () => {
    const events = [enter(0, 'A'), enter(100, 'B'), enter(150, 'A'), enter(60_000, 'A')];
    expect(statesOf(events, 99_000).map(({ name }) => name)).toEqual(['A', 'B', 'A']);
  });
});
