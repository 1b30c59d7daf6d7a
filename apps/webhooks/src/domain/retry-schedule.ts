/** Seconds before each attempt, as Standard Webhooks recommends. */
export const standardScheduleSeconds = [0, 5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400];

const minute = 60_000;
const longestRetryAfterMs = 24 * 60 * minute;

/**
 * @param schedule seconds before each attempt, the first included.
 * @param made attempts made so far.
 * @param retryAfterMs what the endpoint asked for.
 * @param random in [0, 1): spreads retries over a tenth around their time.
 * @returns milliseconds until the next attempt; null when there are no more.
 */
export function nextAttemptIn(schedule: readonly number[], made: number, retryAfterMs: number | null, random: number): number | null {
  const seconds = schedule[made];
  if (seconds === undefined) return null;
  const planned = seconds * 1000 * (0.9 + random * 0.2);
  return Math.max(planned, Math.min(retryAfterMs ?? 0, longestRetryAfterMs));
}

/** Reads a Retry-After header (RFC 9110 §10.2.3): seconds or a date. @returns milliseconds from now. */
export function parseRetryAfter(header: string | undefined, now: number): number | null {
  if (!header) return null;
  if (/^\d+$/.test(header)) return Number(header) * 1000;
  const date = Date.parse(header);
  return Number.isNaN(date) ? null : Math.max(0, date - now);
}
