import type { Rate } from '@communication-center/contracts';

/**
 * How many acts there may be at once, as of a moment: it grows by a rate up to its burst, and each act takes one. Below zero it is in
 * debt: more was done than there might be, since replicas count apart for a while, and is given back before anything else is.
 */
export interface Bucket {
  level: number;
  /** In milliseconds, by a clock that never goes back. */
  at: number;
}

/** @returns a bucket nobody has taken of. */
export function fullBucket({ burst }: Rate, at: number): Bucket {
  return { level: burst, at };
}

/** @returns what it holds at a moment: never more than its burst, and never a debt of more than that. */
export function levelAt({ level, at }: Bucket, { perSecond, burst }: Rate, now: number): number {
  return Math.min(burst, Math.max(-burst, level) + (Math.max(0, now - at) / 1000) * perSecond);
}

/** @returns it with so many taken, though it hold less. */
export function taken(bucket: Bucket, rate: Rate, now: number, count = 1): Bucket {
  return { level: Math.max(-rate.burst, levelAt(bucket, rate, now) - count), at: Math.max(now, bucket.at) };
}

/** @returns after how many milliseconds it holds one; 0 where it does. */
export function waitMs(bucket: Bucket, rate: Rate, now: number): number {
  const lacks = 1 - levelAt(bucket, rate, now);
  // Sums of fractions come out a little less than they are.
  return lacks < 1e-6 ? 0 : (lacks / rate.perSecond) * 1000;
}

/** @returns after how many milliseconds it is full. */
export function fullInMs(bucket: Bucket, rate: Rate, now: number): number {
  return Math.max(0, ((rate.burst - levelAt(bucket, rate, now)) / rate.perSecond) * 1000);
}
