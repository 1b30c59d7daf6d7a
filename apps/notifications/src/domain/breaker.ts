const failuresToOpen = 10;
const [shortestMs, longestMs] = [500, 5000];

/**
 * Holds requests back from a provider that answers none: after ten failures in a row one is let through now and then, and the first that
 * succeeds lets all through again. Whoever is held back tries later, within the ring's deadline.
 */
export class Breaker {
  #failures = 0;
  #openedTimes = 0;
  #until = 0;
  #isTrying = false;

  /** @returns for how long nothing goes through, in milliseconds: 0 for whoever may go now. */
  heldForMs(nowMs: number): number {
    if (this.#failures < failuresToOpen) return 0;
    if (nowMs < this.#until) return this.#until - nowMs;
    // One tries; the others wait for what becomes of it.
    this.#until = nowMs + shortestMs;
    this.#isTrying = true;
    return 0;
  }

  get isOpen(): boolean {
    return this.#failures >= failuresToOpen;
  }

  succeeded(): void {
    this.#failures = 0;
    this.#openedTimes = 0;
    this.#isTrying = false;
  }

  /** @param chance from 0 to 1. */
  failed(nowMs: number, chance: number): void {
    this.#failures += 1;
    if (this.#failures < failuresToOpen) return;
    // What was under way when it opened says nothing new: only that one that was let through makes the pause longer.
    if (this.#failures > failuresToOpen && !this.#isTrying) return;
    this.#isTrying = false;
    const pauseMs = Math.min(longestMs, shortestMs * 2 ** this.#openedTimes) * (0.5 + chance);
    this.#openedTimes = Math.min(this.#openedTimes + 1, 10);
    // Timers know whole milliseconds: who waited for a part of one would ask again in the same moment.
    this.#until = Math.ceil(nowMs + pauseMs);
  }
}
