import { describe, expect, it } from 'vitest';
import {
  formatLength,
  formatOnset,
  shifted,
  tickStep,
  ticks,
  union,
  within,
  zoomed,
} from './timeScale';

describe('ticks', () => {
  it('are round and few', () => {
    const span = { from: -12_345, to: 947_021 };
    const step = tickStep(span, 8);
    expect(step).toBe(120_000);
    expect(ticks(span, step)).toEqual([0, 120, 240, 360, 480, 600, 720, 840].map((s) => s * 1000));
  });
  it('go below a second, and beyond a day', () => {
    expect(tickStep({ from: 0, to: 700 }, 8)).toBe(100);
    expect(tickStep({ from: 0, to: 10 * 86_400_000 }, 5)).toBe(2 * 86_400_000);
  });
});

describe('an onset', () => {
  it.each([
    [0, 1000, '0:00'],
    [-200_400, 1000, '−3:20'],
    [-300, 1000, '0:00'],
    [-300, 100, '−0:00.3'],
    [62_050, 50, '1:02.05'],
    [3_723_000, 1000, '1:02:03'],
    [59_999, 1000, '1:00'],
  ])('of %i ms at steps of %i is %s', (onset, step, text) => {
    expect(formatOnset(onset, step)).toBe(text);
  });
});

describe('a length', () => {
  it.each([
    [850, '850 ms'],
    [1250, '1.3 s'],
    [125_000, '2 min 5 s'],
    [7_200_000, '2 h'],
    [3_725_000, '1 h 2 min'],
  ])('of %i ms is %s', (ms, text) => {
    expect(formatLength(ms)).toBe(text);
  });
});

describe('a span', () => {
  it('zooms around where one points', () => {
    expect(zoomed({ from: 0, to: 1000 }, 0.5, 250)).toEqual({ from: 125, to: 625 });
    expect(zoomed({ from: 0, to: 300 }, 0.1)).toEqual({ from: 50, to: 250 });
  });
  it('moves, and is cut to what there is', () => {
    expect(within(shifted({ from: 0, to: 1000 }, 0.5), { from: -50, to: 1200 })).toEqual({
      from: 500,
      to: 1200,
    });
    expect(within({ from: 5, to: 9 }, { from: 10, to: 20 })).toBeNull();
  });
  it('joins others', () => {
    expect(
      union([
        { from: 5, to: 9 },
        { from: -3, to: 4 },
      ]),
    ).toEqual({ from: -3, to: 9 });
    expect(union([])).toBeNull();
  });
});
