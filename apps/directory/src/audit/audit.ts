import type { AppId, AuditAct, AuditEntry, Subject } from '@communication-center/contracts';
import type { Sql } from '@communication-center/event-log';
import { actorOf } from '@communication-center/service';
import { v7 as uuidv7 } from 'uuid';

/** Puts an act on record, in the transaction that does it: what is not on record was not done. */
export type Note = (tx: Sql) => Promise<void>;

/** @param target what was acted on, such as a key's id; never a secret, and no personal data but an alias. */
export function noteOf(subject: Subject, appId: AppId, act: AuditAct, target: string): Note {
  return async (tx) => {
    await tx.query('INSERT INTO audit (entry_id, app_id, actor, act, target) VALUES ($1, $2, $3, $4, $5)', [
      uuidv7(),
      appId,
      actorOf(subject),
      act,
      target,
    ]);
  };
}

interface AuditRow {
  entry_id: string;
  at: Date;
  actor: string;
  act: AuditAct;
  target: string;
}

/** @returns an app's entries, newest first. @param before the last entry of the page before. */
export async function auditOf(sql: Sql, appId: AppId, before: string | null, limit: number): Promise<AuditEntry[]> {
  const { rows } = await sql.query<AuditRow>(
    'SELECT * FROM audit WHERE app_id = $1 AND ($2::uuid IS NULL OR entry_id < $2) ORDER BY entry_id DESC LIMIT $3',
    [appId, before, limit],
  );
  return rows.map(({ entry_id, at, actor, act, target }) => ({ entryId: entry_id, at: at.toISOString(), actor, act, target }));
}
