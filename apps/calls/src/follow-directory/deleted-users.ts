import type { AppId, UserAlias } from '@communication-center/contracts';
import type { Sql } from '@communication-center/event-log';

export interface Person {
  appId: AppId;
  userAlias: UserAlias;
}

const columnsOf = (people: readonly Person[]) => [people.map(({ appId }) => appId), people.map(({ userAlias }) => userAlias)];

/**
 * Holds the lines of people who are deleted, before that is written down: a dial that holds one has committed its ring then, and
 * one that comes later finds that there is nobody. In the order of commands, so that the two never wait for each other.
 */
export async function lockLines(tx: Sql, people: readonly Person[]): Promise<void> {
  if (people.length === 0) return;
  await tx.query(
    `SELECT FROM unnest($1::text[], $2::text[]) AS gone(app_id, user_alias) JOIN lines USING (app_id, user_alias)
     ORDER BY lines.app_id COLLATE "C", lines.user_alias COLLATE "C" FOR UPDATE OF lines`,
    columnsOf(people),
  );
}

/** Has those of some people who are deleted now taken out of every call they are in, or that rings them. */
export async function takeOutDeleted(tx: Sql, people: readonly Person[]): Promise<void> {
  if (people.length === 0) return;
  await tx.query(
    `INSERT INTO deadlines (call_id, app_id, kind, user_alias, due_at)
     SELECT DISTINCT part.call_id, gone.app_id, 'deleted', gone.user_alias, clock_timestamp()
     FROM unnest($1::text[], $2::text[]) AS gone(app_id, user_alias)
     JOIN user_settings AS s ON s.app_id = gone.app_id AND s.user_alias = gone.user_alias AND s.deleted,
     LATERAL (SELECT active_call_id AS call_id FROM lines
              WHERE lines.app_id = gone.app_id AND lines.user_alias = gone.user_alias AND active_call_id IS NOT NULL
              UNION ALL SELECT call_id FROM rings WHERE rings.app_id = gone.app_id AND rings.user_alias = gone.user_alias) AS part
     ON CONFLICT DO NOTHING`,
    columnsOf(people),
  );
}
