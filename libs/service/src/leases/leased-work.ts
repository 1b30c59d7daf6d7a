import { HeldLease, type Keeping } from './held-lease.js';
import { type Looking, WorksOnDueRows } from './works-on-due-rows.js';

/** How work on leased rows goes. */
export interface LeasedWorkOptions extends Looking, Pick<Keeping<unknown>, 'leaseMs' | 'renewEveryMs'> {
  /** So many rows are worked on at a time. */
  mostAtOnce: number;
  /** Where the service stops, what is in hand has so long to end, in milliseconds: what has not by then is left to its lease. */
  graceMs: number;
}

/**
 * Works on some leased rows at a time, each for as long as that takes. Of a process that is killed another goes on, once its leases have run out; one
 * that stops breaks its work off, and gives it back.
 */
export abstract class LeasedWork<Row> extends WorksOnDueRows {
  readonly #inHand = new Set<Promise<void>>();
  readonly #stopping = new AbortController();
  readonly #options: LeasedWorkOptions;

  protected constructor(options: LeasedWorkOptions) {
    super(options);
    this.#options = options;
  }

  /**
   * Claims rows, and has each begun.
   * @param room how many there is room for.
   * @returns in how many milliseconds to look again; null where the longest pause will do.
   */
  protected abstract look(room: number, begin: (row: Row) => void): Promise<number | null>;

  /** Works on a row until that is done, or to be broken off; keeps its lease meanwhile. */
  protected abstract carryOut(lease: HeldLease<Row>): Promise<void>;

  /** @returns the row as it is now; undefined where another process has it, or it is not to be worked on any more. */
  protected abstract renew(row: Row): Promise<Row | undefined>;

  /** Gives a row back whose work was broken off since the service stops: another process may claim it at once. */
  protected abstract release(row: Row): Promise<void>;

  protected work(): Promise<number | null> {
    return this.look(Math.max(0, this.#options.mostAtOnce - this.#inHand.size), (row) => this.#begin(row));
  }

  override async beforeApplicationShutdown(): Promise<void> {
    await super.beforeApplicationShutdown();
    this.#stopping.abort();
    let timer: NodeJS.Timeout | undefined;
    const tooLong = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, this.#options.graceMs);
    });
    await Promise.race([Promise.all(this.#inHand), tooLong]);
    clearTimeout(timer);
  }

  #begin(row: Row): void {
    const { name, report, leaseMs, renewEveryMs } = this.#options;
    const stopping = this.#stopping.signal;
    const lease = new HeldLease(row, { name, report, leaseMs, renewEveryMs, stopping, renew: (one) => this.renew(one) });
    const done = this.#carryOut(lease)
      .catch((error: unknown) => report(error, name))
      .finally(() => {
        this.#inHand.delete(done);
        this.wake();
      });
    this.#inHand.add(done);
  }

  async #carryOut(lease: HeldLease<Row>): Promise<void> {
    try {
      await this.carryOut(lease);
    } finally {
      if (this.#stopping.signal.aborted && !lease.lost.aborted) await this.release(lease.row);
    }
  }
}
