/*
 * A read begins behind what was published long ago, never behind what a transaction may still commit.
 */
import type { AnyEvent } from '@communication-center/contracts';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { LaneFloors } from './lane-floors.js';

const lane = { topic: 'calls.events', partition: 3 };
const neighbour = { topic: 'calls.events', partition: 4 };
const row = (id: number) => ({ ...lane, id: String(id), key: 'key', event: {} as AnyEvent });
let floors: LaneFloors;

beforeEach(() => {
  vi.useFakeTimers();
  floors = new LaneFloors();
});
afterEach(() => {
  vi.useRealTimers();
});

/** What a read of the lane begins at, unless it is time for one from the beginning. */
function floorNow(): string | undefined {
  const [first] = floors.of([lane]);
  // The one from the beginning is over then.
  return first === '0' ? floors.of([lane])[0] : first;
}

test('a lane is read from its beginning until it is known what was published a minute ago', () => {
  expect(floorNow()).toBe('0');
  floors.passed([row(100)]);
  expect(floorNow()).toBe('0');
  vi.advanceTimersByTime(59_000);
  floors.passed([row(200)]);
  expect(floorNow()).toBe('0');
  vi.advanceTimersByTime(2000);
  floors.passed([row(300)]);
  expect(floorNow()).toBe('100');
  vi.advanceTimersByTime(61_000);
  floors.passed([row(400)]);
  expect(floorNow()).toBe('300');
});

test('a lane is nevertheless read from its beginning now and then, and others have floors of their own', () => {
  floors.passed([row(100)]);
  vi.advanceTimersByTime(61_000);
  floors.passed([row(200)]);
  expect(floors.of([lane, neighbour])).toEqual(['0', '0']);
  expect(floors.of([lane, neighbour])).toEqual(['100', '0']);
  vi.advanceTimersByTime(9000);
  expect(floors.of([lane])).toEqual(['100']);
  vi.advanceTimersByTime(2000);
  expect(floors.of([lane])).toEqual(['0']);
});
