import type { AnyEvent, EventOf, Topic } from '@communication-center/contracts';
import type { Database, Sql } from '../database.js';
import { InfrastructureError } from '../failures.js';
import type { EventBatch } from './message-handler.js';
import type { Pace } from './pace.js';
import type { Tombstone } from './read-messages.js';
import { shadowOf } from './tables.js';

/** Events to fold into a projection's tables, inside the transaction that also guards against a rebuild. */
export interface AnyProjectionBatch {
  topic: string;
  events: readonly AnyEvent[];
  /** Keys that ended among these events. */
  tombstones: readonly Tombstone[];
  tx: Sql;
  /** Runs the batch's last statement: one that is alone in its transaction is committed with it, in one round trip. */
  last: Sql['query'];
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
  async applyLive({ topic, events, tombstones }: EventBatch): Promise<void> {
    const then: (() => void)[] = [];
    await this.database.transaction(async (tx) => {
      const { rows } = await tx.query<{ had: boolean }>('SELECT pg_try_advisory_xact_lock_shared(hashtext($1)) AS had', [this.#lockName]);
      if (!rows[0]?.had) throw new InfrastructureError(`${this.options.name} is being replaced by its rebuild`);
      await this.options.apply({ topic, events, tombstones, tx, last: tx.last, isRebuild: false, afterCommit: (one) => then.push(one) });
    });
    for (const one of then) one();
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
