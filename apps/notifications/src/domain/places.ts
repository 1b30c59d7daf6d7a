/** So often it is looked how busy this process is while others wait for their turn, in milliseconds. */
export const lookEveryMs = 20;
/** What was measured over longer than this is of a time in which there was nothing to do. */
const longestMs = 200;
/** Shares of its time that this process is busy: below the one it could do more at a time, above the other more would only wait in it. */
const [idleBelow, busyAbove] = [0.7, 0.95];
/** How long a provider takes is the least that one of its answers took in the last half second, or the one before: those that waited in this process say more of it. */
const rememberedMs = 500;
/** So many times as many are under way as answers come in the time that the provider takes: with as many, each that is late leaves a place empty. */
const headroom = 1.25;

/** What came of requests since it was noted last: how many ended, and how long the quickest of them took. */
export interface Ended {
  count: number;
  quickestMs: number;
}

/**
 * How many requests go to a provider at a time. A provider that answers soon needs few: more would wait in this process, each with a
 * connection or a stream of its own and memory that is looked through again and again. One that takes 100 ms needs hundreds. Which of
 * both it is shows in whether this process has time left while others wait for their turn, or hears of no answer at all though it looks for
 * them all the while: then its time goes into something else, such as reading the events of a crowd. A busy process has fewer and fewer, but
 * as many as its provider holds while it answers at the rate at which it does (Little's law).
 */
export class Places {
  #count: number;
  #lookedAt = Number.NEGATIVE_INFINITY;
  readonly #least: number;
  #quickest = Number.POSITIVE_INFINITY;
  #quickestBefore = Number.POSITIVE_INFINITY;
  #rememberedSince = 0;

  /** @param most places there are; the first few of them from the start. */
  constructor(private readonly most: number) {
    this.#least = Math.min(96, most);
    this.#count = this.#least;
  }

  get count(): number {
    return this.#count;
  }

  /** Whether so much time has gone by that it is to be {@link noted} how busy this process was. */
  isDue(nowMs: number): boolean {
    return nowMs - this.#lookedAt >= lookEveryMs;
  }

  /**
   * Others wait for their turn.
   * @param busy the share of its time, from 0 to 1, that this process was busy since it was noted last.
   */
  noted(nowMs: number, busy: number, ended: Ended): void {
    const tookMs = nowMs - this.#lookedAt;
    this.#lookedAt = nowMs;
    this.#remember(nowMs, ended.quickestMs);
    if (tookMs > longestMs) return;
    if (busy < idleBelow || ended.count === 0) this.#count = Math.ceil(this.#count * 1.5);
    else {
      if (busy > busyAbove) this.#count = Math.floor(this.#count * 0.95);
      const held = (ended.count / tookMs) * Math.min(this.#quickest, this.#quickestBefore);
      this.#count = Math.max(this.#count, Math.ceil(held * headroom));
    }
    this.#count = Math.min(this.most, Math.max(this.#least, this.#count));
  }

  #remember(nowMs: number, quickestMs: number): void {
    if (nowMs - this.#rememberedSince >= rememberedMs) {
      this.#quickestBefore = this.#quickest;
      this.#quickest = Number.POSITIVE_INFINITY;
      this.#rememberedSince = nowMs;
    }
    this.#quickest = Math.min(this.#quickest, quickestMs);
  }
}
