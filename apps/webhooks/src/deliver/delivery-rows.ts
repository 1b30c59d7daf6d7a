import type { AppId } from '@communication-center/contracts';
import type { Sql } from '@communication-center/event-log';
import { RowsInTurn } from '@communication-center/service';

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

/**
 * Writes deliveries that are sent from memory now, of endpoints that take them still.
 * @param heldSeconds for so long nobody else looks at them. @returns which are new.
 */
export async function writeDeliveries(sql: Sql, deliveries: readonly NewDelivery[], heldSeconds: number): Promise<Set<string>> {
  const { rows } = await sql.query<{ delivery_id: string }>(
    `INSERT INTO deliveries (delivery_id, endpoint_id, app_id, event_id, event_type, key, body, traceparent, next_attempt_at)
     SELECT told.*, clock_timestamp() + make_interval(secs => $9)
     FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::uuid[], $5::text[], $6::text[], $7::text[], $8::text[])
       AS told(delivery_id, endpoint_id, app_id, event_id, event_type, key, body, traceparent)
     JOIN endpoints AS e ON e.endpoint_id = told.endpoint_id AND e.disabled_at IS NULL AND e.deleted_at IS NULL
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

/** Where a round over all endpoints begins. */
export const firstEndpoint = '00000000-0000-0000-0000-000000000000';

const waiting = new RowsInTurn({
  table: 'deliveries',
  id: 'delivery_id',
  turn: 'endpoint_id',
  first: firstEndpoint,
  turnsAtOnce: 200,
  rowsAtOnce: 1000,
});

/** Takes an attempt, so that nobody else makes it. @returns the body to send; undefined where somebody else was faster. */
export async function claimAttempt(sql: Sql, deliveryId: string, made: number, claimSeconds: number): Promise<string | undefined> {
  const claimed = await waiting.claim<{ body: string }>(sql, deliveryId, { made, seconds: claimSeconds, returning: 'body' });
  return claimed?.body;
}

/** How an attempt went. */
export interface AttemptMade {
  deliveryId: string;
  attempt: number;
  /** Null where no answer came. */
  status: number | null;
  error: string | null;
  durationMs: number;
}

/** Writes down how an attempt went, and what comes of its delivery: an end, or another attempt later. */
export async function recordAttempt(
  sql: Sql,
  { deliveryId, attempt, status, error, durationMs }: AttemptMade,
  then: { state: 'delivered' | 'failed' } | { delayMs: number },
): Promise<void> {
  const [state, delaySeconds] = 'state' in then ? [then.state, null] : ['pending', then.delayMs / 1000];
  await sql.query(
    `WITH made AS (INSERT INTO attempts (delivery_id, attempt, status, error, duration_ms) VALUES ($1, $2, $3, $4, $5))
     UPDATE deliveries SET state = $6, next_attempt_at = clock_timestamp() + make_interval(secs => $7) WHERE delivery_id = $1`,
    [deliveryId, attempt, status, error, durationMs, state, delaySeconds],
  );
}

/** Ends a delivery without an attempt: its endpoint takes none any more. */
export async function giveUp(sql: Sql, deliveryId: string): Promise<void> {
  await sql.query("UPDATE deliveries SET state = 'failed', next_attempt_at = NULL WHERE delivery_id = $1", [deliveryId]);
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

/** Finds deliveries whose time has passed, a few of each endpoint. @param after where the round stands. @param full endpoints that take no more for now. */
export async function findDue(sql: Sql, after: string, full: readonly string[]): Promise<{ due: DueDelivery[]; next: string }> {
  const { due, next } = await waiting.due(sql, after, full);
  return { due: due.map(({ rowId, made, turn }) => ({ deliveryId: rowId, endpointId: turn, made })), next };
}
