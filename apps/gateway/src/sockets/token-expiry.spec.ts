/*
 * A device hears a minute before that its token expires, once for each token and never in a hurry, and is put out when it has, but
 * for a call that goes on.
 */
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { TokenExpiry } from './token-expiry.js';

let told: string[];
let ended: number;
let isInUse: boolean;
let expiry: TokenExpiry;

beforeEach(() => {
  vi.useFakeTimers({ now: 0 });
  [told, ended, isInUse] = [[], 0, false];
  expiry = new TokenExpiry(
    (at) => told.push(at),
    () => {
      if (!isInUse) ended += 1;
      return !isInUse;
    },
  );
});
afterEach(() => {
  expiry.stop();
  vi.useRealTimers();
});

test('it is told a minute before, once, and ends when the time has come', () => {
  for (let second = 0; second < 100; second += 1) {
    expiry.watch(100);
    vi.advanceTimersByTime(1000);
    expect(told.length).toBe(second < 39 ? 0 : 1);
  }
  expect([told, ended]).toEqual([['1970-01-01T00:01:40.000Z'], 1]);
});

test('with another token it goes on, and is told of that one in its time', () => {
  expiry.watch(100);
  vi.advanceTimersByTime(45_000);
  expiry.watch(300);
  vi.advanceTimersByTime(194_000);
  expect([told.length, ended]).toEqual([1, 0]);
  vi.advanceTimersByTime(61_000);
  expect([told.length, ended]).toEqual([2, 1]);
});

test('a call that goes on is not ended by it, and not held on to afterwards', () => {
  isInUse = true;
  expiry.watch(30);
  vi.advanceTimersByTime(300_000);
  expect([ended, expiry.isOver]).toEqual([0, true]);
  isInUse = false;
  vi.advanceTimersByTime(1100);
  expect(ended).toBe(1);
});

test('a device that only ever gets tokens of a short life is not asked for one without end', () => {
  for (let second = 0; second < 100; second += 1) {
    expiry.watch(Math.floor(Date.now() / 1000) + 40);
    vi.advanceTimersByTime(1000);
  }
  expect(told).toEqual([]);
  expiry.watch(140);
  vi.advanceTimersByTime(9000);
  expect(told).toEqual([]);
  vi.advanceTimersByTime(2000);
  expect(told.length).toBe(1);
});

test('most tokens are far from it, and are not watched yet', () => {
  expect([TokenExpiry.isNear(3600, 20_000), TokenExpiry.isNear(79, 20_000)]).toEqual([false, true]);
});
