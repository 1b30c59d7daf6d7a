/** So often it is looked how busy this process is while others wait for their turn, in milliseconds. */
export const lookEveryMs = 20;
/** What was measured over longer than this is of a time in which there was nothing to do. */
const longestMs = 200;
/** Shares of its time that this process is busy: below the one it could do more at a time, above the other more would only wait in it. */
const [idleBelow, busyAbove] = [0.7, 0.95];

/**
 * How many requests go to a provider at a time. A provider that answers soon needs few: more would wait in this process, each with a
 * connection or a stream of its own and memory that is looked through again and again. One that takes 100 ms needs hundreds. Which of
 * both it is shows in whether this process has time left while others wait for their turn, or hears of no answer at all though it looks for
 * them all the while: then its time goes into something else, such as reading the events of a crowd.
 */
export class Places {
  #count: number;
  #lookedAt = Number.NEGATIVE_INFINITY;
  readonly #least: number;

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
   * @param answers how many requests have ended since then.
   */
  noted(nowMs: number, busy: number, answers: number): void {
    const isOfNow = nowMs - this.#lookedAt <= longestMs;
    this.#lookedAt = nowMs;
    if (!isOfNow) return;
    if (busy < idleBelow || answers === 0) this.#count = Math.min(this.most, Math.ceil(this.#count * 1.5));
    else if (busy > busyAbove) this.#count = Math.max(this.#least, Math.floor(this.#count * 0.95));
  }
}
