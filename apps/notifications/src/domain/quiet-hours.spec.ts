/*
 * Quiet hours go by the clock on the receiver's wall, on the days on which it is put forward or back as well: they end with the first
 * minute that is not quiet, and every minute before is.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { quietUntil } from './quiet-hours.js';

const night = { from: '22:00', to: '07:00', timeZone: 'UTC', meanwhile: 'wait' as const };
const endIn = (zone: string | null, now: string, hours = night) => quietUntil(hours, zone, new Date(now))?.toISOString();

test('a night in Vienna ends at seven, also the one that lacks an hour and the one that has one more', () => {
  expect(endIn('Europe/Vienna', '2026-01-10T22:30:00Z')).toBe('2026-01-11T06:00:00.000Z');
  expect(endIn('Europe/Vienna', '2026-03-28T22:30:00Z')).toBe('2026-03-29T05:00:00.000Z');
  expect(endIn('Europe/Vienna', '2026-10-24T21:30:00Z')).toBe('2026-10-25T06:00:00.000Z');
});

test('an end that the clock leaps over comes when it has leapt; one that it shows twice comes the first time', () => {
  const short = { ...night, from: '01:00', to: '02:30' };
  expect(endIn('Europe/Vienna', '2026-03-29T00:30:00Z', short)).toBe('2026-03-29T01:00:00.000Z');
  expect(endIn('Europe/Vienna', '2026-10-24T23:30:00Z', short)).toBe('2026-10-25T00:30:00.000Z');
});

test('the day is not quiet; without a time zone the rule says by which clock', () => {
  expect(endIn('Europe/Vienna', '2026-01-10T12:00:00Z')).toBeUndefined();
  expect(endIn(null, '2026-01-10T23:00:00Z')).toBe('2026-01-11T07:00:00.000Z');
  expect(endIn(null, '2026-01-10T23:00:00Z', { ...night, timeZone: 'Asia/Kolkata' })).toBe('2026-01-11T01:30:00.000Z');
  expect(endIn('Mars/Olympus', '2026-01-10T23:00:00Z')).toBe('2026-01-11T07:00:00.000Z');
});

test('they end with the first minute that is not quiet, whatever the hours, the zone and the day', () => {
  const clock = fc.integer({ min: 0, max: 1439 }).map((m) => new Date(m * 60_000).toISOString().slice(11, 16));
  const zone = fc.constantFrom('Europe/Vienna', 'America/New_York', 'Australia/Lord_Howe', 'Asia/Kathmandu', 'America/St_Johns', 'UTC');
  const around = fc.constantFrom('2026-03-29', '2026-10-25', '2026-03-08', '2026-11-01', '2026-04-05', '2026-10-04', '2026-07-01');
  fc.assert(
    fc.property(clock, clock, zone, around, fc.integer({ min: -1440, max: 2880 }), (from, to, timeZone, day, minute) => {
      fc.pre(from !== to);
      const hours = { ...night, from, to };
      const now = Date.parse(`${day}T00:00:00Z`) + minute * 60_000;
      const end = quietUntil(hours, timeZone, new Date(now))?.getTime();
      if (end === undefined) return;
      expect(end).toBeGreaterThan(now);
      expect(quietUntil(hours, timeZone, new Date(end))).toBeUndefined();
      for (let at = now; at < end; at += Math.max(60_000, Math.floor((end - now) / 40 / 60_000) * 60_000))
        expect(quietUntil(hours, timeZone, new Date(at))?.getTime()).toBe(end);
    }),
    { numRuns: 40 },
  );
});
