import type { AnyEvent, EventOf, Topic } from '@communication-center/contracts';
import type { Database, Rows, Sql } from '../database.js';
import { InfrastructureError } from '../failures.js';
import { BatchTransaction, type SendAhead } from './batch-transaction.js';
import type { EventBatch } from './message-handler.js';
import type { Pace } from './pace.js';
import type { Tombstone } from './read-messages.js';
import { shadowOf } from './tables.js';

/** SQLSTATE. */
const divisionByZero = '22012';

/**
 * Asks a statement that is a transaction by itself. Its `$1` is told here: the name of which it has to have
 * `pg_try_advisory_xact_lock_shared(hashtext($1))` before it does anything else, or fail, since a rebuild takes the tables' place.
 */
export type AskAlone = <R>(text: string, values: unknown[]) => Promise<Rows<R>>;

/** Events to fold into a projection's tables, inside the transaction that also guards against a rebuild. */
export interface AnyProjectionBatch {
  topic: string;
  events: readonly AnyEvent[];
  /** Keys that ended among these events. */
  tombstones: readonly Tombstone[];
  tx: Sql;
  /** Sends a statement that only has to succeed: it goes with the next one. Where it fails, so does the batch, with its error. */
  ahead: SendAhead;
  /** Runs the batch's last statement: one that is alone in its transaction is committed with it, in one round trip. */
  last: Sql['query'];
  /** Asks a statement that is a transaction by itself: instead of, or before, all others. There is none in a rebuild. */
  alone?: AskAlone;
  /** Whether the past is folded again, into a shadow: then nothing but the projection's tables may be touched. */
  isRebuild: boolean;
  /** Has something done once the batch has committed, such as waking who waits for its rows. Nothing is done after a rebuild's. */
  afterCommit: (then: () => void) => void;
}

/** An {@link AnyProjectionBatch} of one of some topics: which one says what its events are. */
export type ProjectionBatch<T extends Topic> = { [One in T]: AnyProjectionBatch & { topic: One; events: readonly EventOf<One>[] } }[T];

/** What a projection is made of. */
export interface ProjectionSlice<T extends string = string> {
  topics: readonly T[];
  /** `steady` where nobody waits for it: at once unless told. */
  pace?: Pace;
  /** The tables that hold the projection and nothing else: a rebuild replaces them. */
  tables: string[];
  /** SQL that answers `key, sequence` for the keys `$1`, where a table keeps the last sequence of each call. */
  sequences?: string;
  /** SQL run in a rebuild now and then, so that its shadow does not keep what the service would long have purged. */
  prune?: readonly string[];
  /** SQL run just before the shadow takes the tables' place, to act on what differs. `shadow` is the schema of the new tables. */
  beforeSwap?: (shadow: string) => readonly string[];
}

export interface ProjectionOptions extends ProjectionSlice {
  name: string;
  /** Folds events in, dropping what is not newer than what the tables hold. */
  apply: (batch: AnyProjectionBatch) => Promise<void>;
}

/** A reading made of events, which may be dropped and rebuilt at any time. See rebuild.ts. */
export class Projection {
  constructor(
    readonly database: Database,
    readonly options: ProjectionOptions,
  ) {}

  /** Applies one batch from the log. @throws InfrastructureError in the moment in which a rebuilt one takes its place. */
  async applyLive(batch: EventBatch): Promise<void> {
    const then: (() => void)[] = [];
    await this.database.transaction(async (tx) => {
      const own = new BatchTransaction({ tx, last: tx.last, first: () => this.#keepOutRebuild(tx) });
      const alone: AskAlone = (text, values) => tx.alone(text, [this.#lockName, ...values]);
      await this.#apply({ ...batch, alone, isRebuild: false, afterCommit: (one) => then.push(one) }, own);
    });
    for (const one of then) one();
  }

  /** Folds events of the past into the shadow, in a transaction that sees it. */
  async applyAgain(batch: EventBatch, tx: Sql): Promise<void> {
    const own = new BatchTransaction({ tx, last: (text, values) => tx.query(text, values) });
    await this.#apply({ ...batch, isRebuild: true, afterCommit: () => undefined }, own);
  }

  async #apply(batch: Omit<AnyProjectionBatch, 'tx' | 'ahead' | 'last'>, tx: BatchTransaction): Promise<void> {
    try {
      await this.options.apply({ ...batch, tx, ahead: tx.ahead, last: tx.last });
    } finally {
      // What failed ahead is the cause of whatever failed after it, and nothing of the transaction stays.
      await tx.answered();
    }
  }

  /**
   * Keeps a rebuild from putting its shadow in place until the transaction ends. A lock that is not to be had is an error of the
   * statement, so that those sent behind it do nothing.
   */
  async #keepOutRebuild(tx: Sql): Promise<void> {
    try {
      await tx.query('SELECT 1 / pg_try_advisory_xact_lock_shared(hashtext($1))::int', [this.#lockName]);
    } catch (error) {
      if (!(error instanceof Error && 'code' in error && error.code === divisionByZero)) throw error;
      throw new InfrastructureError(`${this.options.name} is being replaced by its rebuild`);
    }
  }

  /** Runs work in a transaction in which the projection's tables are those of the shadow. */
  async inShadow<T>(work: (tx: Sql) => Promise<T>): Promise<T> {
    return this.database.transaction(async (tx) => {
      await this.seeShadow(tx);
      return work(tx);
    });
  }

  /** Lets a transaction's names mean the shadow's tables first. */
  async seeShadow(tx: Sql): Promise<void> {
    const { schema } = this.database;
    await tx.query("SELECT set_config('search_path', $1, true)", [`${shadowOf(schema)}, ${schema}`]);
  }

  /** Lets a transaction's names mean the service's own tables again. */
  async seeService(tx: Sql): Promise<void> {
    await tx.query("SELECT set_config('search_path', $1, true)", [this.database.schema]);
  }

  /** Keeps live batches out until the transaction ends; waits 2 s for those in hand. */
  async keepOutLive(tx: Sql): Promise<void> {
    await tx.query("SET LOCAL lock_timeout = '2s'");
    await tx.query('SELECT pg_advisory_xact_lock(hashtext($1))', [this.#lockName]);
  }

  /** @returns the last sequences its tables hold of some keys; those without any are left out. */
  async sequencesOf(sql: Sql, keys: string[]): Promise<Map<string, number>> {
    if (!this.options.sequences) return new Map();
    const { rows } = await sql.query<{ key: string; sequence: number }>(this.options.sequences, [keys]);
    return new Map(rows.map(({ key, sequence }) => [key, Number(sequence)]));
  }

  get #lockName(): string {
    return `projection ${this.database.schema}.${this.options.name}`;
  }
}
