import { expect, test } from 'vitest';
import { Places } from './places.js';

/** Notes a share of busy time each 20 ms, so many times. */
function goesBy(places: Places, busy: number, times: number, fromMs = 0, answers = 20): void {
  for (let time = 0; time <= times; time += 1) places.noted(fromMs + time * 20, busy, answers);
}

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
  goesBy(places, 0.99, 6, 0, 0);
  expect(places.count).toBe(512);
});

test('one that is neither keeps what it has', () => {
  const places = new Places(512);
  goesBy(places, 0.3, 2);
  const { count } = places;
  goesBy(places, 0.8, 20, 60);
  expect(places.count).toBe(count);
});

test('what was idle because there was nothing to do says nothing', () => {
  const places = new Places(512);
  for (let time = 0; time < 10; time += 1) places.noted(time * 1000, 0, 0);
  expect(places.count).toBe(96);
  expect([places.isDue(9010), places.isDue(9020)]).toEqual([false, true]);
});

test('where few are allowed there are no more', () => {
  const places = new Places(4);
  goesBy(places, 0, 10);
  expect(places.count).toBe(4);
});
