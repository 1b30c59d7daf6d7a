import type { AppId } from '@communication-center/contracts';
import type { Sql } from '@communication-center/event-log';

/** So long after an app was closed, in seconds, a call may still begin in it: its options are remembered for one, and a dial waits for five. */
const lateSeconds = 10;
/** Users whose lines one transaction looks at, at most. */
const linesAtOnce = 1000;

/** An app was suspended or deleted: its calls are to end. */
export async function closeApp(tx: Sql, appId: AppId): Promise<void> {
  await tx.query(
    `INSERT INTO closing_apps (app_id, until) VALUES ($1, clock_timestamp() + make_interval(secs => ${lateSeconds}))
     ON CONFLICT (app_id) DO UPDATE SET after = '', look_at = clock_timestamp(), until = excluded.until`,
    [appId],
  );
}

/** An app was resumed: calls that begin now are let be. */
export async function letAppBe(tx: Sql, appId: AppId): Promise<void> {
  await tx.query('DELETE FROM closing_apps WHERE app_id = $1', [appId]);
}

export async function isAnyClosing(sql: Sql): Promise<boolean> {
  return (await sql.query('SELECT FROM closing_apps LIMIT 1')).rowCount === 1;
}

/**
 * Has some of the calls of an app that is closing ended, unless another replica is at it. How far it came is written down with
 * that; when all were looked at it begins anew, until none can have begun meanwhile.
 * @returns milliseconds until there is more to do; null where no app is closing.
 */
export async function endSomeCalls(tx: Sql): Promise<number | null> {
  const { rows } = await tx.query<{ app_id: AppId; after: string; is_last: boolean; wait_ms: number }>(
    `SELECT app_id, after, until < now() AS is_last, greatest(0, extract(epoch FROM look_at - now()) * 1000)::float8 AS wait_ms
     FROM closing_apps ORDER BY look_at LIMIT 1 FOR UPDATE SKIP LOCKED`,
  );
  const closing = rows[0];
  if (!closing || closing.wait_ms > 0) return closing ? closing.wait_ms : null;
  const last = await endCallsAfter(tx, closing.app_id, closing.after);
  if (last === null && closing.is_last) await letAppBe(tx, closing.app_id);
  else
    await tx.query(
      `UPDATE closing_apps SET after = coalesce($2, ''), look_at = CASE WHEN $2::text IS NULL THEN now() + interval '1 second' ELSE now() END
       WHERE app_id = $1`,
      [closing.app_id, last],
    );
  return 0;
}

/** @returns the last user that was looked at; null where there were no more. */
async function endCallsAfter(tx: Sql, appId: AppId, after: string): Promise<string | null> {
  const { rows } = await tx.query<{ last: string | null }>(
    `WITH next AS MATERIALIZED (
       SELECT app_id, user_alias, active_call_id FROM lines WHERE app_id = $1 AND user_alias > $2 ORDER BY user_alias LIMIT ${linesAtOnce}
     ), ended AS (
       INSERT INTO deadlines (call_id, app_id, kind, user_alias, due_at)
       SELECT DISTINCT call_id, $1, 'closed', '', clock_timestamp()
       FROM (SELECT active_call_id AS call_id FROM next WHERE active_call_id IS NOT NULL
             UNION ALL SELECT rings.call_id FROM next JOIN rings USING (app_id, user_alias)) AS open
       ON CONFLICT DO NOTHING
     ) SELECT max(user_alias) AS last FROM next`,
    [appId, after],
  );
  return rows[0]?.last ?? null;
}
