import { describe, expect, it } from 'vitest';
import { columnsOf, lastAtMost, pointsFor, valueAt } from './lines';

const line = (onset: number[], mean: (number | null)[]) => ({ onset, mean, min: mean, max: mean });

describe('columns', () => {
  it('lay lines over one axis, at the middles of buckets', () => {
    const { x, lines } = columnsOf([line([0, 100], [0.1, 0.2]), line([100, 200], [0.5, 0.6])], 100);
    expect(x).toEqual([50, 150, 250]);
    expect(lines.map(({ mean }) => mean)).toEqual([
      [0.1, 0.2, undefined],
      [undefined, 0.5, 0.6],
    ]);
  });

  it('break a line where it is silent for long, and nobody else', () => {
    const { x, lines } = columnsOf(
      [line([0, 100, 200, 900, 1000], [1, 1, 1, 0, 0]), line([0, 100, 200, 300], [0, 0, 0, 0])],
      100,
    );
    expect(x).toEqual([50, 150, 250, 350, 600, 950, 1050]);
    expect(lines[0]?.mean).toEqual([1, 1, 1, null, null, 0, 0]);
    expect(lines[1]?.mean).toEqual([0, 0, 0, 0, undefined, undefined, undefined]);
  });

  it('do not break a line at buckets that are narrower than samples are apart', () => {
    const { lines } = columnsOf([line([0, 250, 500, 750], [1, 1, 1, 1])], 10);
    expect(lines[0]?.mean).not.toContain(null);
  });

  it('show a bucket without any value as a gap', () => {
    expect(columnsOf([line([0, 100], [null, 1])], 100).lines[0]?.mean).toEqual([null, 1]);
  });

  it('are empty without samples', () => {
    expect(columnsOf([line([], [])], 100)).toEqual({
      x: [],
      lines: [{ mean: [], min: [], max: [] }],
    });
  });
});

describe('a value at a time', () => {
  const x = [50, 150, 250, 350];
  it('is the last one within reach', () => {
    expect(valueAt(x, [1, undefined, 3, 4], 160, 120)).toBe(1);
    expect(valueAt(x, [1, undefined, undefined, undefined], 340, 120)).toBeNull();
  });
  it('is none in a gap', () => {
    expect(valueAt(x, [1, null, 3, 4], 150, 100)).toBeNull();
  });
});

describe('searching', () => {
  it.each([
    [-1, -1],
    [10, 0],
    [25, 1],
    [99, 2],
  ])('finds the last entry up to %i', (bound, index) => {
    expect(lastAtMost([10, 20, 30], bound)).toBe(index);
  });
});

describe('points', () => {
  it('follow the width in steps, and stay within what the server draws', () => {
    expect(pointsFor(1180, 2)).toBe(600);
    expect(pointsFor(1190, 2)).toBe(600);
    expect(pointsFor(5000, 2)).toBe(1500);
    expect(pointsFor(1180, 900)).toBe(100);
  });
});
