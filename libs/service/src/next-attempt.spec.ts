/* Attempts follow their schedule, apart from each other, and come to an end. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { nextAttemptIn } from './next-attempt.js';

const schedule = [0, 5, 300, 1800, 86_400];

test('a schedule is kept, spread over a tenth, and has an end', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: schedule.length - 1 }), fc.double({ min: 0, max: 0.999, noNaN: true }), (made, random) => {
      const planned = (schedule[made] ?? 0) * 1000;
      const wait = nextAttemptIn(schedule, made, random) as number;
      expect(wait).toBeGreaterThanOrEqual(planned * 0.9);
      expect(wait).toBeLessThanOrEqual(planned * 1.1);
    }),
  );
  expect(nextAttemptIn(schedule, schedule.length, 0.5)).toBeNull();
});

test('it waits as long as the other side asks, within a day, and never less than planned', () => {
  expect(nextAttemptIn([0, 5], 1, 0.5, 60_000)).toBe(60_000);
  expect(nextAttemptIn([0, 5], 1, 0.5, 10 ** 12)).toBe(86_400_000);
  expect(nextAttemptIn([0, 5], 1, 0.5, 10)).toBe(5000);
});
