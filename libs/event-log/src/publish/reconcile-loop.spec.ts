/*
 * Whoever has nothing else to do compares sooner.
 */
import { expect, test } from 'vitest';
import { restFor } from './reconcile-loop.js';

test('a rest is as long as a step where the process is quiet, and six times as long where it is in use', () => {
  expect([0, 0.05, 0.1, 0.2, 0.3, 1].map(restFor)).toEqual([1, 1, 2, 4, 6, 6]);
});
