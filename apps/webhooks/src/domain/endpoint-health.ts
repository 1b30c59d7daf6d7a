/** How an attempt went, as far as the endpoint's health is concerned. */
export interface Answer {
  /** Null where none came. */
  status: number | null;
  isAccepted: boolean;
  /** For how long the receiver asked to be left alone, in milliseconds. */
  retryAfterMs: number | null;
}

/** How well a receiver takes what it is sent. Times are milliseconds since 1970. */
export interface Health {
  /** Requests it may have at a time now: what it has proven to take. */
  share: number;
  /** Failures in a row. */
  failures: number;
  /** Since when nothing has succeeded. */
  failingSince: number | null;
  /** The breaker is open: until then nothing is sent, then one delivery, whose answer decides. */
  openUntil: number | null;
  /** It asked for a pause, or seems to need one. */
  restUntil: number;
  /** Pauses in a row. */
  rests: number;
}

/** So many requests a receiver gets at a time that nobody knows yet, or that was dead. */
const shareAtFirst = 2;
/** So many failures in a row, with no success between them, and it counts as dead. */
export const failuresOfDead = 5;
const probeMs = { first: 5000, longest: 60_000 };
const restMs = { first: 500, longest: 60_000, asked: 3_600_000 };
/** Too many requests, and what stands before a receiver that does not keep up. */
const overwhelmed = new Set([429, 502, 503, 504]);

/** @param failingSince since when, as is on record, nothing has succeeded: then it is tried with one delivery first. */
export function newHealth(failingSince: number | null): Health {
  const openUntil = failingSince === null ? null : 0;
  return { share: shareAtFirst, failures: openUntil === null ? 0 : failuresOfDead, failingSince, openUntil, restUntil: 0, rests: 0 };
}

export const isOpen = ({ openUntil }: Health): boolean => openUntil !== null;

/**
 * @param underWay requests it has now. @param limit what it may have at most.
 * @returns how many may be begun now, and where none may and time alone changes that, when to look again.
 */
export function mayBegin(health: Health, underWay: number, limit: number, now: number): { count: number; at: number | null } {
  const waitFor = Math.max(health.restUntil, health.openUntil ?? 0);
  if (now < waitFor) return { count: 0, at: waitFor };
  const most = isOpen(health) ? 1 : Math.min(health.share, limit);
  return { count: Math.max(0, most - underWay), at: null };
}

/** @param random in [0, 1): spreads pauses over a tenth around their length. @returns its health after an attempt. */
export function afterAnswer(health: Health, answer: Answer, limit: number, now: number, random: number): Health {
  if (answer.isAccepted) {
    const share = isOpen(health) ? shareAtFirst : Math.min(limit, health.share + 1);
    return { share, failures: 0, failingSince: null, openUntil: null, restUntil: isOpen(health) ? 0 : health.restUntil, rests: 0 };
  }
  const failures = health.failures + 1;
  const failingSince = health.failingSince ?? now;
  const isSlow = answer.status === null || overwhelmed.has(answer.status);
  const share = isSlow ? Math.max(1, Math.floor(health.share / 2)) : health.share;
  const rest = pauseOf(health, answer, random);
  return {
    share,
    failures,
    failingSince,
    openUntil: failures < failuresOfDead ? null : now + Math.max(spread(doubled(probeMs, failures - failuresOfDead), random), rest),
    restUntil: rest > 0 ? Math.max(health.restUntil, now + rest) : health.restUntil,
    rests: rest > 0 ? health.rests + 1 : health.rests,
  };
}

/** A receiver that is overwhelmed is left alone for as long as it asks, or for longer each time. */
function pauseOf({ rests }: Health, { status, retryAfterMs }: Answer, random: number): number {
  if (status === null || !overwhelmed.has(status)) return 0;
  return Math.max(spread(doubled(restMs, rests), random), Math.min(retryAfterMs ?? 0, restMs.asked));
}

const doubled = ({ first, longest }: { first: number; longest: number }, times: number) =>
  Math.min(longest, first * 2 ** Math.min(times, 20));
const spread = (milliseconds: number, random: number) => milliseconds * (0.9 + random * 0.2);
