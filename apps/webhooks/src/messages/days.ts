/*
 * Tables by day: a day that is over goes as a whole, which costs the same however much there was of it.
 */
import type { Database, Sql } from '@communication-center/event-log';

const dayMs = 86_400_000;
/** How long others may queue behind a change of partitions that waits for its lock, in milliseconds. */
const lockMs = 200;

/** A table that has a partition for each day, by one of its columns, and `…_rest` for what is of no such day. */
export interface DayTable {
  table: string;
  by: string;
  keepDays: number;
  /** Notes what goes with a day, in the transaction in which it goes. */
  onGone?: (tx: Sql, partition: string) => Promise<void>;
}

interface Day {
  partition: string;
  /** Milliseconds since 1970. */
  from: number;
}

const dayOf = (at: number) => Math.floor(at / dayMs) * dayMs;
const isoOf = (at: number) => new Date(at).toISOString();
const suffixOf = (at: number) => isoOf(at).slice(0, 10).replaceAll('-', '');

/** @returns the days that have a partition, oldest first. */
export async function daysOf(sql: Sql, table: string): Promise<Day[]> {
  const { rows } = await sql.query<{ name: string }>(
    `SELECT relname AS name FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid WHERE inhparent = to_regclass($1) AND relname ~ '_\\d{8}$' ORDER BY 1`,
    [table],
  );
  return rows.map(({ name }) => ({ partition: name, from: Date.parse(name.slice(-8).replace(/(....)(..)(..)/, '$1-$2-$3T00:00:00Z')) }));
}

/**
 * Makes the partitions that lack from yesterday to some days ahead. What came before its day had one moves into it. Replicas take
 * turns: who finds another at it leaves it to him.
 */
export async function makeDays(database: Database, { table, by }: DayTable, now: number, ahead: number): Promise<void> {
  for (let from = dayOf(now) - dayMs; from <= dayOf(now) + ahead * dayMs; from += dayMs) {
    if ((await daysOf(database, table)).some((day) => day.from === from)) continue;
    const partition = `${table}_${suffixOf(from)}`;
    const bounds = [isoOf(from), isoOf(from + dayMs)];
    await inTurn(database, table, async (tx) => {
      await tx.query(`CREATE TABLE ${partition} (LIKE ${table} INCLUDING ALL)`);
      await tx.query(
        `WITH moved AS (DELETE FROM ${table}_rest WHERE ${by} >= $1 AND ${by} < $2 RETURNING *) INSERT INTO ${partition} SELECT * FROM moved`,
        bounds,
      );
      await tx.query(`ALTER TABLE ${table} ATTACH PARTITION ${partition} FOR VALUES FROM ('${bounds[0]}') TO ('${bounds[1]}')`);
    });
  }
}

/** Drops the days that are kept no longer. @returns their partitions. */
export async function dropDays(database: Database, { table, keepDays, onGone }: DayTable, now: number): Promise<string[]> {
  const over = (await daysOf(database, table)).filter(({ from }) => from + dayMs <= now - keepDays * dayMs);
  for (const { partition } of over) {
    await inTurn(database, table, async (tx) => {
      const isThere = (await daysOf(tx, table)).some((day) => day.partition === partition);
      if (!isThere) return;
      await onGone?.(tx, partition);
      await tx.query(`ALTER TABLE ${table} DETACH PARTITION ${partition}`);
      await tx.query(`ALTER TABLE ${partition} RENAME TO ${partition.replace(table, `${table}_gone`)}`);
    });
  }
  return dropDetached(database, table);
}

/** The files go when nobody can wait for them: of what was detached now, or before a process died. */
async function dropDetached(database: Database, table: string): Promise<string[]> {
  const { rows } = await database.query<{ name: string }>(
    `SELECT relname AS name FROM pg_class WHERE relnamespace = current_schema()::regnamespace AND relkind = 'r' AND starts_with(relname, $1)`,
    [`${table}_gone_`],
  );
  const dropped: string[] = [];
  for (const { name } of rows) {
    await inTurn(database, table, async (tx) => {
      await tx.query(`DROP TABLE IF EXISTS ${name}`);
      dropped.push(name);
    });
  }
  return dropped;
}

/** Runs work in a transaction, unless another replica is at it: then nothing is done. Locks are waited for a moment only. */
async function inTurn(database: Database, table: string, work: (tx: Sql) => Promise<void>): Promise<void> {
  await database.transaction(async (tx) => {
    const { rows } = await tx.query<{ mine: boolean }>(
      `SELECT pg_try_advisory_xact_lock(hashtext(current_schema() || '.days.' || $1)) AS mine, set_config('lock_timeout', '${lockMs}ms', true)`,
      [table],
    );
    if (rows[0]?.mine) await work(tx);
  });
}
