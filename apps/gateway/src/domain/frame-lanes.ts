import type { ClientFrame } from '@communication-center/contracts';

/** More than a device that behaves ever has under way; less than what one that does not could use to tie up the gateway. */
const maxInHand = 64;

/** Works on what comes in order within a lane; lanes do not wait for each other. */
export class FrameLanes {
  /** Made when something is to be done: most sockets idle. */
  #last: Map<string, Promise<unknown>> | undefined;
  #inHand = 0;

  /** @returns whether one more would be too many. */
  get full(): boolean {
    return this.#inHand >= maxInHand;
  }

  /** Works once all that came to this lane before is done, however it ended. */
  async run<T>(lane: string, work: () => Promise<T>): Promise<T> {
    this.#inHand += 1;
    this.#last ??= new Map();
    const last = this.#last;
    const before = last.get(lane) ?? Promise.resolve();
    const mine = before.then(work, work);
    last.set(lane, mine);
    try {
      return await mine;
    } finally {
      this.#inHand -= 1;
      if (last.get(lane) === mine) last.delete(lane);
      if (this.#inHand === 0) this.#last = undefined;
    }
  }
}

/** What a client asks for once it has connected, besides a sign of life. */
export type CommandFrame = Exclude<ClientFrame, { type: 'connect' | 'refresh' | 'ping' | 'sign_out' }>;

/** What a frame may not overtake: others of its call; dials each other; what concerns the socket itself the like. A cancel overtakes dials. */
export function laneOf(frame: CommandFrame): string {
  if ('callId' in frame) return frame.callId;
  return frame.type === 'dial' || frame.type === 'cancel_dial' ? frame.type : 'socket';
}
