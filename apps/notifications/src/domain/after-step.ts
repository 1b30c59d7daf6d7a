import type { RuleStep } from '@communication-center/contracts';
import type { SendOutcome } from './mail-outcome.js';

/** A step that was tried. */
export interface Tried {
  steps: readonly RuleStep[];
  step: number;
  /** Tries at it before this one. */
  tries: number;
  outcome: SendOutcome;
  /** Seconds before each try, the first included. */
  schedule: readonly number[];
  /** Until nothing is sent any more. */
  leftMs: number;
}

/** Where a chain stands then. */
export interface After {
  step: number;
  tries: number;
  /** In so many milliseconds it goes on; null where it has ended. */
  delayMs: number | null;
  outcome: 'done' | null;
  reason: string | null;
  /** Whether the step has come to its end, and is on record. */
  hasEnded: boolean;
}

const longestAskedMs = 24 * 3_600_000;

/**
 * @param chance in [0, 1): spreads tries over a tenth around their time.
 * @returns the next try at a step that may fare better, as its schedule and the other side say, as long as there is time; else the step after it: in its
 * time where this one was taken, at once where it was not.
 */
export function whatComesAfter({ steps, step, tries, outcome, schedule, leftMs }: Tried, chance: number): After {
  const reason = outcome.outcome === 'accepted' ? null : outcome.reason;
  if (outcome.outcome === 'later') {
    const seconds = schedule[tries + 1];
    const delayMs = Math.max((seconds ?? 0) * 1000 * (0.9 + chance * 0.2), Math.min(outcome.retryAfterMs ?? 0, longestAskedMs));
    if (seconds !== undefined && delayMs < leftMs) return { step, tries: tries + 1, delayMs, outcome: null, reason, hasEnded: false };
  }
  const next = steps[step + 1];
  if (!next) return { step: step + 1, tries: 0, delayMs: null, outcome: 'done', reason, hasEnded: true };
  const delayMs = outcome.outcome === 'accepted' ? next.afterSeconds * 1000 : 0;
  return { step: step + 1, tries: 0, delayMs, outcome: null, reason, hasEnded: true };
}
