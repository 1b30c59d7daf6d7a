import type { AppId, CallId, UserAlias } from '@communication-center/contracts';
import type { Sql } from '@communication-center/event-log';

/** What is told of a user's ended calls at most: the newest. */
const mostEnded = 100;

/** @returns the calls a user's device must know of when it connects: those under way, and those that ended in the last five minutes. */
export async function callsToTell(sql: Sql, appId: AppId, userAlias: UserAlias): Promise<CallId[]> {
  const { rows } = await sql.query<{ call_id: CallId }>(
    `SELECT active_call_id AS call_id FROM lines WHERE app_id = $1 AND user_alias = $2 AND active_call_id IS NOT NULL
     UNION SELECT call_id FROM rings WHERE app_id = $1 AND user_alias = $2
     UNION (SELECT call_id FROM recent_calls WHERE app_id = $1 AND user_alias = $2 AND ended_at > now() - interval '5 minutes'
            ORDER BY ended_at DESC LIMIT ${mostEnded})`,
    [appId, userAlias],
  );
  return rows.map(({ call_id }) => call_id);
}
