/**
 * @param schedule seconds before each attempt, the first included.
 * @param made attempts made so far.
 * @param random in [0, 1): spreads retries over a tenth around their time.
 * @returns milliseconds until the next attempt; null when there are no more.
 */
export function nextAttemptIn(schedule: readonly number[], made: number, random: number): number | null {
  const seconds = schedule[made];
  return seconds === undefined ? null : seconds * 1000 * (0.9 + random * 0.2);
}
