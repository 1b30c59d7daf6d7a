/**
 * When a lease is renewed next.
 * @param everyMs as often as that. @param random in [0, 1): spreads renewals over a tenth around their time, so that what was claimed together is not renewed together.
 * @returns in how many milliseconds.
 */
export function renewalIn(everyMs: number, random: number): number {
  return everyMs * (0.95 + random * 0.1);
}

/**
 * Whether a lease that could not be renewed is lost.
 * @param renewedAt when the last renewal that was granted was asked for, and `now`, by one clock, in milliseconds. @param leaseMs how long each is good for.
 */
export function hasRunOut(renewedAt: number, now: number, leaseMs: number): boolean {
  return now - renewedAt >= leaseMs;
}
