import { expect, it } from 'vitest';
import { mustSeek, placeIn, playableFrom } from './playback';

const clips = [
  { start: -5000, duration: 10_000 },
  { start: 60_000, duration: 15_000 },
];

it('finds the place in a clip, by its offset from the start', () => {
  expect(clips.map((clip) => placeIn(clip, -2000))).toEqual([3, null]);
  expect(clips.map((clip) => placeIn(clip, 75_000))).toEqual([null, null]);
  expect(placeIn({ start: 0, duration: null }, 9e6)).toBe(9000);
});

it('plays from here, or from the next clip, or not at all', () => {
  expect(playableFrom(clips, 1000)).toBe(1000);
  expect(playableFrom(clips, 20_000)).toBe(60_000);
  expect(playableFrom(clips, 80_000)).toBeNull();
});

it('lets small differences be', () => {
  expect([mustSeek(1, 1.1), mustSeek(1, 1.3)]).toEqual([false, true]);
});
