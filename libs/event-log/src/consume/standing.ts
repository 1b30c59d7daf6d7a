/** `paused` waits for infrastructure and resumes by itself; `stopped` is a consumer that does not consume: unhealthy. */
export type ConsumerState = 'starting' | 'running' | 'paused' | 'stopped';

/** How a consumer is, and since when. */
export class Standing {
  #state: ConsumerState = 'starting';
  #hasRun = false;
  #since = performance.now();

  get state(): ConsumerState {
    return this.#state;
  }

  /** Whether it ever consumed: one that never did is not ready yet, whatever the reason. */
  get hasRun(): boolean {
    return this.#hasRun;
  }

  /** For how long it has been so, in milliseconds. */
  get forMs(): number {
    return performance.now() - this.#since;
  }

  become(state: ConsumerState): void {
    if (state === this.#state) return;
    this.#state = state;
    this.#since = performance.now();
    this.#hasRun ||= state === 'running';
  }
}
