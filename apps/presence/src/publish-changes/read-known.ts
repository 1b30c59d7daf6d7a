import { type AppId, callStateSchema, type UserAlias } from '@communication-center/contracts';
import type { Sql } from '@communication-center/event-log';
import type { Known, OpenSession, SeenDevice } from '../domain/presence-of.js';

export interface Person {
  appId: AppId;
  userAlias: UserAlias;
}

interface KnownRow {
  app_id: AppId;
  user_alias: UserAlias;
  at: Date;
  known: boolean | null;
  do_not_disturb: boolean | null;
  sessions: OpenSession[] | null;
  seen: SeenDevice[] | null;
  calls: unknown[] | null;
}

/** More than anybody has: what one user may have is bounded, so that nobody's presence outgrows an event. */
const [openAtMost, callsAtMost] = [100, 100];

const iso = (column: string) => `to_char(${column} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"')`;

/**
 * Reads all that is known of some people, in one statement, so that all of it is of one moment.
 * @returns for each: what is known, or null for somebody who was deleted, or never existed; and when that was read, by the database's clock.
 */
export async function readKnown(sql: Sql, people: readonly Person[]): Promise<(Person & { known: Known | null; at: Date })[]> {
  const { rows } = await sql.query<KnownRow>(
    `SELECT p.app_id, p.user_alias, clock_timestamp() AS at, NOT k.deleted AS known, k.do_not_disturb,
            (SELECT json_agg(json_build_object('deviceId', device_id, 'platform', platform, 'away', away, 'openedAt', ${iso('opened_at')})
                             ORDER BY opened_at, session_id)
             FROM (SELECT * FROM device_sessions AS s WHERE s.app_id = p.app_id AND s.user_alias = p.user_alias AND s.closed_at IS NULL
                   ORDER BY opened_at DESC, session_id LIMIT ${openAtMost}) AS latest) AS sessions,
            (SELECT json_agg(json_build_object('deviceId', device_id, 'platform', platform, 'lastSeenAt', ${iso('last_seen_at')})
                             ORDER BY last_seen_at DESC, device_id)
             FROM (SELECT * FROM seen_devices AS d WHERE d.app_id = p.app_id AND d.user_alias = p.user_alias
                   ORDER BY last_seen_at DESC, device_id LIMIT 20) AS latest) AS seen,
            (SELECT json_agg(call ORDER BY call_id)
             FROM (SELECT call_id, call FROM current_calls AS c
                   WHERE parties(c.app_id, c.participants) @> ARRAY[p.app_id || '/' || p.user_alias] AND NOT c.ended
                   LIMIT ${callsAtMost}) AS now) AS calls
     FROM unnest($1::text[], $2::text[]) AS p(app_id, user_alias)
     LEFT JOIN known_users AS k ON k.app_id = p.app_id AND k.user_alias = p.user_alias`,
    [people.map(({ appId }) => appId), people.map(({ userAlias }) => userAlias)],
  );
  return rows.map((row) => ({ appId: row.app_id, userAlias: row.user_alias, at: row.at, known: toKnown(row) }));
}

function toKnown(row: KnownRow): Known | null {
  // A session proves that somebody exists, even where the directory's word has not come yet; a deletion ends them.
  if (row.known === false || (row.known === null && !row.sessions && !row.calls)) return null;
  return {
    userAlias: row.user_alias,
    doNotDisturb: row.do_not_disturb ?? false,
    sessions: row.sessions ?? [],
    seen: row.seen ?? [],
    calls: (row.calls ?? []).map((call) => callStateSchema.parse(call)),
  };
}
