import type { AppId } from '@communication-center/contracts';
import type { Attempt, MessageView } from '@communication-center/contracts/webhook-messages';
import type { Sql } from '@communication-center/event-log';
import { ProblemError } from '@communication-center/service';
import type { Message } from '../domain/message.js';
import { deliveryOf, type StandingRow, sinceOccurred, standing } from './message-states.js';

/** Attempts at an endpoint that are shown, the latest. */
const mostAttempts = 50;

/** As the table has it, with its time as text. */
type KeptMessage = Message & { position: number };

/** @throws ProblemError `not_found`. */
export async function readMessage(sql: Sql, appId: AppId, messageId: string): Promise<KeptMessage> {
  const { rows } = await sql.query<Omit<KeptMessage, 'occurredAt'> & { occurredAt: Date }>(
    `SELECT message_id AS "messageId", app_id AS "appId", position::float8, type, subject, sequence::float8, source, dataversion,
            occurred_at AS "occurredAt", data, traceparent FROM messages WHERE message_id = $2 AND app_id = $1 LIMIT 1`,
    [appId, messageId],
  );
  if (!rows[0]) throw new ProblemError('not_found', 'No such message, or it is kept no longer');
  return { ...rows[0], occurredAt: rows[0].occurredAt.toISOString() };
}

interface AtEndpoint extends StandingRow {
  endpointId: string;
  latest: Attempt[] | null;
}

/** A message with what became of it at each endpoint of its app, and at those that were deleted since. @throws ProblemError `not_found`. */
export async function viewMessage(sql: Sql, appId: AppId, messageId: string): Promise<MessageView> {
  const { source: _, dataversion: __, traceparent: ___, appId: ____, ...message } = await readMessage(sql, appId, messageId);
  const { columns, joins } = standing('e.endpoint_id');
  const { rows } = await sql.query<AtEndpoint>(
    `SELECT e.endpoint_id AS "endpointId", m.position::float8, ${columns},
            (SELECT json_agg(one ORDER BY one.at) FROM (
               SELECT attempt, at, status, error, duration_ms AS "durationMs", answer, next_attempt_at AS "nextAttemptAt" FROM delivery_attempts
               WHERE message_id = m.message_id AND endpoint_id = e.endpoint_id AND at >= ${sinceOccurred('m.occurred_at')}
               ORDER BY at DESC LIMIT ${mostAttempts}) AS one) AS latest
     FROM (SELECT $2::uuid AS message_id, $3::timestamptz AS occurred_at, $4::bigint AS position) AS m
     CROSS JOIN (
       SELECT endpoint_id FROM endpoints WHERE app_id = $1 AND deleted_at IS NULL
       UNION SELECT endpoint_id FROM delivery_attempts WHERE message_id = $2 AND app_id = $1 AND at >= ${sinceOccurred('$3::timestamptz')}) AS e
     ${joins} ORDER BY e.endpoint_id`,
    [appId, messageId, message.occurredAt, message.position],
  );
  return {
    ...message,
    deliveries: rows.map((row) => ({ ...deliveryOf(row.endpointId, row), latest: (row.latest ?? []).map(inUtc) })),
  };
}

const iso = (at: string) => new Date(at).toISOString();
const inUtc = (attempt: Attempt): Attempt => ({
  ...attempt,
  at: iso(attempt.at),
  nextAttemptAt: attempt.nextAttemptAt && iso(attempt.nextAttemptAt),
});
