import { type AppId, type AuditAct, type AuditEntry, enveloped, type Subject } from '@communication-center/contracts';
import { type Sql, writeOutbox } from '@communication-center/event-log';
import { actorOf, currentTraceparent } from '@communication-center/service';
import { v7 as uuidv7 } from 'uuid';

/** Puts an act on record, in the transaction that does it: what is not on record was not done. */
export type Note = (tx: Sql) => Promise<void>;

/** @param target what was acted on, such as a key's id; never a secret, and no personal data but an alias. */
export function noteOf(subject: Subject, appId: AppId, act: AuditAct, target: string): Note {
  return (tx) => putOnRecord(tx, appId, { actor: actorOf(subject), act, target });
}

/** Whose entries are of no app but of the Center as a whole: no app can be called so. */
export const theCenter = '*' as AppId;

/**
 * Writes an entry, and tells the log of it, which tells endpoints. The relay finds it by itself: nobody waits for it. Of the Center as a
 * whole no endpoint is told, since each is an app's.
 * @param entryId of an entry that may be told again, which then changes nothing.
 */
export async function putOnRecord(tx: Sql, appId: AppId, noted: Omit<AuditEntry, 'entryId' | 'at'>, entryId = uuidv7()): Promise<void> {
  const { actor, act, target } = noted;
  const { rows } = await tx.query<{ at: Date }>(
    `INSERT INTO audit (entry_id, app_id, actor, act, target) VALUES ($1, $2, $3, $4, $5) ON CONFLICT (entry_id) DO NOTHING RETURNING at`,
    [entryId, appId, actor, act, target],
  );
  const at = rows[0]?.at;
  if (!at || appId === theCenter) return;
  const origin = { id: uuidv7(), source: '/directory', at, subject: entryId, appId, sequence: 1 };
  const event = enveloped({ type: 'audit.noted' as const, data: { entryId, ...noted } }, { ...origin, traceparent: currentTraceparent() });
  await writeOutbox(tx, [{ topic: 'audit.events', key: entryId, event }]);
}

const toEntry = ({ entry_id, at, actor, act, target }: AuditRow): AuditEntry => ({
  entryId: entry_id,
  at: at.toISOString(),
  actor,
  act,
  target,
});

interface AuditRow {
  entry_id: string;
  at: Date;
  actor: string;
  act: AuditAct;
  target: string;
}

/** @returns the entries of an app whose ids are greater, in their order. */
export async function auditAfter(sql: Sql, appId: AppId, after: string, limit: number): Promise<AuditEntry[]> {
  const { rows } = await sql.query<AuditRow>('SELECT * FROM audit WHERE app_id = $1 AND entry_id > $2 ORDER BY entry_id LIMIT $3', [
    appId,
    after,
    limit,
  ]);
  return rows.map(toEntry);
}

/** @returns an app's entries, newest first. @param before the last entry of the page before. */
export async function auditOf(sql: Sql, appId: AppId, before: string | null, limit: number): Promise<AuditEntry[]> {
  const { rows } = await sql.query<AuditRow>(
    'SELECT * FROM audit WHERE app_id = $1 AND ($2::uuid IS NULL OR entry_id < $2) ORDER BY entry_id DESC LIMIT $3',
    [appId, before, limit],
  );
  return rows.map(toEntry);
}
