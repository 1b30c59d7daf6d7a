/** A delivery that waits for its turn. `work` must not throw. */
export interface LaneTask {
  id: string;
  /** What has to keep its order: a call, or a user. */
  key: string;
  work: () => Promise<void>;
}

interface Lane<T> {
  waiting: T[];
  busyKeys: Set<string>;
}

/**
 * A bounded queue for each endpoint, so that one that hangs holds up only itself; in order within a key (a call), several
 * keys at a time.
 */
export class Lanes<T extends LaneTask> {
  readonly #lanes = new Map<string, Lane<T>>();
  readonly #held = new Set<string>();
  #idle: (() => void)[] = [];
  #closed = false;

  constructor(
    private readonly concurrency: number,
    private readonly length: number,
  ) {}

  /** @returns false when the lane is full, holds the task already, or nothing is taken any more: nothing was queued. */
  push(laneName: string, task: T): boolean {
    const lane = this.#lanes.get(laneName) ?? { waiting: [], busyKeys: new Set() };
    if (this.#closed || this.#held.has(task.id) || lane.waiting.length >= this.length) return false;
    this.#lanes.set(laneName, lane);
    this.#held.add(task.id);
    lane.waiting.push(task);
    this.#work(laneName, lane);
    return true;
  }

  /** Whether this task waits or runs. */
  holds(id: string): boolean {
    return this.#held.has(id);
  }

  /** @returns the lanes that take no more for now. */
  full(): string[] {
    return [...this.#lanes].filter(([, { waiting }]) => waiting.length >= this.length).map(([name]) => name);
  }

  /** @returns how many lanes there are, how many of them take no more, and how many tasks wait or run in them. */
  get figures(): { lanes: number; full: number; tasks: number } {
    return { lanes: this.#lanes.size, full: this.full().length, tasks: this.#held.size };
  }

  /** Begins nothing any more. @returns what has not begun. */
  close(): T[] {
    this.#closed = true;
    return [...this.#lanes.values()].flatMap(({ waiting }) => waiting.splice(0));
  }

  /** Resolves when nothing waits or runs. */
  async drained(): Promise<void> {
    if (this.#lanes.size > 0) await new Promise<void>((resolve) => this.#idle.push(resolve));
  }

  #work(laneName: string, lane: Lane<T>): void {
    while (lane.busyKeys.size < this.concurrency) {
      const next = lane.waiting.findIndex(({ key }) => !lane.busyKeys.has(key));
      if (next < 0) break;
      const [{ id, key, work }] = lane.waiting.splice(next, 1) as [T];
      lane.busyKeys.add(key);
      void work().finally(() => {
        lane.busyKeys.delete(key);
        this.#held.delete(id);
        this.#work(laneName, lane);
      });
    }
    if (lane.waiting.length > 0 || lane.busyKeys.size > 0) return;
    this.#lanes.delete(laneName);
    if (this.#lanes.size > 0) return;
    for (const resolve of this.#idle.splice(0)) resolve();
  }
}
