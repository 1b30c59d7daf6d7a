import type { DirectoryEvent, UserAlias } from '@communication-center/contracts';
import type { Sql } from '@communication-center/event-log';

/** Somebody who is no more. */
export interface Gone {
  appId: string;
  userAlias: UserAlias;
  /** When, where the log still says so. */
  at: string | null;
}

export const deletedIn = (events: readonly DirectoryEvent[]): Gone[] =>
  events.flatMap((event) =>
    event.type === 'user.deleted' ? [{ appId: event.appid, userAlias: event.data.userAlias, at: event.time }] : [],
  );

/** Forgets where users who were deleted were pushed to, which numbers they had, and what they wished. Who was made anew since, and has registered or wished, stays. */
export async function forgetUsers(tx: Sql, gone: readonly Gone[]): Promise<void> {
  if (gone.length === 0) return;
  await tx.query(
    `WITH gone AS (SELECT * FROM json_to_recordset($1) AS one("appId" text, "userAlias" text, at timestamptz)),
     wishes AS (
       DELETE FROM preferences AS p USING gone
       WHERE p.app_id = gone."appId" AND p.user_alias = gone."userAlias" AND (gone.at IS NULL OR p.saved_at <= gone.at)),
     numbers AS (
       UPDATE sent_notifications AS s SET number_digest = NULL FROM gone
       WHERE s.app_id = gone."appId" AND s.user_alias = gone."userAlias" AND s.number_digest IS NOT NULL AND (gone.at IS NULL OR s.ended_at <= gone.at))
     DELETE FROM push_registrations AS r USING gone
     WHERE r.app_id = gone."appId" AND r.user_alias = gone."userAlias" AND (gone.at IS NULL OR r.registered_at <= gone.at)`,
    [JSON.stringify(gone)],
  );
}
