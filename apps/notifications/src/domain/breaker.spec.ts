/*
 * A provider that answers nobody is asked now and then, by one; and every pause ends.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { pauseAfter } from './backoff.js';
import { Breaker } from './breaker.js';

const failing = (times: number, breaker = new Breaker(), nowMs = 0) => {
  for (let failed = 0; failed < times; failed += 1) breaker.failed(nowMs, 0.5);
  return breaker;
};

test('holds back after ten failures in a row, and lets one try now and then', () => {
  expect(failing(9).heldForMs(0)).toBe(0);
  const breaker = failing(10);
  expect(breaker.heldForMs(0)).toBe(500);
  expect(breaker.heldForMs(500)).toBe(0);
  expect(breaker.heldForMs(501)).toBeGreaterThan(0);
});

test('a hundred that were under way when it opened hold nobody back for longer than ten; each try that fails does, up to a few seconds', () => {
  const breaker = failing(100);
  expect(breaker.heldForMs(0)).toBe(500);
  let now = 0;
  const held = Array.from({ length: 8 }, () => {
    now += breaker.heldForMs(now);
    expect(breaker.heldForMs(now)).toBe(0);
    breaker.failed(now, 0.5);
    return breaker.heldForMs(now);
  });
  expect(held).toEqual([1000, 2000, 4000, 5000, 5000, 5000, 5000, 5000]);
});

test('a success lets everybody through', () => {
  const breaker = failing(12);
  breaker.succeeded();
  expect([breaker.isOpen, breaker.heldForMs(0)]).toEqual([false, 0]);
  expect(failing(9, breaker).heldForMs(0)).toBe(0);
});

test('nobody is held for ever, however often it failed', () => {
  fc.assert(
    fc.property(fc.integer({ min: 10, max: 200 }), fc.double({ min: 0, max: 1, noNaN: true }), (times, chance) => {
      const breaker = new Breaker();
      for (let failed = 0; failed < times; failed += 1) breaker.failed(0, chance);
      expect(breaker.heldForMs(0)).toBeLessThanOrEqual(7500);
    }),
  );
});

test('pauses grow, are jittered, and are never shorter than a provider asks', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 50 }),
      fc.double({ min: 0, max: 1, noNaN: true }),
      fc.integer({ min: 0, max: 60_000 }),
      (made, chance, asked) => {
        const pause = pauseAfter(made, undefined, chance);
        expect(pause).toBeGreaterThanOrEqual(40);
        expect(pause).toBeLessThanOrEqual(7500);
        expect(pauseAfter(made, asked, chance)).toBeGreaterThanOrEqual(asked);
      },
    ),
  );
  expect(pauseAfter(1, undefined, 0)).not.toBe(pauseAfter(1, undefined, 1));
});
