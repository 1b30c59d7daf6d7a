import type { Database, Sql } from '../database.js';
import { sentSlotSeconds, sentSlots } from './outbox-tables.js';

/**
 * Empties, whole, the slots of `sent` whose rows are all older than they are kept for, and compared with the log as far as
 * anybody does that. It waits for nobody: a slot that somebody reads is emptied the next time.
 */
export async function emptyOldSlots(database: Database, keepMs: number): Promise<void> {
  for (const slot of await oldSlots(database, keepMs)) {
    await database
      .transaction((tx) => emptyIfOld(tx, slot, keepMs))
      .catch((error: unknown) => {
        if (!isTaken(error)) throw error;
      });
  }
}

/** In SQL: whether a slot can be emptied. */
const isOver = (slot: number) =>
  `NOT EXISTS (SELECT 1 FROM sent_${slot} WHERE sent_at > clock_timestamp() - make_interval(secs => $1))
   AND EXISTS (SELECT 1 FROM sent_${slot})
   AND NOT EXISTS (SELECT 1 FROM sent_${slot}, reconciled_until WHERE sent_at > until)
   AND extract(epoch FROM clock_timestamp())::bigint / ${sentSlotSeconds} % ${sentSlots} <> ${slot}`;

const whichAreOver = Array.from({ length: sentSlots }, (_, slot) => `SELECT ${slot} AS slot WHERE ${isOver(slot)}`).join(' UNION ALL ');

/** Looked for in one statement: as a rule there is none. */
async function oldSlots(sql: Sql, keepMs: number): Promise<number[]> {
  const { rows } = await sql.query<{ slot: number }>(whichAreOver, [keepMs / 1000]);
  return rows.map(({ slot }) => slot);
}

async function emptyIfOld(tx: Sql, slot: number, keepMs: number): Promise<void> {
  const { rows } = await tx.query(`SELECT WHERE ${isOver(slot)}`, [keepMs / 1000]);
  if (rows.length === 0) return;
  await tx.query("SET LOCAL lock_timeout = '200ms'");
  await tx.query(`TRUNCATE sent_${slot}`);
}

/** Whether a lock was not had in time. */
function isTaken(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === '55P03';
}
