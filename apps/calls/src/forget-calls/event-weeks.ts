/*
 * The events of calls lie in a partition for each week in which calls were dialed. A week that is over goes as a whole, which
 * costs the same however many events it has.
 */
import type { Database, Sql } from '@communication-center/event-log';
import { firstIdAt, tableOfWeek, timeOfId, weekMs } from './weeks.js';

/** A partition of `events`, with the ids of its calls: from one, and up to but without the other. */
export interface EventWeek {
  table: string;
  from: string;
  to: string;
}

/** The partition of calls whose week has none: nothing is lost, but it never goes as a whole. */
const rest = 'events_rest';
/** What a partition is called once it is out: others that somebody takes out by hand, to keep them elsewhere, are his. */
const gone = 'events_gone_';
/** How long commands may queue behind a change of partitions that waits for its lock, in milliseconds. */
const lockMs = 200;
const noId = '00000000-0000-0000-0000-000000000000';

/** @returns the weeks that have a partition, oldest first. What lay in the table before it had any counts as one. */
export async function eventWeeks(sql: Sql): Promise<EventWeek[]> {
  const { rows } = await sql.query<EventWeek>(
    `SELECT relname AS table, coalesce(substring(bounds FROM 'FROM \\(''([^'']+)'''), '${noId}') AS from, substring(bounds FROM 'TO \\(''([^'']+)''') AS to
     FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid, pg_get_expr(relpartbound, pg_class.oid) AS bounds
     WHERE inhparent = 'events'::regclass AND relname <> '${rest}' ORDER BY 3`,
  );
  return rows;
}

/** Whether there are events whose week has no partition. */
export async function hasEventsWithoutWeek(sql: Sql): Promise<boolean> {
  const { rows } = await sql.query<{ has: boolean }>(`SELECT EXISTS (SELECT FROM ${rest}) AS has`);
  return rows[0]?.has ?? false;
}

/**
 * Makes the partitions that lack from the last one on until a time, without a gap: replicas take turns, and who finds another at
 * it leaves the rest to him. What came before its week had a partition moves into it.
 */
export async function makeWeeks(database: Database, until: number): Promise<void> {
  while (await makeNextWeek(database, until));
}

/** @returns whether it was made, and there may be more to make. */
async function makeNextWeek(database: Database, until: number): Promise<boolean> {
  let made = false;
  await inTurn(database, async (tx) => {
    const last = (await eventWeeks(tx)).at(-1);
    if (!last) throw new Error('events has no partition to go on from');
    const start = timeOfId(last.to);
    if (start >= until) return;
    const [table, from, to] = [tableOfWeek(start), last.to, firstIdAt(start + weekMs)];
    await tx.query(`CREATE TABLE ${table} (LIKE events INCLUDING ALL, UNIQUE (event_id))`);
    await tx.query(
      `WITH moved AS (DELETE FROM ${rest} WHERE call_id >= $1 AND call_id < $2 RETURNING *) INSERT INTO ${table} SELECT * FROM moved`,
      [from, to],
    );
    // Appends and reads of other weeks go on: only whoever reads the rest waits.
    await tx.query(`ALTER TABLE events ATTACH PARTITION ${table} FOR VALUES FROM ('${from}') TO ('${to}')`);
    made = true;
  });
  return made;
}

/**
 * Drops the partitions of calls that are all gone. Left alone is a week of which a call is still there, as one that has not ended
 * is, or of which an event waits for the log, or might have to be sent to it again.
 * @param keptFrom the least id of calls that are kept.
 * @returns what was dropped.
 */
export async function dropWeeks(database: Database, keptFrom: string): Promise<string[]> {
  const over = (await eventWeeks(database)).filter(({ to }) => to <= keptFrom);
  for (const week of over) if (!(await isNeeded(database, week))) await detach(database, week);
  return dropDetached(database);
}

async function isNeeded(sql: Sql, { from, to }: EventWeek): Promise<boolean> {
  const ofWeek = 'call_id >= $1::uuid AND call_id < $2::uuid';
  // Keys are ids as text, whose order by bytes is that of the ids.
  const keyOfWeek = `topic = 'calls.events' AND key COLLATE "C" >= $1::text AND key COLLATE "C" < $2::text`;
  const { rows } = await sql.query<{ needed: boolean }>(
    `SELECT EXISTS (SELECT FROM calls WHERE ${ofWeek}) OR EXISTS (SELECT FROM call_history WHERE ${ofWeek})
         OR EXISTS (SELECT FROM outbox WHERE ${keyOfWeek}) OR EXISTS (SELECT FROM sent WHERE ${keyOfWeek}) AS needed`,
    [from, to],
  );
  return rows[0]?.needed ?? true;
}

/** Takes a week out of `events`, in some milliseconds: the files go later, when nobody can wait for them. */
async function detach(database: Database, { table, from, to }: EventWeek): Promise<void> {
  await inTurn(database, async (tx) => {
    const { rows } = await tx.query<{ isThere: boolean }>(
      `SELECT EXISTS (SELECT FROM pg_inherits WHERE inhrelid = to_regclass($1) AND inhparent = 'events'::regclass) AS "isThere"`,
      [table],
    );
    if (!rows[0]?.isThere) return;
    await tx.query(`ALTER TABLE events DETACH PARTITION ${table}`);
    // Nobody can append now. A call that came after the question, by a replica whose clock stands in the past, keeps its week.
    const { rows: calls } = await tx.query('SELECT FROM calls WHERE call_id >= $1 AND call_id < $2 LIMIT 1', [from, to]);
    if (calls.length > 0) throw new Error(`${table} is kept: a call of its week was dialed just now`);
    await tx.query(`ALTER TABLE ${table} RENAME TO ${table.replace('events_', gone)}`);
  });
}

/** Drops what was detached, now or before a process died. */
async function dropDetached(database: Database): Promise<string[]> {
  const { rows } = await database.query<{ table: string }>(
    `SELECT relname AS table FROM pg_class WHERE relnamespace = current_schema()::regnamespace AND relkind = 'r' AND starts_with(relname, $1)`,
    [gone],
  );
  const dropped: string[] = [];
  for (const { table } of rows) {
    await inTurn(database, async (tx) => {
      await tx.query(`DROP TABLE IF EXISTS ${table}`);
      dropped.push(table);
    });
  }
  return dropped;
}

/** Runs work in a transaction, unless another replica is at it: then nothing is done. Locks are waited for a moment only. */
async function inTurn(database: Database, work: (tx: Sql) => Promise<void>): Promise<void> {
  await database.transaction(async (tx) => {
    const { rows } = await tx.query<{ mine: boolean }>(
      `SELECT pg_try_advisory_xact_lock(hashtext(current_schema() || '.event-weeks')) AS mine, set_config('lock_timeout', '${lockMs}ms', true)`,
    );
    if (rows[0]?.mine) await work(tx);
  });
}
