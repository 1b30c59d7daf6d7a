/** More than a device that behaves ever has under way; less than what one that does not could use to tie up the gateway. */
const maxInHand = 64;

/** Works on what comes in order within a lane; lanes do not wait for each other. */
export class FrameLanes {
  readonly #last = new Map<string, Promise<unknown>>();
  #inHand = 0;

  /** @returns whether one more would be too many. */
  get full(): boolean {
    return this.#inHand >= maxInHand;
  }

  /** Works once all that came to this lane before is done, however it ended. */
  async run<T>(lane: string, work: () => Promise<T>): Promise<T> {
    this.#inHand += 1;
    const before = this.#last.get(lane) ?? Promise.resolve();
    const mine = before.then(work, work);
    this.#last.set(lane, mine);
    try {
      return await mine;
    } finally {
      this.#inHand -= 1;
      if (this.#last.get(lane) === mine) this.#last.delete(lane);
    }
  }
}
