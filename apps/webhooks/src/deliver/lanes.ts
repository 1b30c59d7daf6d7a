interface Waiting {
  key: string;
  task: () => Promise<void>;
}

interface Lane {
  waiting: Waiting[];
  busyKeys: Set<string>;
}

/**
 * A bounded queue for each endpoint, so that one that hangs holds up only itself; in order within a key (a call), several
 * keys at a time.
 */
export class Lanes {
  readonly #lanes = new Map<string, Lane>();
  #idle: (() => void)[] = [];

  constructor(
    private readonly concurrency: number,
    private readonly length: number,
  ) {}

  /** @param task must not throw. @returns false when the lane is full: nothing was queued. */
  push(laneName: string, key: string, task: () => Promise<void>): boolean {
    const lane = this.#lanes.get(laneName) ?? { waiting: [], busyKeys: new Set() };
    if (lane.waiting.length >= this.length) return false;
    this.#lanes.set(laneName, lane);
    lane.waiting.push({ key, task });
    this.#work(laneName, lane);
    return true;
  }

  /** Resolves when nothing waits or runs. */
  async drained(): Promise<void> {
    if (this.#lanes.size > 0) await new Promise<void>((resolve) => this.#idle.push(resolve));
  }

  #work(laneName: string, lane: Lane): void {
    while (lane.busyKeys.size < this.concurrency) {
      const next = lane.waiting.findIndex(({ key }) => !lane.busyKeys.has(key));
      if (next < 0) break;
      const [{ key, task }] = lane.waiting.splice(next, 1) as [Waiting];
      lane.busyKeys.add(key);
      void task().finally(() => {
        lane.busyKeys.delete(key);
        this.#work(laneName, lane);
      });
    }
    if (lane.waiting.length > 0 || lane.busyKeys.size > 0) return;
    this.#lanes.delete(laneName);
    if (this.#lanes.size > 0) return;
    for (const resolve of this.#idle.splice(0)) resolve();
  }
}
