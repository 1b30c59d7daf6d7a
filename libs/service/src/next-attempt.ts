const longestAskedMs = 24 * 3_600_000;

/**
 * @param schedule seconds before each attempt, the first included.
 * @param made attempts made so far.
 * @param random in [0, 1): spreads attempts over a tenth around their time.
 * @param askedMs how long the other side asked to be left alone; heard up to a day.
 * @returns milliseconds until the next attempt; null when there are no more.
 */
export function nextAttemptIn(schedule: readonly number[], made: number, random: number, askedMs = 0): number | null {
  const seconds = schedule[made];
  if (seconds === undefined) return null;
  return Math.max(seconds * 1000 * (0.9 + random * 0.2), Math.min(askedMs, longestAskedMs));
}
