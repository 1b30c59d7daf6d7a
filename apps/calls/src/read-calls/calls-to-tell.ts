import type { AppId, CallId, UserAlias } from '@communication-center/contracts';
import type { Sql } from '@communication-center/event-log';

/** What is told of a user's ended calls at most: the newest. */
const mostEnded = 100;

/** Which calls a device of a user must know of when it connects: those under way, and those that ended in the last five minutes. */
export interface CallsToTell {
  callIds: CallId[];
  /** By the database's clock. */
  takenAt: Date;
}

/**
 * Whoever had no call of late is looked for among the user's own: by an index of times alone, which the plain column would suggest where there is
 * a limit, all calls of the last minutes would be looked through for each.
 *
 * @returns what is to be told to each of some users, in their order.
 */
export async function callsToTell(sql: Sql, users: readonly { appId: AppId; userAlias: UserAlias }[]): Promise<CallsToTell[]> {
  const { rows } = await sql.query<{ place: number; call_id: CallId | null; now: Date }>(
    `SELECT place::int, call_id, now()
     FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS asked (app, alias, place) LEFT JOIN LATERAL (
       SELECT active_call_id AS call_id FROM lines WHERE app_id = app AND user_alias = alias AND active_call_id IS NOT NULL
       UNION SELECT call_id FROM rings WHERE app_id = app AND user_alias = alias
       UNION (SELECT call_id FROM recent_calls WHERE app_id = app AND user_alias = alias AND ended_at > now() - interval '5 minutes'
              ORDER BY ended_at + interval '0' DESC LIMIT ${mostEnded})) AS theirs ON true`,
    [users.map(({ appId }) => appId), users.map(({ userAlias }) => userAlias)],
  );
  const byPlace = Map.groupBy(rows, ({ place }) => place - 1);
  return users.map((_, place) => {
    const mine = byPlace.get(place) ?? [];
    return { callIds: mine.flatMap(({ call_id }) => call_id ?? []), takenAt: mine[0]?.now ?? new Date() };
  });
}
