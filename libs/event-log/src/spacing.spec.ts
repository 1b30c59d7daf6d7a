import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Spacing } from './spacing.js';

test('what comes after a pause waits for nothing; what comes without one keeps its distance after so many', () => {
  const spacing = new Spacing(10, 3);
  const waits = (now: number) => {
    const due = spacing.dueInMs(now);
    if (due === 0) spacing.begun(now);
    return due;
  };
  expect([0, 0, 0, 0, 5, 10].map(waits)).toEqual([0, 0, 0, 10, 5, 0]);
  expect([10, 19, 20].map(waits)).toEqual([10, 1, 0]);
  expect([1000, 1000, 1000, 1000].map(waits)).toEqual([0, 0, 0, 10]);
});

test('none is ever due later than one distance from now, and in any stretch no more begin than it has distances, and those at once', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 40 }), { maxLength: 200 }), fc.integer({ min: 1, max: 5 }), (gaps, atOnce) => {
      const spacing = new Spacing(10, atOnce);
      const begun: number[] = [];
      let now = 0;
      for (const gap of gaps) {
        now += gap;
        const due = spacing.dueInMs(now);
        expect(due).toBeLessThanOrEqual(10);
        if (due > 0) continue;
        spacing.begun(now);
        begun.push(now);
      }
      for (const [index, from] of begun.entries()) {
        const within = begun.slice(index).filter((at) => at < from + 100);
        expect(within.length).toBeLessThanOrEqual(10 + atOnce);
      }
    }),
  );
});
