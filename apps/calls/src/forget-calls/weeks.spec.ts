import fc from 'fast-check';
import { v7 as uuidv7 } from 'uuid';
import { expect, test } from 'vitest';
import { dayMs, firstIdAt, keptFrom, longestCallMs, tableOfWeek, timeOfId, weekMs, weekOf } from './weeks.js';

const times = fc.integer({ min: Date.UTC(2020, 0, 1), max: Date.UTC(2100, 0, 1) });

test('a week begins on Monday at midnight UTC', () => {
  expect(new Date(weekOf(Date.UTC(2026, 10, 27, 15))).toISOString()).toBe('2026-11-23T00:00:00.000Z');
  expect(new Date(weekOf(Date.UTC(2026, 10, 30))).toISOString()).toBe('2026-11-30T00:00:00.000Z');
  expect(tableOfWeek(Date.UTC(2026, 10, 30))).toBe('events_20261130');
});

test('ids lie in the week of their time, and nowhere else', () => {
  fc.assert(
    fc.property(times, (time) => {
      const [id, start] = [uuidv7({ msecs: time }), weekOf(time)];
      expect(id >= firstIdAt(start) && id < firstIdAt(start + weekMs)).toBe(true);
      expect(timeOfId(id)).toBe(time);
      expect(timeOfId(firstIdAt(time))).toBe(time);
    }),
  );
});

test('a call is kept for as many days after its end as are asked for, and for a week and the longest call more at most', () => {
  fc.assert(
    fc.property(times, fc.integer({ min: 1, max: 4000 }), fc.integer({ min: 0, max: longestCallMs }), (dialed, keepDays, lasted) => {
      const ended = dialed + lasted;
      const isGone = (now: number) => dialed < keptFrom(now, keepDays);
      expect(isGone(ended + keepDays * dayMs)).toBe(false);
      expect(isGone(ended + keepDays * dayMs + weekMs + longestCallMs)).toBe(true);
    }),
  );
});
