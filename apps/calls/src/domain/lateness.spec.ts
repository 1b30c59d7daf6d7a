/*
 * An outage is when nobody looked; how late a deadline is found says nothing of it.
 */
import { describe, expect, test } from 'vitest';
import { type Looks, lookAt, putOff } from './lateness.js';

const chances = { outageAfterMs: 2000, graceMs: 5000, connectionGraceMs: 30_000, mediaGraceMs: 60_000 };
const ring = (dueAt: number, extended = false) => ({ kind: 'ring', dueAt, extended }) as const;
const healthy: Looks = { lookedAt: 100_000, away: undefined };
const after = (...times: number[]) => times.reduce((looks, now) => lookAt(now, looks, chances.outageAfterMs), healthy);

describe('looks', () => {
  test('that follow each other are no outage, whoever takes them', () => {
    expect(after(100_200, 102_200, 102_100)).toEqual({ lookedAt: 102_200, away: undefined });
  });

  test('that nobody took for a while are an outage, known until the next one', () => {
    expect(after(110_000, 110_200)).toEqual({ lookedAt: 110_200, away: { from: 100_000, until: 110_000 } });
    const later = { lookedAt: 175_000, away: { from: 100_000, until: 110_000 } };
    expect(lookAt(180_000, later, chances.outageAfterMs).away).toEqual({ from: 175_000, until: 180_000 });
  });

  test('between two outages that follow each other soon leave the first one known: some of its deadlines may be waiting', () => {
    expect(after(110_000, 110_100, 120_000).away).toEqual({ from: 100_000, until: 120_000 });
  });
});

describe('a deadline', () => {
  test('that is found late while others look fires: many were due at once', () => {
    expect(putOff(ring(100_000), after(101_000, 102_000, 103_000, 104_000, 120_000 - 16_000), chances)).toBe(0);
  });

  test('that passed while nobody looked is put off, once, each kind by what it could not use', () => {
    const looks = after(110_000, 110_200);
    expect(putOff(ring(105_000), looks, chances)).toBe(5000);
    expect(putOff(ring(105_000, true), looks, chances)).toBe(0);
    expect(putOff({ kind: 'connection', dueAt: 105_000, extended: false }, looks, chances)).toBe(30_000);
    expect(putOff({ kind: 'media', dueAt: 105_000, extended: false }, looks, chances)).toBe(60_000);
    expect(putOff({ kind: 'max_duration', dueAt: 105_000, extended: false }, looks, chances)).toBe(5000);
  });

  test('that was due just before the outage may have been missed in it; one that was due long before was not', () => {
    const looks = after(110_000);
    expect(putOff(ring(98_500), looks, chances)).toBe(5000);
    expect(putOff(ring(97_000), looks, chances)).toBe(0);
  });

  test('that falls due after the outage fires on time', () => {
    expect(putOff(ring(110_001), after(110_000, 110_200), chances)).toBe(0);
  });
});
