/*
 * Of a bucket no more is ever taken than its burst and what has come since; what it says one has to wait for is true; and a debt is never
 * longer than twice the time in which the burst comes back.
 */
import type { Rate } from '@communication-center/contracts';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Bucket, fullBucket, fullInMs, levelAt, taken, waitMs } from './token-bucket.js';

const rates = fc.record({ perSecond: fc.double({ min: 0.01, max: 10_000, noNaN: true }), burst: fc.integer({ min: 1, max: 10_000 }) });
const pauses = fc.array(fc.double({ min: 0, max: 20_000, noNaN: true }), { maxLength: 60 });

/** Takes one after each pause, where there is one. @returns when each was taken. */
function takeAfter(rate: Rate, waits: readonly number[]): { moments: number[]; bucket: Bucket; now: number } {
  let bucket = fullBucket(rate, 0);
  let now = 0;
  const moments: number[] = [];
  for (const wait of waits) {
    now += wait;
    if (waitMs(bucket, rate, now) > 0) continue;
    bucket = taken(bucket, rate, now);
    moments.push(now);
  }
  return { moments, bucket, now };
}

test('in any stretch of time no more is taken than the burst and what came in it', () => {
  fc.assert(
    fc.property(rates, pauses, (rate, waits) => {
      const { moments } = takeAfter(rate, waits);
      for (const [first, from] of moments.entries())
        for (const [last, until] of moments.entries())
          if (last >= first) expect(last - first + 1).toBeLessThanOrEqual(rate.burst + ((until - from) / 1000) * rate.perSecond + 1e-3);
    }),
  );
});

test('who waits for as long as he is told may take one, and may not a little before', () => {
  fc.assert(
    fc.property(rates, pauses, fc.integer({ min: 1, max: 20_000 }), (rate, waits, more) => {
      const { bucket, now } = takeAfter(rate, waits);
      const emptied = taken(bucket, rate, now, more);
      const wait = waitMs(emptied, rate, now);
      expect(waitMs(emptied, rate, now + wait + 1e-3)).toBe(0);
      if (wait > 1) expect(waitMs(emptied, rate, now + wait * 0.99 - 0.01)).toBeGreaterThan(0);
    }),
  );
});

test('however much too much was taken, it is full again after twice its burst’s time', () => {
  fc.assert(
    fc.property(rates, fc.integer({ min: 0, max: 1_000_000 }), (rate, count) => {
      const after = taken(fullBucket(rate, 0), rate, 0, count);
      expect(levelAt(after, rate, 0)).toBeGreaterThanOrEqual(-rate.burst);
      expect(fullInMs(after, rate, 0)).toBeLessThanOrEqual((2 * rate.burst * 1000) / rate.perSecond + 1e-3);
      expect(levelAt(after, rate, fullInMs(after, rate, 0) + 1)).toBeCloseTo(rate.burst, 3);
    }),
  );
});

test('a clock that stands still, or seems to go back, gives nothing', () => {
  const rate = { perSecond: 10, burst: 2 };
  const empty = taken(fullBucket(rate, 1000), rate, 1000, 2);
  expect([levelAt(empty, rate, 1000), levelAt(empty, rate, 0), levelAt(taken(empty, rate, 0, 0), rate, 1000)]).toEqual([0, 0, 0]);
});
