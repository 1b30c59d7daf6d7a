import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Places } from './places.js';

/** Notes a share of busy time each 20 ms, so many times. */
function goesBy(places: Places, busy: number, times: number, fromMs = 0, ended = { count: 20, quickestMs: 2 }): void {
  for (let time = 0; time <= times; time += 1) places.noted(fromMs + time * 20, busy, ended);
}
const none = { count: 0, quickestMs: Number.POSITIVE_INFINITY };

test('a process with time left has more under way within an eighth of a second, and no more than it may', () => {
  const places = new Places(512);
  expect(places.count).toBe(96);
  goesBy(places, 0.3, 6);
  expect(places.count).toBe(512);
});

test('a busy one has few, and comes back to few', () => {
  const places = new Places(512);
  goesBy(places, 0.99, 10);
  expect(places.count).toBe(96);
  goesBy(places, 0.1, 6, 400);
  goesBy(places, 0.99, 40, 800);
  expect(places.count).toBe(96);
});

test('a busy one that hears of no answer has more under way: its provider is slow, and its time goes into something else', () => {
  const places = new Places(512);
  goesBy(places, 0.99, 6, 0, none);
  expect(places.count).toBe(512);
});

test('one that is neither keeps what it has', () => {
  const places = new Places(512);
  goesBy(places, 0.3, 2);
  const { count } = places;
  goesBy(places, 0.8, 20, 60);
  expect(places.count).toBe(count);
});

test('a busy one whose provider takes 100 ms keeps as many under way as that provider holds', () => {
  const places = new Places(512);
  // 4,000 a second.
  const ended = { count: 80, quickestMs: 100 };
  goesBy(places, 0.99, 6, 0, none);
  goesBy(places, 0.99, 100, 140, ended);
  expect(places.count).toBe(500);
  // By now it answers at once.
  goesBy(places, 0.99, 200, 2200, { count: 80, quickestMs: 1 });
  expect(places.count).toBe(96);
});

test('what is under way is what is allowed, whatever comes of it', () => {
  const looks = fc.array(
    fc.record({
      afterMs: fc.integer({ min: 20, max: 300 }),
      busy: fc.double({ min: 0, max: 1, noNaN: true }),
      ended: fc.oneof(
        fc.constant(none),
        fc.record({ count: fc.integer({ min: 1, max: 500 }), quickestMs: fc.double({ min: 0, max: 10_000, noNaN: true }) }),
      ),
    }),
    { maxLength: 60 },
  );
  fc.assert(
    fc.property(looks, fc.integer({ min: 1, max: 1000 }), (all, most) => {
      const places = new Places(most);
      let now = 0;
      for (const { afterMs, busy, ended } of all) {
        now += afterMs;
        places.noted(now, busy, ended);
        expect(Number.isInteger(places.count)).toBe(true);
        expect(places.count).toBeGreaterThanOrEqual(Math.min(96, most));
        expect(places.count).toBeLessThanOrEqual(most);
      }
    }),
  );
});

test('what was idle because there was nothing to do says nothing', () => {
  const places = new Places(512);
  for (let time = 0; time < 10; time += 1) places.noted(time * 1000, 0, none);
  expect(places.count).toBe(96);
  expect([places.isDue(9010), places.isDue(9020)]).toEqual([false, true]);
});

test('where few are allowed there are no more', () => {
  const places = new Places(4);
  goesBy(places, 0, 10);
  expect(places.count).toBe(4);
});
