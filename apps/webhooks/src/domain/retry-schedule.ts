/** Seconds before each attempt, as Standard Webhooks recommends. */
export const standardScheduleSeconds = [0, 5, 300, 1800, 7200, 18_000, 36_000, 50_400, 72_000, 86_400];

/** Reads a Retry-After header (RFC 9110 §10.2.3): seconds or a date. @returns milliseconds from now. */
export function parseRetryAfter(header: string | undefined, now: number): number | null {
  if (!header) return null;
  if (/^\d+$/.test(header)) return Number(header) * 1000;
  const date = Date.parse(header);
  return Number.isNaN(date) ? null : Math.max(0, date - now);
}
