import { inNewTrace } from './trace.js';

export interface DueRowsOptions {
  /** Names the loop in error reports. */
  name: string;
  /** Does what is due. @returns milliseconds until the next row is due; null when none waits. */
  work: () => Promise<number | null>;
  onError: (error: unknown, doing: string) => void;
  /** The longest pause: another replica may have added a row that is due sooner. */
  maxPauseMs?: number;
}

/** Runs work when database rows fall due: at the next due time, and every `maxPauseMs` at the latest. */
export class DueRows {
  readonly #options: Required<DueRowsOptions>;
  #stopping = false;
  #endPause: (() => void) | undefined;
  #isWoken = false;
  #running: Promise<void> | undefined;

  constructor(options: DueRowsOptions) {
    this.#options = { maxPauseMs: 500, ...options };
  }

  start(): void {
    this.#running ??= this.#loop();
  }

  /** Works now, or once more after the work in hand: there are new rows. */
  wake(): void {
    this.#isWoken = true;
    this.#endPause?.();
  }

  /** Lets the work in hand finish. */
  async stop(): Promise<void> {
    this.#stopping = true;
    this.#endPause?.();
    await this.#running;
  }

  async #loop(): Promise<void> {
    while (!this.#stopping) {
      const pause = await inNewTrace(() => this.#workOnce());
      if (this.#stopping) return;
      if (!this.#isWoken) await this.#pause(pause);
    }
  }

  /** @returns milliseconds until the next look. */
  async #workOnce(): Promise<number> {
    const { work, name, maxPauseMs, onError } = this.#options;
    this.#isWoken = false;
    try {
      const next = await work();
      return next === null ? maxPauseMs : Math.min(maxPauseMs, Math.max(0, next));
    } catch (error) {
      onError(error, name);
      // What failed is not hurried along.
      this.#isWoken = false;
      return maxPauseMs * (1 + Math.random());
    }
  }

  async #pause(milliseconds: number): Promise<void> {
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, milliseconds);
      this.#endPause = () => {
        clearTimeout(timer);
        resolve();
      };
    });
    this.#endPause = undefined;
  }
}
