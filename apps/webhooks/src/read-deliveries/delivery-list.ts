import type { AppId, DeliveryView } from '@communication-center/contracts';
import type { Sql } from '@communication-center/event-log';

interface AttemptRow {
  attempt: number;
  at: string;
  status: number | null;
  error: string | null;
  durationMs: number;
}

interface DeliveryRow {
  delivery_id: string;
  endpoint_id: string;
  event_type: string;
  state: string | null;
  next_attempt_at: Date | null;
  attempts: AttemptRow[] | null;
}

/** Attempts of a delivery that are shown at most, the newest: one to a dead endpoint is tried again and again. */
const mostAttempts = 100;

/**
 * Reads the newest deliveries of an app, or of one of its endpoints: those that were tried, by their first attempt. Where there are
 * not that many, those of the release before follow.
 */
export async function newestDeliveries(
  sql: Sql,
  appId: AppId,
  { endpointId, limit }: { endpointId?: string | undefined; limit: number },
): Promise<DeliveryView[]> {
  const asked = { appId, endpointId, limit };
  const rows = await triedDeliveries(sql, asked);
  const older = rows.length < limit ? await olderDeliveries(sql, { ...asked, limit: limit - rows.length }) : [];
  return [...rows, ...older].map(toView);
}

interface Asked {
  appId: AppId;
  endpointId: string | undefined;
  limit: number;
}

const whose = ({ endpointId }: Asked) =>
  endpointId ? 'endpoint_id = (SELECT endpoint_id FROM endpoints WHERE app_id = $1 AND endpoint_id = $3)' : 'app_id = $1';
const valuesOf = ({ appId, endpointId, limit }: Asked) => [appId, limit, ...(endpointId ? [endpointId] : [])];
const attemptJson = (row: string) =>
  `json_build_object('attempt', ${row}.attempt, 'at', ${row}.at, 'status', ${row}.status, 'error', ${row}.error, 'durationMs', ${row}.duration_ms)`;

async function triedDeliveries(sql: Sql, asked: Asked): Promise<DeliveryRow[]> {
  const { rows } = await sql.query<DeliveryRow>(
    `SELECT first.message_id AS delivery_id, first.endpoint_id, first.type AS event_type, u.state, u.next_attempt_at,
            (SELECT json_agg(told.one ORDER BY told.at) FROM (
               SELECT first.at, ${attemptJson('first')} AS one
               UNION ALL
               (SELECT a.at, ${attemptJson('a')} FROM delivery_attempts AS a
                WHERE first.error IS NOT NULL AND a.endpoint_id = first.endpoint_id AND a.message_id = first.message_id AND a.attempt > 1
                ORDER BY a.at DESC LIMIT ${mostAttempts})) AS told) AS attempts
     FROM (SELECT * FROM delivery_attempts WHERE ${whose(asked)} AND attempt = 1 ORDER BY at DESC LIMIT $2) AS first
     LEFT JOIN undelivered AS u ON u.endpoint_id = first.endpoint_id AND u.message_id = first.message_id
     ORDER BY first.at DESC`,
    valuesOf(asked),
  );
  return rows;
}

async function olderDeliveries(sql: Sql, asked: Asked): Promise<DeliveryRow[]> {
  const { rows } = await sql.query<DeliveryRow>(
    `SELECT d.delivery_id, d.endpoint_id, d.event_type, d.state, d.next_attempt_at,
            (SELECT json_agg(${attemptJson('a')} ORDER BY a.attempt) FROM attempts AS a WHERE a.delivery_id = d.delivery_id) AS attempts
     FROM deliveries AS d WHERE ${whose(asked)} AND d.state <> 'moved' ORDER BY d.created_at DESC LIMIT $2`,
    valuesOf(asked),
  );
  return rows;
}

function toView(row: DeliveryRow): DeliveryView {
  const attempts = row.attempts ?? [];
  return {
    deliveryId: row.delivery_id,
    endpointId: row.endpoint_id,
    eventType: row.event_type,
    state: stateOf(row.state, attempts),
    attempts: attempts.map((attempt) => ({ ...attempt, at: new Date(attempt.at).toISOString() })),
    nextAttemptAt: row.next_attempt_at?.toISOString() ?? null,
  };
}

/** What waits or was given up has a row that says so; of the rest the last attempt does. */
function stateOf(state: string | null, attempts: readonly AttemptRow[]): DeliveryView['state'] {
  if (state === 'delivered' || state === 'failed') return state;
  if (state !== null) return 'pending';
  return attempts.at(-1)?.error === null ? 'delivered' : 'failed';
}
