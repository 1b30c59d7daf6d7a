import type { LaneOwnership } from './lane-ownership.js';
import type { WrittenRow } from './lanes.js';
import type { Reconciler } from './reconciler.js';

export interface ReconcileLoopOptions {
  reconciler: Reconciler;
  ownership: LaneOwnership;
  everyMs: number;
  /** Called with the rows of what is sent again. */
  onRepaired: (rows: WrittenRow[]) => void;
  onError: (error: unknown, doing: string) => void;
}

/** How long a stop waits for brokers that do not answer. */
const patienceMs = 2000;

/** Compares the outbox with the log again and again, in one replica at a time: the owner of the first shard. */
export class ReconcileLoop {
  #stopping = false;
  #running: Promise<void> | undefined;
  #endPause: (() => void) | undefined;

  constructor(private readonly options: ReconcileLoopOptions) {}

  start(): void {
    this.#running = this.#loop();
  }

  /** Breaks off what is being compared: the next one begins at the same place. */
  async stop(): Promise<void> {
    this.#stopping = true;
    this.#endPause?.();
    const enough = new Promise<void>((resolve) => setTimeout(resolve, patienceMs).unref());
    await Promise.race([enough, this.options.reconciler.rest().then(() => this.#running)]);
  }

  async #loop(): Promise<void> {
    const { reconciler, onError, everyMs } = this.options;
    while (!this.#stopping) {
      let hasMore = false;
      try {
        hasMore = await this.#step();
      } catch (error) {
        if (!this.#stopping) onError(error, 'comparing the outbox with the log');
      }
      if (!hasMore && !this.#stopping) await this.#pause(everyMs * (0.9 + Math.random() * 0.2));
    }
    await reconciler.rest();
  }

  /** @returns whether more is due at once. */
  async #step(): Promise<boolean> {
    const { reconciler, ownership, onRepaired } = this.options;
    if (!ownership.isProven || !ownership.owned.has(0)) {
      await reconciler.rest();
      return false;
    }
    const { isAll, wake } = await reconciler.step();
    if (wake.length > 0) onRepaired(wake);
    return !isAll;
  }

  async #pause(milliseconds: number): Promise<void> {
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, milliseconds);
      this.#endPause = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }
}
