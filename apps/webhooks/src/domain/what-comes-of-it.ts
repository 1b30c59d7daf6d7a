import type { Answer } from './endpoint-health.js';

/** The receiver is there no more, and says so (RFC 9110 §15.5.11). */
const gone = 410;
const longestAskedMs = 24 * 3_600_000;

/** What comes of a delivery after an attempt. */
export type Next = { state: 'delivered' } | { state: 'waiting'; delayMs: number } | { state: 'failed' };

export interface AttemptEnded {
  answer: Answer;
  /** Attempts that were made of this delivery, with this one. */
  made: number;
  /** Seconds before each attempt, the first included. */
  schedule: readonly number[];
  /**
   * Where the endpoint counts as dead, for how long it is left alone, in milliseconds: then the attempt was to find out whether it
   * still is, and is held against no delivery.
   */
  deadForMs: number | null;
  /** In [0, 1): spreads attempts over a tenth around their time. */
  random: number;
}

/** Decides what is to be done after an attempt. */
export function afterAttempt({ answer, made, schedule, deadForMs, random }: AttemptEnded): Next {
  if (answer.isAccepted) return { state: 'delivered' };
  const asked = Math.min(answer.retryAfterMs ?? 0, longestAskedMs);
  if (deadForMs !== null) return { state: 'waiting', delayMs: Math.max(deadForMs, asked) };
  const seconds = schedule[made];
  if (seconds === undefined) return { state: 'failed' };
  return { state: 'waiting', delayMs: Math.max(seconds * 1000 * (0.9 + random * 0.2), asked) };
}

/** @returns why an endpoint is to be disabled after an attempt that failed; undefined where it is not. */
export function reasonToDisable({ status }: Answer, failingForSeconds: number, mostSeconds: number): string | undefined {
  if (status === gone) return 'it answered 410 Gone';
  if (failingForSeconds < mostSeconds) return undefined;
  return `nothing was delivered to it for ${Math.round(mostSeconds / 3600)} hours`;
}
