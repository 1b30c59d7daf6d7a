import type { LaneOwnership } from './lane-ownership.js';
import type { WrittenRow } from './lanes.js';
import type { Reconciled, Reconciler } from './reconciler.js';

export interface ReconcileLoopOptions {
  reconciler: Reconciler;
  ownership: LaneOwnership;
  everyMs: number;
  /** Called with the rows of what is sent again. */
  onRepaired: (rows: WrittenRow[]) => void;
  onError: (error: unknown, doing: string) => void;
}

/** After a step behind which there is more it rests for so many times as long as that took, at most and at least: nobody waits for it, and others want the processor. */
const rests = { most: 6, least: 1 };
/** Where the process is kept busy a twentieth of the time, a rest is as long as a step; it grows with that. */
const restByUse = 20;
/** After so many steps in a row, some 20,000 rows, more is published than is compared so slowly: then it rests as long as a step takes. */
const manySteps = 60;
/** Where nothing was published lately, the next look may be so many times later. */
const restful = 4;
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
    let quietSteps = 0;
    let stepsInARow = 0;
    let use = 1;
    while (!this.#stopping) {
      const began = performance.now();
      let hasMore = false;
      try {
        const step = await this.#step();
        hasMore = step !== undefined && !step.isAll;
        // What comes late is found by the step behind the one that compares the last rows.
        quietSteps = step && step.compared + step.repaired.length === 0 ? quietSteps + 1 : 0;
      } catch (error) {
        if (!this.#stopping) onError(error, 'comparing the outbox with the log');
      }
      stepsInARow = hasMore ? stepsInARow + 1 : 0;
      const pauseMs = hasMore
        ? (performance.now() - began) * (stepsInARow < manySteps ? restFor(use) : rests.least)
        : everyMs * (quietSteps > 1 ? restful : 1);
      const before = performance.eventLoopUtilization();
      if (!this.#stopping) await this.#pause(pauseMs * (0.9 + Math.random() * 0.2));
      use = performance.eventLoopUtilization(before).utilization;
    }
    await reconciler.rest();
  }

  /** @returns what was compared; undefined where that is another replica's. */
  async #step(): Promise<Reconciled | undefined> {
    const { reconciler, ownership, onRepaired } = this.options;
    if (!ownership.isProven || !ownership.owned.has(0)) {
      await reconciler.rest();
      return undefined;
    }
    const step = await reconciler.step();
    if (step.wake.length > 0) onRepaired(step.wake);
    return step;
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

/**
 * @param use how much of the time the process was kept busy by others, 0 to 1.
 * @returns for how many times as long as a step took it rests, so that what is behind is made up for in quiet.
 */
export function restFor(use: number): number {
  return Math.min(rests.most, Math.max(rests.least, use * restByUse));
}
