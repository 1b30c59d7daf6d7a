/* The record says which limits of an app became others, what each is now, and what it was; nothing where all are as they were. */
import { type AppLimits, appLimitsSchema } from '@communication-center/contracts';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { changedLimits } from './changed-limits.js';

const rate = (perSecond: number, burst: number) => ({ perSecond, burst });

test('each limit that changed is named, with what it is and was', () => {
  const before: AppLimits = { dials: { app: rate(10, 20), user: rate(1, 5) }, simultaneousCalls: 100 };
  const now: AppLimits = { dials: { app: rate(10, 30), user: rate(1, 5) }, reads: { key: rate(5, 5) } };
  expect(changedLimits(before, now)).toBe(
    'dials.app 10/s, 30 at once (was 10/s, 20 at once); simultaneousCalls by default (was 100); reads.key 5/s, 5 at once (was by default)',
  );
  expect(changedLimits(undefined, { simultaneousCalls: 5 })).toBe('simultaneousCalls 5 (was by default)');
  expect(changedLimits({ simultaneousCalls: 5 }, undefined)).toBe('simultaneousCalls by default (was 5)');
});

test('nothing is said where nothing changed, and something wherever anything did', () => {
  const limit = fc.record({ perSecond: fc.integer({ min: 1, max: 3 }), burst: fc.integer({ min: 1, max: 3 }) });
  const ofKind = fc.record({ app: limit, key: limit, user: limit }, { requiredKeys: [] });
  const limits = fc.record({ dials: ofKind, reads: ofKind, simultaneousCalls: fc.integer({ min: 1, max: 3 }) }, { requiredKeys: [] });
  fc.assert(
    fc.property(limits, limits, (one, other) => {
      const [before, now] = [appLimitsSchema.parse(one), appLimitsSchema.parse(other)];
      expect(changedLimits(before, before)).toBeUndefined();
      const bare = ({ dials = {}, reads = {}, simultaneousCalls }: AppLimits) => ({ dials, reads, simultaneousCalls });
      const isSame = JSON.stringify(sorted(bare(before))) === JSON.stringify(sorted(bare(now)));
      expect(changedLimits(before, now) === undefined).toBe(isSame);
    }),
  );
});

/** The same value, its keys in one order. */
function sorted(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value)
      .sort()
      .map(([key, one]) => [key, sorted(one)]),
  );
}
