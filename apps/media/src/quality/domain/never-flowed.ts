/**
 * Why nothing ever came through of a device, as far as can be known at this end: it named no way to itself; no way that was named could be
 * gone; one could, and what came over it was not what was agreed upon; or all is up, and nothing comes of what it says that it sends.
 */
export type MediaFailure = 'no_candidates' | 'ice_failed' | 'dtls_failed' | 'no_frames';

/** What was seen of a device that tries to send. */
export interface Seen {
  /** Whether it named any candidate. */
  named: boolean;
  /** Whether its connection was ever up, and whether anything of its media ever came. */
  up: boolean;
  received: boolean;
  /** What Janus said when it gave the connection up, where it did. */
  hangUp: string | undefined;
  /** Whether it says that it sends sound or picture now. */
  sends: boolean;
}

/** @returns why nothing came through; undefined where something did, or nothing was to. */
export function failureOf({ named, up, received, hangUp, sends }: Seen): MediaFailure | undefined {
  if (received) return undefined;
  if (up) return sends ? 'no_frames' : undefined;
  if (hangUp !== undefined && /dtls/i.test(hangUp)) return 'dtls_failed';
  return named ? 'ice_failed' : 'no_candidates';
}
