import type { BroadcastState } from '@communication-center/contracts/broadcasts';

/** What the calls service wants of a broadcast. */
export type Wanted = 'live' | 'stopped';
/** Where the media of the call are, as of recordings. */
export type Standing = 'none' | 'there' | 'away' | 'closed';

/** What is to be done about a broadcast: `hold` is to go on with what there is, as while Janus is away. */
export type BroadcastAct = 'wait' | 'hold' | 'broadcast' | 'finish' | 'end_too_long';

/** Decides what is to be done about a broadcast. @param secondsOld since it was started. */
export function nextAct(
  wanted: Wanted,
  room: Standing,
  isMade: boolean,
  { secondsOld, mostSeconds }: { secondsOld: number; mostSeconds: number },
): BroadcastAct {
  if (wanted === 'stopped' || room === 'closed') return 'finish';
  if (secondsOld >= mostSeconds) return 'end_too_long';
  if (room === 'there') return 'broadcast';
  return isMade ? 'hold' : 'wait';
}

/** Whether a broadcast goes on, or is to. */
export const isActive = (state: BroadcastState): boolean => state === 'starting' || state === 'live';

/** An encoder that ends is started anew, but not for ever: so often within so many milliseconds it is given up. */
const [mostEnds, withinMs] = [4, 120_000];

/** Says when to give up: what ends again and again within a minute. */
export class Endings {
  #at: number[] = [];

  /** It ended, by a clock of milliseconds. @returns after how many milliseconds to begin anew; undefined: not again. */
  note(now: number): number | undefined {
    this.#at = [...this.#at.filter((at) => now - at < withinMs), now];
    return this.#at.length > mostEnds ? undefined : 250 * 2 ** (this.#at.length - 1);
  }
}
