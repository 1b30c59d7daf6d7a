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

/** Forgets where users who were deleted were pushed to. Who was made anew since, and has registered, stays. */
export async function forgetDevices(tx: Sql, gone: readonly Gone[]): Promise<void> {
  if (gone.length === 0) return;
  await tx.query(
    `DELETE FROM push_registrations AS r USING json_to_recordset($1) AS gone("appId" text, "userAlias" text, at timestamptz)
     WHERE r.app_id = gone."appId" AND r.user_alias = gone."userAlias" AND (gone.at IS NULL OR r.registered_at <= gone.at)`,
    [JSON.stringify(gone)],
  );
}
