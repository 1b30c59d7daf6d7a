import type { MessageDelivery, MessageState } from '@communication-center/contracts/webhook-messages';

/** What the tables say of a message at an endpoint. */
export interface StandingRow {
  position: number | null;
  /** Where a row says so: it waits, is held, or was given up. */
  undelivered: 'waiting' | 'held' | 'failed' | null;
  nextAttemptAt: Date | null;
  attempts: number | null;
  isDelivered: boolean | null;
  /** Up to where the endpoint has read its app's log. */
  readTo: number | null;
}

/** A row says what waits; of the rest the attempts do, and how far the endpoint is. */
export function stateOf({ position, undelivered, attempts, isDelivered, readTo }: StandingRow): MessageState {
  if (undelivered) return undelivered;
  if (isDelivered) return 'delivered';
  // Its row was kept as long as messages are.
  if ((attempts ?? 0) > 0) return 'failed';
  return position !== null && position > (readTo ?? 0) ? 'pending' : 'not_sent';
}

export function deliveryOf(endpointId: string, row: StandingRow): MessageDelivery {
  return { endpointId, state: stateOf(row), attempts: row.attempts ?? 0, nextAttemptAt: row.nextAttemptAt?.toISOString() ?? null };
}

/** Nothing is tried before it occurred, as far as clocks agree: days before are not looked at. */
export const sinceOccurred = (occurredAt: string) => `${occurredAt} - interval '1 minute'`;

/** What is joined to messages `m` to know how they stand at the endpoint that `endpointId` says. @see StandingRow */
export const standing = (endpointId: string) => ({
  columns: `u.state AS undelivered, u.next_attempt_at AS "nextAttemptAt", tried.attempts, tried.is_delivered AS "isDelivered",
    (SELECT position::float8 FROM positions WHERE endpoint_id = ${endpointId}) AS "readTo"`,
  joins: `LEFT JOIN undelivered AS u ON u.endpoint_id = ${endpointId} AND u.message_id = m.message_id
    CROSS JOIN LATERAL (
      SELECT max(attempt) AS attempts, bool_or(error IS NULL) AS is_delivered FROM delivery_attempts AS a
      WHERE a.message_id = m.message_id AND a.endpoint_id = ${endpointId} AND a.at >= ${sinceOccurred('m.occurred_at')}) AS tried`,
});

/** A moment as a cursor keeps it: to the microsecond, in UTC. */
export const momentOf = (column: string) => `to_char(${column} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')`;
