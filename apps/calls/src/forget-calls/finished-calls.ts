import type { Sql } from '@communication-center/event-log';
import type { OwnPurge } from '@communication-center/service';
import { firstIdAt, keptFrom } from './weeks.js';

/** Calls a statement forgets at most: with what their history says of each of their people, some 10,000 rows. */
const callsAtOnce = 1000;

/** The least id of calls that are kept. It lies in the database, so that replicas, and rebuilds, agree about it. */
const kept = '(SELECT from_id FROM kept_calls)';

/**
 * In SQL: forgets the history of calls that are gone, oldest first. Their parts are those that the projection made of them. A
 * history that has not heard of the end of its call yet is left to hear of it.
 */
const forgetHistory = (turn: string, limit: string) => `
  WITH turn AS MATERIALIZED (SELECT ${turn} AS mine), over AS MATERIALIZED (
    SELECT call_id, app_id, dialed_at, participants, parts FROM call_history
    WHERE call_id < ${kept} AND status = 'ended' AND (SELECT call_id FROM calls WHERE calls.call_id = call_history.call_id) IS NULL
      AND (SELECT mine FROM turn) ORDER BY call_id ${limit} FOR UPDATE SKIP LOCKED
  ), part AS (
    SELECT app_id, unnest(participants) AS user_alias, '' AS outcome, dialed_at, call_id FROM over
    UNION SELECT app_id, who, what, dialed_at, call_id
    FROM over, jsonb_array_elements(parts) AS part, unnest(ARRAY['', part->>'userAlias']) AS who, unnest(ARRAY['', part->>'outcome']) AS what
    WHERE what IS NOT NULL AND (who <> '' OR what <> '')
  ), forgotten AS (
    DELETE FROM call_parts WHERE ctid = ANY(ARRAY(
      SELECT (SELECT ctid FROM call_parts AS p WHERE p.app_id = part.app_id AND p.user_alias = part.user_alias
                AND p.outcome = part.outcome AND p.dialed_at = part.dialed_at AND p.call_id = part.call_id) FROM part))
  ) DELETE FROM call_history USING over WHERE call_history.call_id = over.call_id`;

/** In SQL: forgets of a history that is made anew what the service has forgotten. */
export const pruneHistory = forgetHistory('true', '');

/**
 * What forgets calls that are over, a few at a time: never one that goes on, nor one that an outage let end within the day, for
 * which commands have their replies still and devices come back.
 */
export const finishedCalls: readonly OwnPurge[] = [
  {
    table: 'calls',
    most: callsAtOnce,
    statement: (turn) => `
      WITH turn AS MATERIALIZED (SELECT ${turn} AS mine)
      DELETE FROM calls WHERE ctid = ANY(ARRAY(
        SELECT ctid FROM calls WHERE call_id < ${kept} AND ended_at < now() - interval '1 day' AND (SELECT mine FROM turn)
        ORDER BY call_id LIMIT ${callsAtOnce} FOR UPDATE SKIP LOCKED))`,
  },
  { table: 'call_history', most: callsAtOnce, statement: (turn) => forgetHistory(turn, `LIMIT ${callsAtOnce}`) },
];

/**
 * Lets calls be over that were dialed so long ago that each ended `keepDays` ago at the latest. What is over stays so, whatever
 * the setting says later.
 * @returns the least id of calls that are kept.
 */
export async function letCallsBeOver(sql: Sql, now: number, keepDays: number): Promise<string> {
  const { rows } = await sql.query<{ from_id: string }>('UPDATE kept_calls SET from_id = greatest(from_id, $1) RETURNING from_id', [
    firstIdAt(keptFrom(now, keepDays)),
  ]);
  if (!rows[0]) throw new Error('The row of kept_calls is missing');
  return rows[0].from_id;
}
