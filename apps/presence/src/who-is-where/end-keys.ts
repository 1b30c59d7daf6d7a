import { type AnyEvent, type AppId, type DeviceId, type Platform, type UserAlias, userOfKey } from '@communication-center/contracts';
import type { Sql, Tombstone } from '@communication-center/event-log';
import type { Moved } from '../publish-changes/look-at.js';

/** Somebody who may be somewhere else now. */
export interface Changed extends Moved {
  /** Set where the change is a sign of life of a device. */
  seen?: { deviceId: DeviceId; platform: Platform; at: string };
}

interface PersonRow {
  app_id: AppId;
  user_alias: UserAlias;
}

/** Higher than any sequence: nothing is newer than the end of a session. */
const atTheEnd = 2_147_483_647;

/**
 * Ends the sessions and users whose keys ended in the log, where the event that said so is compacted away: as a rule it
 * is in `events`, and there is nothing to do.
 * @returns who may be somewhere else now.
 */
export async function endKeys(tx: Sql, tombstones: readonly Tombstone[], events: readonly AnyEvent[]): Promise<Changed[]> {
  const said = new Set(events.filter(({ type }) => type === 'session.closed' || type === 'user.deleted').map(({ subject }) => subject));
  const untold = tombstones.filter(({ key }) => !said.has(key));
  const sessions = untold.filter(({ topic }) => topic === 'sessions.events');
  const users = untold.filter(({ topic, isFollowed }) => topic === 'directory.events' && !isFollowed);
  const rows = [...(await endSessions(tx, sessions.map(keyOf))), ...(await endUsers(tx, users.map(keyOf)))];
  return rows.map(({ app_id, user_alias }) => ({ appId: app_id, userAlias: user_alias }));
}

const keyOf = ({ key }: Tombstone) => key;

/** A session that is not known is written down as ended, of nobody: a late event of it must not open it. */
async function endSessions(tx: Sql, sessionIds: readonly string[]): Promise<PersonRow[]> {
  if (sessionIds.length === 0) return [];
  const { rows } = await tx.query<PersonRow & { was_open: boolean }>(
    `WITH before AS (SELECT session_id FROM device_sessions WHERE session_id = ANY($1::uuid[]) AND closed_at IS NULL)
     INSERT INTO device_sessions AS s (session_id, app_id, user_alias, device_id, platform, sequence, closed_at)
     SELECT id, '', '', '', '', ${atTheEnd}, clock_timestamp() FROM unnest($1::uuid[]) AS ended(id) ORDER BY id
     ON CONFLICT (session_id) DO UPDATE SET sequence = excluded.sequence, closed_at = coalesce(s.closed_at, excluded.closed_at)
     RETURNING app_id, user_alias, session_id IN (SELECT session_id FROM before) AS was_open`,
    [sessionIds],
  );
  return rows.filter(({ was_open }) => was_open);
}

/** A user counts as one newer than what was known, so that only one who is made again comes back. */
async function endUsers(tx: Sql, keys: readonly string[]): Promise<PersonRow[]> {
  const users = keys.flatMap((key) => userOfKey(key) ?? []);
  if (users.length === 0) return [];
  const { rows } = await tx.query<PersonRow>(
    `INSERT INTO known_users AS k (app_id, user_alias, sequence, deleted)
     SELECT app_id, user_alias, 0, true FROM unnest($1::text[], $2::text[]) AS gone(app_id, user_alias) ORDER BY 1, 2
     ON CONFLICT (app_id, user_alias) DO UPDATE SET deleted = true, do_not_disturb = false, groups = '{}', sequence = k.sequence + 1 WHERE NOT k.deleted
     RETURNING app_id, user_alias`,
    [users.map(({ appId }) => appId), users.map(({ userAlias }) => userAlias)],
  );
  return rows;
}
