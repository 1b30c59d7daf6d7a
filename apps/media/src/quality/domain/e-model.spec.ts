/*
 * The score of sound: between 1 and 4.5 whatever was measured, never better with more loss or delay, and at the points that the
 * recommendation and its readers give, what they give.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ratingOf, scoreOf } from './e-model.js';

const delayMs = fc.double({ min: 0, max: 10_000, noNaN: true });
const lossFraction = fc.double({ min: 0, max: 1, noNaN: true });

test.each([
  // ITU-T G.107 Annex B: R = 93.2 is MOS 4.41; R = 50 is 2.58.
  [93.2, 4.41],
  [80, 4.02],
  [50, 2.58],
  [0, 1],
  [100, 4.5],
])('a rating of %d is a score of %d', (rating, score) => {
  expect(scoreOf(rating)).toBeCloseTo(score, 1);
});

test('a way without delay and loss has the rating of the default values', () => {
  expect(ratingOf({ delayMs: 0, lossFraction: 0 })).toBe(93.2);
});

test('a delay that is not noticed costs little, one beyond it much', () => {
  const at = (ms: number) => ratingOf({ delayMs: ms, lossFraction: 0 });
  expect(at(0) - at(150)).toBeCloseTo(3.6, 5);
  expect(at(300) - at(400)).toBeCloseTo(0.024 * 100 + 0.11 * 100, 5);
});

test('no score is out of range, and none is better for more delay or more loss', () => {
  fc.assert(
    fc.property(delayMs, lossFraction, delayMs, lossFraction, (ms, lost, moreMs, moreLost) => {
      const score = scoreOf(ratingOf({ delayMs: ms, lossFraction: lost }));
      expect(score).toBeGreaterThanOrEqual(1);
      expect(score).toBeLessThanOrEqual(4.5);
      const worse = scoreOf(ratingOf({ delayMs: ms + moreMs, lossFraction: Math.min(1, lost + moreLost) }));
      expect(worse).toBeLessThanOrEqual(score + 1e-9);
    }),
  );
});
