import type { ReportError } from '../service.module.js';
import { hasRunOut, renewalIn } from './lease-times.js';

/** How a lease is kept. */
export interface Keeping<Row> {
  /** Names it in reports of errors. */
  name: string;
  report: ReportError;
  /** For so long a claim, and each renewal, are good, in milliseconds; and how often it is renewed. */
  leaseMs: number;
  renewEveryMs: number;
  /** @returns the row as it is now; undefined where another process has it, or it is not to be worked on any more. */
  renew: (row: Row) => Promise<Row | undefined>;
  /** Aborts when the service stops. */
  stopping: AbortSignal;
}

/** A row that this process has, for as long as it says so in time. */
export class HeldLease<Row> {
  readonly #lost = new AbortController();
  #renewedAt = performance.now();

  /** @param row as it was claimed; then as it was when the lease was renewed last, or as whoever works on it has put it since. */
  constructor(
    public row: Row,
    private readonly keeping: Keeping<Row>,
  ) {}

  /** Aborts when another process has the row, or may have it. */
  get lost(): AbortSignal {
    return this.#lost.signal;
  }

  /** Aborts when the work is to be broken off: the lease is lost, or the service stops. */
  get over(): AbortSignal {
    return AbortSignal.any([this.lost, this.keeping.stopping]);
  }

  /**
   * Waits until the lease is to be renewed, and renews it. So a process that stood still asks before it goes on; where the database cannot be asked the
   * lease is held for as long as it is good.
   * @param end ends the wait, as a service that stops does. @returns whether the work goes on.
   */
  async renewed(end?: AbortSignal): Promise<boolean> {
    const { name, report, leaseMs, renewEveryMs, renew } = this.keeping;
    const signal = end ? AbortSignal.any([this.over, end]) : this.over;
    await pause(renewalIn(renewEveryMs, Math.random()), signal);
    if (signal.aborted) return false;
    const askedAt = performance.now();
    try {
      const row = await renew(this.row);
      if (row === undefined) this.#lost.abort();
      else [this.row, this.#renewedAt] = [row, askedAt];
    } catch (error) {
      report(error, name);
      if (hasRunOut(this.#renewedAt, performance.now(), leaseMs)) this.#lost.abort();
    }
    return !signal.aborted;
  }

  /** Keeps the lease while some work is done that takes long. @returns what comes of it. */
  async whileKept<T>(work: Promise<T>): Promise<T> {
    const done = new AbortController();
    const keeping = this.#keep(done.signal);
    try {
      return await work;
    } finally {
      done.abort();
      await keeping;
    }
  }

  async #keep(end: AbortSignal): Promise<void> {
    while (await this.renewed(end));
  }
}

/** Waits, but no longer than until a signal. */
async function pause(ms: number, signal: AbortSignal): Promise<void> {
  if (signal.aborted) return;
  await new Promise<void>((resolve) => {
    const done = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    };
    const timer = setTimeout(done, ms);
    signal.addEventListener('abort', done, { once: true });
  });
}
