/*
 * The line of a plot stays in its frame, whatever was measured, and has a gap where nothing was.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { plotPath } from './plot-path.js';

const size = { width: 100, height: 40 };

test('a line goes from zero at the bottom to the highest value at the top, with gaps', () => {
  const points = [0, 10, null, 20, 5].map((value, at) => ({ at: at * 5000, value }));
  expect(plotPath(points, size)).toBe('M0.0 40.0L25.0 20.0M75.0 0.0L100.0 30.0');
  expect(plotPath([], size)).toBe('');
  expect(plotPath([{ at: 7, value: 3 }], size)).toBe('M0.0 0.0');
});

const measured = fc.option(fc.double({ min: 0, max: 1e9, noNaN: true }));

test('whatever was measured, the line stays in its frame', () => {
  fc.assert(
    fc.property(fc.array(measured, { maxLength: 200 }), (values) => {
      const path = plotPath(
        values.map((value, at) => ({ at, value })),
        size,
      );
      const numbers = [...path.matchAll(/[ML](\S+) (\d+\.\d)/g)];
      expect(numbers).toHaveLength(values.filter((value) => value !== null).length);
      for (const [, x, y] of numbers) {
        expect(Number(x)).toBeGreaterThanOrEqual(0);
        expect(Number(x)).toBeLessThanOrEqual(size.width);
        expect(Number(y)).toBeGreaterThanOrEqual(0);
        expect(Number(y)).toBeLessThanOrEqual(size.height);
      }
    }),
  );
});
