import type { AnyEvent } from '@communication-center/contracts';
import type { Database, Sql } from '../database.js';
import { fromMessage } from '../log/event-headers.js';
import type { EventLog } from '../log/event-log.js';
import { readRange } from '../log/read-range.js';

/** Events to fold into a projection's tables, inside the transaction that also guards against a rebuild. */
export interface ProjectionBatch {
  events: readonly AnyEvent[];
  tx: Sql;
}

export interface ProjectionOptions {
  name: string;
  topics: string[];
  /** The tables that hold the projection and nothing else: a rebuild empties them. */
  tables: string[];
  /** Folds events in, dropping what is not newer than what the tables hold. */
  apply: (batch: ProjectionBatch) => Promise<void>;
}

/**
 * A reading made of events, which may be dropped and rebuilt at any time.
 *
 * A rebuild is one transaction under a lock that every live batch takes shared: readers see the old rows until the
 * new ones are all there, and a live batch waits (and is paused) rather than mixing in.
 */
export class Projection {
  readonly #log: EventLog;
  readonly #database: Database;
  readonly options: ProjectionOptions;

  constructor(log: EventLog, database: Database, options: ProjectionOptions) {
    this.#log = log;
    this.#database = database;
    this.options = options;
  }

  /** Applies one batch from the log. */
  async applyLive(events: readonly AnyEvent[]): Promise<void> {
    await this.#database.transaction(async (tx) => {
      await tx.query("SET LOCAL lock_timeout = '2s'");
      await tx.query('SELECT pg_advisory_xact_lock_shared(hashtext($1))', [this.#lockName]);
      await this.options.apply({ events, tx });
    });
  }

  /**
   * Empties the projection and folds the whole log into it again.
   * @returns how many events were folded.
   */
  async rebuild(): Promise<number> {
    return this.#database.transaction(async (tx) => {
      await tx.query('SELECT pg_advisory_xact_lock(hashtext($1))', [this.#lockName]);
      for (const table of this.options.tables) await tx.query(`DELETE FROM ${table}`);
      let folded = 0;
      for (const topic of this.options.topics) {
        let queue = Promise.resolve();
        await readRange(this.#log, topic, {}, async (messages) => {
          const events = messages.map(({ message }) => fromMessage(message)).filter((event) => event !== null);
          folded += events.length;
          // One connection, one statement at a time, whatever the partitions do.
          queue = queue.then(() => this.options.apply({ events, tx }));
          await queue;
        });
      }
      return folded;
    });
  }

  get #lockName(): string {
    return `projection ${this.#database.schema}.${this.options.name}`;
  }
}
