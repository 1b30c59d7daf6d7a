import type { Sql } from '../database.js';

/** Sends a statement whose answer nobody waits for. */
export type SendAhead = (text: string, values?: unknown[]) => void;

export interface BatchTransactionOptions {
  tx: Sql;
  /** Runs the last statement of the transaction. */
  last: Sql['query'];
  /** What goes ahead of the first statement. */
  first?: () => Promise<unknown>;
}

/**
 * The transaction of a batch. Some of its statements are sent without waiting for their answers, because only whether they succeed
 * matters: they travel with whatever is asked next, in their order.
 */
export class BatchTransaction implements Sql {
  readonly #options: BatchTransactionOptions;
  readonly #ahead: Promise<unknown>[] = [];
  #isBegun = false;

  constructor(options: BatchTransactionOptions) {
    this.#options = options;
  }

  query: Sql['query'] = (text, values) => {
    this.#begin();
    return this.#options.tx.query(text, values);
  };

  last: Sql['query'] = (text, values) => {
    this.#begin();
    return this.#options.last(text, values);
  };

  /** Sends a statement. Where it fails, so does all that follows, and {@link answered} says why. */
  ahead: SendAhead = (text, values) => this.#count(this.query(text, values));

  /**
   * Resolves when all that was sent ahead has succeeded: to be waited for before anything counts as committed, and where anything
   * else has failed.
   * @throws what the first that failed did.
   */
  async answered(): Promise<void> {
    await Promise.all(this.#ahead);
  }

  #begin(): void {
    if (this.#isBegun) return;
    this.#isBegun = true;
    const { first } = this.#options;
    if (first) this.#count(first());
  }

  #count(answer: Promise<unknown>): void {
    answer.catch(() => undefined);
    this.#ahead.push(answer);
  }
}
