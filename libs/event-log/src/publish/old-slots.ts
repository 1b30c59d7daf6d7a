import type { Database, Sql } from '../database.js';
import { sentSlotSeconds, sentSlots } from './outbox-tables.js';

/**
 * Empties, whole, the slots of `sent` whose rows are all older than they are kept for, and compared with the log as far as
 * anybody does that. It waits for nobody: a slot that somebody reads is emptied the next time.
 */
export async function emptyOldSlots(database: Database, keepMs: number): Promise<void> {
  for (let slot = 0; slot < sentSlots; slot += 1) {
    await database
      .transaction((tx) => emptyIfOld(tx, slot, keepMs))
      .catch((error: unknown) => {
        if (!isTaken(error)) throw error;
      });
  }
}

async function emptyIfOld(tx: Sql, slot: number, keepMs: number): Promise<void> {
  const { rows } = await tx.query<{ over: boolean }>(
    `SELECT NOT EXISTS (SELECT 1 FROM sent_${slot} WHERE sent_at > clock_timestamp() - make_interval(secs => $1))
       AND EXISTS (SELECT 1 FROM sent_${slot})
       AND NOT EXISTS (SELECT 1 FROM sent_${slot}, reconciled_until WHERE sent_at > until)
       AND extract(epoch FROM clock_timestamp())::bigint / ${sentSlotSeconds} % ${sentSlots} <> ${slot} AS over`,
    [keepMs / 1000],
  );
  if (!rows[0]?.over) return;
  await tx.query("SET LOCAL lock_timeout = '200ms'");
  await tx.query(`TRUNCATE sent_${slot}`);
}

/** Whether a lock was not had in time. */
function isTaken(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === '55P03';
}
