import { expect, it } from 'vitest';
import { bandShares, driftRange, formatDrift } from './drift';

it('weighs bands by their measurements', () => {
  expect(bandShares(['GOOD', 'POOR', null], [30, 10, 99])).toEqual({
    GOOD: 75,
    ACCEPTABLE: 0,
    POOR: 25,
  });
  expect(bandShares([], [])).toEqual({ GOOD: 0, ACCEPTABLE: 0, POOR: 0 });
});

it('shows the good band whole, and as much beyond as there is', () => {
  expect(driftRange(20)).toEqual([-550, 550]);
  expect(driftRange(450)).toEqual([-2200, 2200]);
  expect(driftRange(10_000)).toEqual([-12_000, 12_000]);
});

it('writes the sign', () => {
  expect([-5, 0, 5].map(formatDrift)).toEqual(['−5', '0', '+5']);
});
