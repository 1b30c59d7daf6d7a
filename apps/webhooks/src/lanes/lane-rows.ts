import type { AppId } from '@communication-center/contracts';
import type { Sql } from '@communication-center/event-log';
import type { Message } from '../domain/message.js';

/** How far an endpoint has read, and what is known of what comes after that. */
export interface LaneRow {
  endpointId: string;
  position: number;
  /** Up to where the log of its app goes. */
  last: number;
  /** Nothing beyond the position was tried before that. */
  failingSince: number | null;
  /** When it was told to go on from there, in milliseconds since 1970; null where it never was. */
  movedAt: number | null;
  /** In milliseconds from now, when the first of what waits is due; null where nothing waits. */
  dueInMs: number | null;
}

/** @returns the endpoints of an app, those that are new among them: they begin at the end. */
export async function readLanes(sql: Sql, appId: AppId): Promise<LaneRow[]> {
  const { rows } = await sql.query<LaneRow>(
    `SELECT p.endpoint_id AS "endpointId", p.position::float8, coalesce(a.last, 0)::float8 AS last,
            (extract(epoch FROM p.failing_since) * 1000)::float8 AS "failingSince", (extract(epoch FROM e.moved_at) * 1000)::float8 AS "movedAt",
            (SELECT (extract(epoch FROM next_attempt_at - clock_timestamp()) * 1000)::float8 FROM undelivered AS u
             WHERE u.endpoint_id = p.endpoint_id AND u.state = 'waiting' ORDER BY next_attempt_at LIMIT 1) AS "dueInMs"
     FROM positions AS p JOIN endpoints AS e USING (endpoint_id) LEFT JOIN app_positions AS a ON a.app_id = p.app_id WHERE p.app_id = $1`,
    [appId],
  );
  return rows;
}

/**
 * What another worker has settled beyond the positions: it is on record as tried, since the endpoint was told to go on from elsewhere if it
 * ever was, or as not delivered. Clocks that go wrong by more than a minute cost repeats.
 */
export async function readSettled(sql: Sql, endpointIds: readonly string[]): Promise<Map<string, number[]>> {
  const { rows } = await sql.query<{ endpointId: string; position: number }>(
    `SELECT p.endpoint_id AS "endpointId", done.position::float8 FROM positions AS p JOIN endpoints AS e USING (endpoint_id), LATERAL (
       SELECT position FROM delivery_attempts AS t
       WHERE t.endpoint_id = p.endpoint_id AND t.at >= greatest(p.since - interval '1 minute', e.moved_at) AND t.position > p.position
       UNION SELECT position FROM undelivered AS u WHERE u.endpoint_id = p.endpoint_id AND u.position > p.position) AS done
     WHERE p.endpoint_id = ANY ($1)`,
    [endpointIds],
  );
  const settled = Map.groupBy(rows, ({ endpointId }) => endpointId);
  return new Map([...settled].map(([endpointId, found]) => [endpointId, found.map(({ position }) => position)]));
}

/** @returns of strict endpoints, the subjects of which something waits or is held, and how much. */
export async function readBlocked(sql: Sql, endpointIds: readonly string[]): Promise<Map<string, [subject: string, count: number][]>> {
  if (endpointIds.length === 0) return new Map();
  const { rows } = await sql.query<{ endpointId: string; subject: string; count: number }>(
    `SELECT endpoint_id AS "endpointId", subject, count(*)::int AS count FROM undelivered
     WHERE endpoint_id = ANY ($1) AND state IN ('waiting', 'held') GROUP BY 1, 2`,
    [endpointIds],
  );
  const blocked = Map.groupBy(rows, ({ endpointId }) => endpointId);
  return new Map([...blocked].map(([endpointId, found]) => [endpointId, found.map(({ subject, count }) => [subject, count])]));
}

/** Something that waits for its next attempt. */
export interface WaitingRow {
  endpointId: string;
  message: Message;
  made: number;
  dueInMs: number;
  /** Attempts before those that count now. */
  earlier: number;
  /** Of the job that hands it over again; null where it was never delivered. */
  jobId: string | null;
}

/** What waits of each endpoint: the first few, due or not, in the order of their times; and as many of what jobs hand over. */
export async function readWaiting(sql: Sql, endpointIds: readonly string[], mostOfEach: number): Promise<WaitingRow[]> {
  const { rows } = await sql.query<WaitingRow>(
    `SELECT e.endpoint_id AS "endpointId", u.message, u.made, u.earlier, u.job_id AS "jobId",
            (extract(epoch FROM u.next_attempt_at - clock_timestamp()) * 1000)::float8 AS "dueInMs"
     FROM unnest($1::uuid[]) AS e(endpoint_id), LATERAL (
       (SELECT * FROM undelivered WHERE endpoint_id = e.endpoint_id AND state = 'waiting' AND job_id IS NULL ORDER BY next_attempt_at LIMIT $2)
       UNION ALL
       (SELECT * FROM undelivered WHERE endpoint_id = e.endpoint_id AND state = 'waiting' AND job_id IS NOT NULL ORDER BY next_attempt_at LIMIT $2)
     ) AS u`,
    [endpointIds, mostOfEach],
  );
  return rows;
}

/** How far an endpoint is now. */
export interface LanePlace {
  endpointId: string;
  position: number;
  /** Milliseconds since 1970. */
  since: number;
  failingSince: number | null;
  /** Of when it begins: once the endpoint was moved again this is where nobody goes on any more. */
  movedAt: number | null;
}

/** Notes how far endpoints are, in one commit. A position never goes back by it, nor anywhere that its owner has left. */
export async function savePlaces(sql: Sql, places: readonly LanePlace[]): Promise<void> {
  await sql.query(
    `UPDATE positions SET position = told.position, since = to_timestamp(told.since / 1000), failing_since = to_timestamp(told.failing / 1000)
     FROM unnest($1::uuid[], $2::float8[], $3::float8[], $4::float8[], $5::float8[]) AS told(endpoint_id, position, since, failing, moved)
       JOIN endpoints AS e ON e.endpoint_id = told.endpoint_id
     WHERE positions.endpoint_id = told.endpoint_id AND positions.position <= told.position
       AND e.moved_at IS NOT DISTINCT FROM to_timestamp(told.moved / 1000)`,
    [
      places.map(({ endpointId }) => endpointId),
      places.map(({ position }) => position),
      places.map(({ since }) => since),
      places.map(({ failingSince }) => failingSince),
      places.map(({ movedAt }) => movedAt),
    ],
  );
}

const firstId = '00000000-0000-0000-0000-000000000000';

/** @returns the apps of these lanes whose endpoints have something to read, and up to where, or something that waits. */
export async function appsWithWork(sql: Sql, lanes: readonly number[]): Promise<{ appId: AppId; last: number }[]> {
  const { rows } = await sql.query<{ appId: AppId; last: number }>(
    `SELECT p.app_id AS "appId", a.last::float8 FROM positions AS p JOIN app_positions AS a USING (app_id) JOIN endpoints AS e USING (endpoint_id)
     WHERE p.lane = ANY ($1) AND p.position < a.last AND e.disabled_at IS NULL AND e.deleted_at IS NULL
     UNION
     (WITH RECURSIVE who AS (
        SELECT lane, '${firstId}'::uuid AS endpoint_id FROM unnest($1::smallint[]) AS lane
        UNION ALL
        SELECT who.lane, next.endpoint_id FROM who, LATERAL (
          SELECT endpoint_id FROM undelivered
          WHERE lane = who.lane AND state = 'waiting' AND endpoint_id > who.endpoint_id ORDER BY endpoint_id LIMIT 1) AS next)
      SELECT e.app_id, 0 FROM who JOIN endpoints AS e USING (endpoint_id) WHERE e.disabled_at IS NULL AND e.deleted_at IS NULL)`,
    [lanes],
  );
  return rows;
}

/** What has changed that concerns lanes. */
export interface Changes {
  version: string;
  hasInbox: boolean;
  /** Apps whose endpoints changed since the version that was asked about. */
  apps: AppId[];
}

/** Looks, by index, whether anything has come or changed that nobody told of. */
export async function readChanges(sql: Sql, lanes: readonly number[], since: string | undefined): Promise<Changes> {
  const { rows } = await sql.query<Changes>(
    `SELECT version::text, EXISTS (SELECT FROM inbox WHERE lane = ANY ($1)) AS "hasInbox",
            ARRAY(SELECT app_id FROM endpoint_changes WHERE endpoint_changes.version > $2::bigint LIMIT 10000) AS apps
     FROM endpoint_version`,
    [lanes, since ?? '9223372036854775807'],
  );
  return rows[0] as Changes;
}

/** Takes on what the release before has left waiting, whose time has passed. @returns of which apps. */
export async function adoptDeliveries(sql: Sql, lanes: readonly number[]): Promise<AppId[]> {
  const { rows } = await sql.query<{ app_id: AppId }>('SELECT DISTINCT app_id FROM adopt_deliveries($1, 500)', [lanes]);
  return rows.map(({ app_id }) => app_id);
}

/** Gives up what waits for endpoints that were deleted, up to 1,000 at a time. */
export async function giveUpOfDeleted(sql: Sql): Promise<void> {
  await sql.query(
    `UPDATE undelivered SET state = 'failed', next_attempt_at = NULL FROM (
       SELECT u.endpoint_id, u.message_id FROM endpoints AS e JOIN undelivered AS u USING (endpoint_id)
       WHERE e.deleted_at > now() - interval '1 day' AND u.state IN ('waiting', 'held') LIMIT 1000) AS left_over
     WHERE undelivered.endpoint_id = left_over.endpoint_id AND undelivered.message_id = left_over.message_id`,
  );
}

/** More than these are not counted. */
const mostCounted = 100_000;

/** @returns how many deliveries wait for another attempt, or for one that does; above 100,000 it says 100,000. */
export async function waitingDeliveries(sql: Sql): Promise<number> {
  const { rows } = await sql.query<{ waiting: number }>(
    `SELECT count(*)::int AS waiting FROM (SELECT 1 FROM undelivered WHERE state IN ('waiting', 'held') LIMIT ${mostCounted}) AS counted`,
  );
  return rows[0]?.waiting ?? 0;
}
