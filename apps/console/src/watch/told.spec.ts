/* The page says how a broadcast stands, and how late its picture is, by the service's clock, whatever this device's clock says. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { behindMs, figuresOf, sentenceOf, tokenIn } from './told.js';

const live = { state: 'live', viewers: 3, latencyMs: 1200, now: '2026-11-28T17:00:00.000Z' } as const;

test('a token is what follows #, and nothing else is', () => {
  expect(tokenIn(`#${'a'.repeat(40)}`)).toBe('a'.repeat(40));
  for (const none of ['', '#', '#short', `#${'a'.repeat(40)}/../x`, `#${'a'.repeat(501)}`]) expect(tokenIn(none)).toBeUndefined();
});

test('each state is said, and none is said as another', () => {
  const all = [undefined, 'gone' as const, ...(['starting', 'live', 'stopped', 'failed'] as const).map((state) => ({ ...live, state }))];
  expect(new Set(all.map(sentenceOf)).size).toBe(all.length);
});

test('how late a picture is does not depend on the clock of the device', () => {
  fc.assert(
    fc.property(fc.nat(60_000), fc.integer({ min: -1_000_000_000, max: 1_000_000_000 }), (late, ahead) => {
      const center = 1_800_000_000_000;
      expect(behindMs(center - late, center + ahead, ahead)).toBe(late);
    }),
  );
  expect(behindMs(undefined, 1, 0)).toBeUndefined();
});

test('figures are told while it is live alone', () => {
  expect(figuresOf(live, 2345)).toBe('3 watching, 2.3 s behind');
  expect(figuresOf(live, undefined)).toBe('3 watching');
  expect(figuresOf({ ...live, state: 'stopped' }, 1)).toBe('');
  expect(figuresOf('gone', 1)).toBe('');
});
