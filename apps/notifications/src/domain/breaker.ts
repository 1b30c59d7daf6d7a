const failuresToOpen = 10;
const [shortestMs, longestMs] = [500, 15_000];

/**
 * Holds requests back from a provider that answers none: after ten failures in a row one is let through now and then, and the first that
 * succeeds lets all through again. Whoever is held back tries later, within the ring's deadline.
 */
export class Breaker {
  #failures = 0;
  #openedTimes = 0;
  #until = 0;

  /** @returns for how long nothing goes through, in milliseconds: 0 for whoever may go now. */
  heldForMs(nowMs: number): number {
    if (this.#failures < failuresToOpen) return 0;
    if (nowMs < this.#until) return this.#until - nowMs;
    // One tries; the others wait for what becomes of it.
    this.#until = nowMs + shortestMs;
    return 0;
  }

  get isOpen(): boolean {
    return this.#failures >= failuresToOpen;
  }

  succeeded(): void {
    this.#failures = 0;
    this.#openedTimes = 0;
  }

  /** @param chance from 0 to 1. */
  failed(nowMs: number, chance: number): void {
    this.#failures += 1;
    if (this.#failures < failuresToOpen) return;
    const pauseMs = Math.min(longestMs, shortestMs * 2 ** this.#openedTimes) * (0.5 + chance);
    this.#openedTimes = Math.min(this.#openedTimes + 1, 10);
    this.#until = nowMs + pauseMs;
  }
}
