/**
 * How many requests of viewers are answered in a second, all broadcasts together: one that is watched by a crowd gets what others leave, and each gets its
 * share of what there is, whatever the others ask. So it is twice as many at most. Time arrives with each request.
 */
export class ViewersPace {
  #since = Number.NEGATIVE_INFINITY;
  #all = 0;
  #counts = new Map<string, number>();
  /** How many broadcasts were watched in the second before. */
  #before = 1;

  constructor(private readonly perSecond: number) {}

  /** @returns whether one more request for a broadcast is answered. @param now in milliseconds. */
  take(broadcastId: string, now: number): boolean {
    if (now - this.#since >= 1000) {
      this.#before = Math.max(1, this.#counts.size);
      [this.#since, this.#all, this.#counts] = [now, 0, new Map()];
    }
    const own = this.#counts.get(broadcastId) ?? 0;
    this.#counts.set(broadcastId, own);
    const share = this.perSecond / Math.max(this.#before, this.#counts.size);
    if (this.#all >= this.perSecond && own >= share) return false;
    this.#counts.set(broadcastId, own + 1);
    this.#all += 1;
    return true;
  }
}
