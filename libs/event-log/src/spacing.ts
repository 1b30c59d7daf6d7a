/**
 * When something that costs as much for many as for one may be done again: what comes after a pause waits for nothing, and what comes
 * without one is done so many milliseconds apart, for more at once.
 */
export class Spacing {
  /** When as many are due as were begun, had they kept their distance. */
  #paidUntil = Number.NEGATIVE_INFINITY;

  /**
   * @param everyMs the distance, in milliseconds; 0 for none.
   * @param atOnce so many may follow each other before it is kept: each pause gives one back for each distance it lasts.
   */
  constructor(
    readonly everyMs: number,
    private readonly atOnce = 1,
  ) {}

  /** @returns in how many whole milliseconds the next is due; 0 where it is. */
  dueInMs(now = performance.now()): number {
    return Math.max(0, Math.ceil(this.#paidUntil - (this.atOnce - 1) * this.everyMs - now));
  }

  /** One is begun, due or not: those that came early keep nobody waiting for longer than one distance. */
  begun(now = performance.now()): void {
    this.#paidUntil = Math.min(Math.max(this.#paidUntil, now) + this.everyMs, now + this.atOnce * this.everyMs);
  }
}
