import type { AppId } from '@communication-center/contracts';
import type { Sql } from '@communication-center/event-log';

export interface NewDelivery {
  deliveryId: string;
  endpointId: string;
  appId: AppId;
  eventId: string;
  eventType: string;
  key: string;
  body: string;
  /** Of the event it tells. */
  traceparent: string | undefined;
}

/** Writes deliveries that are sent from memory now. @param heldSeconds for so long nobody else looks at them. @returns which are new. */
export async function writeDeliveries(sql: Sql, deliveries: readonly NewDelivery[], heldSeconds: number): Promise<Set<string>> {
  const { rows } = await sql.query<{ delivery_id: string }>(
    `INSERT INTO deliveries (delivery_id, endpoint_id, app_id, event_id, event_type, key, body, traceparent, next_attempt_at)
     SELECT *, clock_timestamp() + make_interval(secs => $9)
     FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::uuid[], $5::text[], $6::text[], $7::text[], $8::text[])
     ON CONFLICT (endpoint_id, event_id) DO NOTHING RETURNING delivery_id`,
    [
      deliveries.map(({ deliveryId }) => deliveryId),
      deliveries.map(({ endpointId }) => endpointId),
      deliveries.map(({ appId }) => appId),
      deliveries.map(({ eventId }) => eventId),
      deliveries.map(({ eventType }) => eventType),
      deliveries.map(({ key }) => key),
      deliveries.map(({ body }) => body),
      deliveries.map(({ traceparent }) => traceparent ?? null),
      heldSeconds,
    ],
  );
  return new Set(rows.map(({ delivery_id }) => delivery_id));
}

/** A delivery that waits for its next attempt. */
export interface WaitingDelivery extends Pick<NewDelivery, 'endpointId' | 'eventType' | 'key'> {
  traceparent: string | null;
}

/** @returns what the next attempt is made for; undefined where that attempt was made, or the delivery has ended. */
export async function readWaiting(sql: Sql, deliveryId: string, made: number): Promise<WaitingDelivery | undefined> {
  const { rows } = await sql.query<WaitingDelivery>(
    `SELECT endpoint_id AS "endpointId", event_type AS "eventType", key, traceparent FROM deliveries WHERE delivery_id = $1 AND state = 'pending' AND attempts = $2`,
    [deliveryId, made],
  );
  return rows[0];
}

/** Takes an attempt, so that nobody else makes it. @returns the body to send; undefined where somebody else was faster. */
export async function claimAttempt(sql: Sql, deliveryId: string, made: number, claimSeconds: number): Promise<string | undefined> {
  const { rows } = await sql.query<{ body: string }>(
    `UPDATE deliveries SET attempts = attempts + 1, next_attempt_at = clock_timestamp() + make_interval(secs => $3)
     WHERE delivery_id = $1 AND state = 'pending' AND attempts = $2 RETURNING body`,
    [deliveryId, made, claimSeconds],
  );
  return rows[0]?.body;
}

/** More than these are not counted. */
const mostCounted = 100_000;

/** @returns how many deliveries have not ended; above 100,000 it says 100,000. */
export async function waitingDeliveries(sql: Sql): Promise<number> {
  const { rows } = await sql.query<{ waiting: number }>(
    `SELECT count(*)::int AS waiting FROM (SELECT 1 FROM deliveries WHERE state = 'pending' LIMIT ${mostCounted}) AS counted`,
  );
  return rows[0]?.waiting ?? 0;
}

export interface Unfinished {
  deliveryId: string;
  /** Attempts that were made to the end. */
  made: number;
}

/** Makes deliveries due at once for whoever comes next: those that only waited, and those whose attempt was broken off. */
export async function handOver(sql: Sql, waiting: readonly Unfinished[], brokenOff: readonly Unfinished[]): Promise<void> {
  const all = [...waiting.map((one) => ({ ...one, counted: one.made })), ...brokenOff.map((one) => ({ ...one, counted: one.made + 1 }))];
  if (all.length === 0) return;
  await sql.query(
    `UPDATE deliveries AS d SET attempts = left_over.made, next_attempt_at = now()
     FROM unnest($1::uuid[], $2::int[], $3::int[]) AS left_over(delivery_id, made, counted)
     WHERE d.delivery_id = left_over.delivery_id AND d.state = 'pending' AND d.attempts = left_over.counted`,
    [all.map(({ deliveryId }) => deliveryId), all.map(({ made }) => made), all.map(({ counted }) => counted)],
  );
}

export interface DueDelivery extends Unfinished {
  endpointId: string;
}

/** Where a round over all endpoints begins. */
export const firstEndpoint = '00000000-0000-0000-0000-000000000000';
const endpointsAtOnce = 200;
const rowsAtOnce = 1000;

/**
 * Finds deliveries whose time has passed, a few of each endpoint: however many wait for one that hangs, another's are found
 * as soon. It goes round the endpoints that have something to deliver, by an index, some at a time.
 * @param after where the round stands. @param full endpoints that take no more for now.
 * @returns the oldest ones of each endpoint, and where the round stands now.
 */
export async function findDue(sql: Sql, after: string, full: readonly string[]): Promise<{ due: DueDelivery[]; next: string }> {
  const { rows } = await sql.query<{ endpoint_id: string; lanes: number; delivery_id: string | null; attempts: number }>(
    `WITH RECURSIVE lane AS (
       (SELECT endpoint_id, 1 AS number FROM deliveries WHERE state = 'pending' AND endpoint_id > $1 ORDER BY endpoint_id LIMIT 1)
       UNION ALL
       SELECT next.endpoint_id, lane.number + 1 FROM lane, LATERAL (
         SELECT endpoint_id FROM deliveries WHERE state = 'pending' AND endpoint_id > lane.endpoint_id ORDER BY endpoint_id LIMIT 1
       ) AS next WHERE lane.number < $2)
     SELECT lane.endpoint_id, lane.number AS lanes, d.delivery_id, d.attempts FROM lane LEFT JOIN LATERAL (
       SELECT delivery_id, attempts FROM deliveries
       WHERE state = 'pending' AND endpoint_id = lane.endpoint_id AND next_attempt_at <= now() AND endpoint_id <> ALL ($3::uuid[])
       ORDER BY next_attempt_at LIMIT (SELECT $4::bigint / count(*) FROM lane)
     ) AS d ON true ORDER BY lane.number`,
    [after, endpointsAtOnce, full, rowsAtOnce],
  );
  const last = rows.at(-1);
  return {
    due: rows.flatMap(({ endpoint_id, delivery_id, attempts }) =>
      delivery_id === null ? [] : [{ deliveryId: delivery_id, endpointId: endpoint_id, made: attempts }],
    ),
    next: last?.lanes === endpointsAtOnce ? last.endpoint_id : firstEndpoint,
  };
}
