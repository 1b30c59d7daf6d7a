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
  #wake: (() => void) | undefined;
  #running: Promise<void> | undefined;

  constructor(options: DueRowsOptions) {
    this.#options = { maxPauseMs: 200, ...options };
  }

  start(): void {
    this.#running ??= this.#loop();
  }

  /** Lets the work in hand finish. */
  async stop(): Promise<void> {
    this.#stopping = true;
    this.#wake?.();
    await this.#running;
  }

  async #loop(): Promise<void> {
    while (!this.#stopping) {
      let pause = this.#options.maxPauseMs;
      try {
        const next = await this.#options.work();
        if (next !== null) pause = Math.min(pause, Math.max(0, next));
      } catch (error) {
        this.#options.onError(error, this.#options.name);
        pause = this.#options.maxPauseMs * (1 + Math.random());
      }
      if (this.#stopping) return;
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, pause);
        this.#wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  }
}
