import type { DeadlineKind } from './consequences.js';

/** What a deadline that nobody fired in time gets once more, in milliseconds. */
export interface SecondChances {
  /** Passed by more than this, it was missed in an outage. */
  lateAfterMs: number;
  /** For rings, upgrades and the end of a call: a moment to come back and act. */
  graceMs: number;
  /** For a device that lost its sockets: a whole grace, because in the outage it could not come back. */
  connectionGraceMs: number;
  /** For a device that has not joined its media: it could not, in the outage. */
  mediaGraceMs: number;
}

/**
 * Decides whether a deadline that is found due may fire. One that passed while nobody could act on it (a restart, a
 * database that was away) is put off, once: an outage must not end everybody's calls.
 * @param overdueMs how long ago it fell due.
 * @param extended whether it was put off before.
 * @returns milliseconds to put it off; 0 to fire.
 */
export function putOff(kind: DeadlineKind, overdueMs: number, extended: boolean, chances: SecondChances): number {
  if (extended || overdueMs <= chances.lateAfterMs) return 0;
  if (kind === 'connection') return chances.connectionGraceMs;
  return kind === 'media' ? chances.mediaGraceMs : chances.graceMs;
}
