import type { MediaFailure as AnyFailure } from '@communication-center/contracts';

/** Why nothing ever came through of a device that joined its media, as far as can be known at this end. */
export type MediaFailure = Exclude<AnyFailure, 'not_joined'>;

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
