import type { DeadlineKind } from './consequences.js';

/** When somebody last looked for deadlines that are due, and when nobody did. Times in milliseconds since 1970. */
export interface Looks {
  lookedAt: number;
  /** The last outage: nobody looked from one time until the other. */
  away: { from: number; until: number } | undefined;
}

/** An outage that follows another so soon may have left deadlines of the first one where they were. */
const soonMs = 60_000;

/** @returns what is known of looks after one at `now`. @param outageAfterMs a longer pause between two looks is an outage. */
export function lookAt(now: number, { lookedAt, away }: Looks, outageAfterMs: number): Looks {
  if (now - lookedAt <= outageAfterMs) return { lookedAt: Math.max(now, lookedAt), away };
  const from = away && lookedAt - away.until < soonMs ? away.from : lookedAt;
  return { lookedAt: now, away: { from, until: now } };
}

/** What a deadline that passed in an outage gets once more, in milliseconds. */
export interface SecondChances {
  /** Looks are no further apart unless nobody looks; one that was due by so much before an outage may have been missed, too. */
  outageAfterMs: number;
  /** For rings, upgrades and the end of a call: a moment to come back and act. */
  graceMs: number;
  /** For a device that lost its sockets: a whole grace, because in the outage it could not come back. */
  connectionGraceMs: number;
  /** For a device that has not joined its media: it could not, in the outage. */
  mediaGraceMs: number;
}

/**
 * Decides whether a deadline that is found due may fire. One that passed while nobody looked (a restart, a database that was
 * away) is put off, once: an outage must not end everybody's calls. How late it is found says nothing of that, since many may
 * be due at the same moment.
 * @param deadline `extended` where it was put off before; `dueAt` in milliseconds since 1970; `isKnown` where what it waited for has
 *   happened for certain, so that no time helps.
 * @returns milliseconds to put it off; 0 to fire.
 */
export function putOff(
  { kind, dueAt, extended, isKnown }: { kind: DeadlineKind; dueAt: number; extended: boolean; isKnown?: boolean },
  { away }: Looks,
  chances: SecondChances,
): number {
  // What was deleted or closed does not come back.
  if (kind === 'deleted' || kind === 'closed' || isKnown) return 0;
  if (extended || !away || dueAt <= away.from - chances.outageAfterMs || dueAt > away.until) return 0;
  if (kind === 'connection') return chances.connectionGraceMs;
  return kind === 'media' ? chances.mediaGraceMs : chances.graceMs;
}
