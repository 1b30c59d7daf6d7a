import { expect, test } from 'vitest';
import { Allowance } from './allowance.js';

test('each passes so many times a second, whatever others do', () => {
  const allowance = new Allowance(2);
  expect([0, 1, 2].map((ms) => allowance.take('loud', ms))).toEqual([true, true, false]);
  expect(allowance.take('quiet', 3)).toBe(true);
  expect(allowance.take('loud', 1000)).toBe(true);
});
