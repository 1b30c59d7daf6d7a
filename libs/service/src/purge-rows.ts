import type { Sql } from '@communication-center/event-log';
import type { BeforeApplicationShutdown, FactoryProvider, OnApplicationBootstrap } from '@nestjs/common';
import { Counter, Gauge } from 'prom-client';
import { Postgres } from './database/postgres.js';
import { DueRows } from './due-rows.js';
import { Report, type ReportError } from './service.module.js';
import { Settings } from './settings.js';

/** What a service keeps only for a while. */
export interface Purge {
  table: string;
  /** The column that tells a row's age. An index leads with it, or every look would read the whole table. */
  by: string;
  keepSeconds: number;
  /** Which rows may go at all, in the words of the partial index on `by`, such as `state <> 'pending'`. */
  only?: string;
}

/** What a service keeps only for a while, where its age is not that of one column. */
export interface OwnPurge {
  table: string;
  /** Rows of the table the statement deletes at most. */
  most: number;
  /** Deletes the oldest rows that are over, by an index, where `turn` is true: SQL that says whether no other replica is at it. */
  statement: (turn: string) => string;
}

/** Rows a statement deletes at most: some tens of milliseconds of work. */
export const purgeBatch = 5000;
/** While there is something to delete; four times as long where there was nothing. */
const [everyMs, quietMs] = [15_000, 60_000];
const budgetMs = 5000;

const purged = new Counter({ name: 'purged_rows_total', help: 'Rows that were deleted because of their age', labelNames: ['table'] });
const behind = new Gauge({ name: 'purge_behind', help: '1 where the last purge left rows that are over', labelNames: ['table'] });

/**
 * Deletes the oldest rows that are over, by the index on their age, unless another replica is at it in this table.
 * Rows somebody is changing are passed over.
 */
export function purgeStatement({ table, by, keepSeconds, only }: Purge): string {
  const over = `${by} < now() - make_interval(secs => ${keepSeconds})${only ? ` AND ${only}` : ''}`;
  return `WITH turn AS MATERIALIZED (SELECT ${turnAt(table)} AS mine)
    DELETE FROM ${table} WHERE ctid = ANY(ARRAY(
      SELECT ctid FROM ${table} WHERE ${over} AND (SELECT mine FROM turn) ORDER BY ${by} LIMIT ${purgeBatch} FOR UPDATE SKIP LOCKED))`;
}

/** In SQL: whether no other replica purges a table; none begins to until the transaction has ended. */
const turnAt = (table: string) => `pg_try_advisory_xact_lock(hashtext(current_schema() || '.purge.${table}'))`;

interface PurgeRound {
  database: Sql;
  purges: readonly (Purge | OwnPurge)[];
  report: ReportError;
  /** Asked before each batch. */
  goOn: () => boolean;
}

/**
 * Purges tables in turn, a batch each, until nothing is left or it may not go on: neither a table with a long backlog nor
 * one that fails keeps the others waiting.
 * @returns how many rows were deleted, and the tables that have rows left to purge.
 */
export async function purgeOnce({ database, purges, report, goOn }: PurgeRound): Promise<{ gone: number; left: Set<string> }> {
  let waiting = [...purges];
  let all = 0;
  while (waiting.length > 0) {
    const again: (Purge | OwnPurge)[] = [];
    for (const purge of waiting) {
      if (!goOn()) return { gone: all, left: new Set(waiting.map(({ table }) => table)) };
      const gone = await purgeBatchOf(database, purge, report);
      all += gone;
      purged.inc({ table: purge.table }, gone);
      if (gone === mostOf(purge)) again.push(purge);
    }
    waiting = again;
  }
  return { gone: all, left: new Set() };
}

const mostOf = (purge: Purge | OwnPurge) => ('most' in purge ? purge.most : purgeBatch);

async function purgeBatchOf(database: Sql, purge: Purge | OwnPurge, report: ReportError): Promise<number> {
  const statement = 'most' in purge ? purge.statement(turnAt(purge.table)) : purgeStatement(purge);
  try {
    return (await database.query(statement)).rowCount ?? 0;
  } catch (error) {
    report(error, `purging ${purge.table}`);
    return 0;
  }
}

/** Forgets, once a minute or a few times, what a service keeps only for a while. */
class PurgeRows implements OnApplicationBootstrap, BeforeApplicationShutdown {
  readonly #loop: DueRows;
  #stopping = false;

  constructor(
    private readonly database: Sql,
    private readonly report: ReportError,
    private readonly purges: readonly (Purge | OwnPurge)[],
  ) {
    this.#loop = new DueRows({ name: 'purging old rows', work: () => this.#purge(), onError: report, maxPauseMs: quietMs });
  }

  onApplicationBootstrap(): void {
    this.#loop.start();
  }

  async beforeApplicationShutdown(): Promise<void> {
    this.#stopping = true;
    await this.#loop.stop();
  }

  /** @returns milliseconds until the next purge; null where the longest pause will do. */
  async #purge(): Promise<number | null> {
    const until = Date.now() + budgetMs;
    const { database, purges, report } = this;
    const { gone, left } = await purgeOnce({ database, purges, report, goOn: () => !this.#stopping && Date.now() < until });
    for (const { table } of purges) behind.set({ table }, left.has(table) ? 1 : 0);
    return gone > 0 ? everyMs : null;
  }
}

/**
 * Makes the provider that purges a service's tables.
 * @param purges what is kept for how long, as the service's settings say.
 */
export function purgeRows<S>(purges: (settings: S) => readonly (Purge | OwnPurge)[]): FactoryProvider<PurgeRows> {
  return {
    provide: PurgeRows,
    inject: [Postgres, Report, Settings],
    useFactory: (database: Postgres, report: ReportError, settings: S) => new PurgeRows(database.background, report, purges(settings)),
  };
}
