import type { Sql } from '@communication-center/event-log';
import { bucketOf } from '../domain/buckets.js';
import type { Moved, Person } from './look-at.js';

/** Where a round over the queues of all apps' buckets stands. */
export interface Round {
  appId: string;
  bucket: number;
}

export const firstRound: Round = { appId: '', bucket: -1 };

/** Marks people in the one order everybody uses. A mark that is being worked on is waited for, so that none is lost. */
export async function markToLookAt(tx: Sql, people: readonly Moved[]): Promise<void> {
  if (people.length === 0) return;
  await tx.query(
    `INSERT INTO people_to_look_at (app_id, user_alias, bucket, traceparent)
     SELECT DISTINCT ON (1, 2) app_id COLLATE "C", user_alias COLLATE "C", bucket, traceparent
     FROM unnest($1::text[], $2::text[], $3::smallint[], $4::text[]) AS marked(app_id, user_alias, bucket, traceparent) ORDER BY 1, 2
     ON CONFLICT (app_id, user_alias) DO UPDATE SET marks = people_to_look_at.marks + 1, traceparent = excluded.traceparent`,
    [
      people.map(({ appId }) => appId),
      people.map(({ userAlias }) => userAlias),
      people.map(({ userAlias }) => bucketOf(userAlias)),
      people.map(({ traceparent }) => traceparent ?? null),
    ],
  );
}

/** Whether anybody waits for a look who was not set aside. */
export async function isAnybodyMarked(sql: Sql): Promise<boolean> {
  // In the order of the index that holds nobody else.
  const { rows } = await sql.query('SELECT 1 FROM people_to_look_at WHERE tries = 0 ORDER BY app_id, bucket LIMIT 1');
  return rows.length > 0;
}

/**
 * Takes marks away; whoever would mark one of them again waits until this has committed. It goes round the queues, one for each
 * bucket of each app, and takes as many of each: an app with a crowd holds up nobody else's people.
 * @param queues how many queues are visited at most. @param limit how many people are taken at most, of them all.
 */
export async function takeMarked(tx: Sql, after: Round, queues: number, limit: number): Promise<{ people: Moved[]; next: Round }> {
  const { rows } = await tx.query<{ people: Moved[] | null; visited: string; app_id: string; bucket: number }>(
    `WITH RECURSIVE queue AS (
       (SELECT app_id, bucket, 1 AS number FROM people_to_look_at
        WHERE tries = 0 AND (app_id, bucket) > ($1::text, $2::smallint) ORDER BY app_id, bucket LIMIT 1)
       UNION ALL
       SELECT next.app_id, next.bucket, queue.number + 1 FROM queue, LATERAL (
         SELECT app_id, bucket FROM people_to_look_at
         WHERE tries = 0 AND (app_id, bucket) > (queue.app_id, queue.bucket) ORDER BY app_id, bucket LIMIT 1
       ) AS next WHERE queue.number < $3
     ), taken AS (
       SELECT mine.app_id, mine.user_alias FROM queue, LATERAL (
         SELECT app_id, user_alias FROM people_to_look_at WHERE tries = 0 AND app_id = queue.app_id AND bucket = queue.bucket
         ORDER BY marked_at LIMIT (SELECT greatest(1, $4::int / count(*)) FROM queue) FOR UPDATE SKIP LOCKED
       ) AS mine
     ), gone AS (
       DELETE FROM people_to_look_at AS mark USING taken WHERE mark.app_id = taken.app_id AND mark.user_alias = taken.user_alias
       RETURNING mark.app_id, mark.user_alias, mark.traceparent
     )
     SELECT (SELECT json_agg(json_build_object('appId', app_id, 'userAlias', user_alias, 'traceparent', traceparent)) FROM gone) AS people,
            count(*) AS visited, (array_agg(app_id ORDER BY number DESC))[1] AS app_id, (array_agg(bucket ORDER BY number DESC))[1] AS bucket
     FROM queue`,
    [after.appId, after.bucket, queues, limit],
  );
  const row = rows[0];
  const isMore = row && Number(row.visited) === queues;
  return { people: row?.people ?? [], next: isMore ? { appId: row.app_id, bucket: row.bucket } : firstRound };
}

/** Takes one person's mark away. @returns whom it marked; nobody where it is gone, or somebody else is at it. */
export async function takeMarkOf(tx: Sql, { appId, userAlias }: Person): Promise<Moved[]> {
  const { rows } = await tx.query<Moved>(
    `DELETE FROM people_to_look_at WHERE (app_id, user_alias) IN (
       SELECT app_id, user_alias FROM people_to_look_at WHERE app_id = $1 AND user_alias = $2 FOR UPDATE SKIP LOCKED)
     RETURNING app_id AS "appId", user_alias AS "userAlias", traceparent`,
    [appId, userAlias],
  );
  return rows;
}

/** Lets a person wait who cannot be published, longer each time, five minutes at most. The row says why. */
export async function setAside(sql: Sql, { appId, userAlias }: Person, error: unknown): Promise<void> {
  const reason = String(error).replaceAll('\0', '').slice(0, 2000);
  await sql.query(
    `UPDATE people_to_look_at SET tries = tries + 1, try_at = now() + make_interval(secs => least(300, 5 * 2 ^ least(tries, 6))), last_error = $3
     WHERE app_id = $1 AND user_alias = $2`,
    [appId, userAlias, reason],
  );
}

/** @returns some of those who were set aside and are due again. */
export async function dueAgain(sql: Sql, limit: number): Promise<Person[]> {
  const { rows } = await sql.query<Person>(
    `SELECT app_id AS "appId", user_alias AS "userAlias" FROM people_to_look_at WHERE tries > 0 AND try_at <= now() ORDER BY try_at LIMIT $1`,
    [limit],
  );
  return rows;
}
