import { expect, test } from 'vitest';
import { FailedLately } from './failed-lately.js';

test('who failed is remembered for its time, anew with each failure', () => {
  const failed = new FailedLately(1000);
  failed.note(['alice', 'bob'], 0);
  failed.note(['alice'], 900);
  expect([failed.has('alice', 1500), failed.has('bob', 999), failed.has('bob', 1000), failed.has('carol', 1)]).toEqual([
    true,
    true,
    false,
    false,
  ]);
});

test('no more are remembered than ten thousand, the latest', () => {
  const failed = new FailedLately(1000);
  failed.note(
    Array.from({ length: 10_500 }, (_, index) => `user-${index}`),
    0,
  );
  expect([failed.has('user-0', 1), failed.has('user-499', 1), failed.has('user-500', 1), failed.has('user-10499', 1)]).toEqual([
    false,
    false,
    true,
    true,
  ]);
});
