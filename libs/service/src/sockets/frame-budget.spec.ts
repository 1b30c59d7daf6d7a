/* How much a socket may say. */
import { expect, test } from 'vitest';
import { FrameBudget } from './frame-budget.js';

test('a budget lets a burst through, then so many a second', () => {
  const budget = new FrameBudget(3, 2, 0);
  expect([0, 0, 0, 0].map((at) => budget.take(at))).toEqual([true, true, true, false]);
  expect([500, 500, 1000].map((at) => budget.take(at))).toEqual([true, false, true]);
});
