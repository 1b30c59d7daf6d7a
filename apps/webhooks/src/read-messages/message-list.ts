import type { AppId } from '@communication-center/contracts';
import type { MessageList, MessageListQuery } from '@communication-center/contracts/webhook-messages';
import type { Sql } from '@communication-center/event-log';
import { ProblemError, readCursor, writeCursor } from '@communication-center/service';
import { z } from 'zod';
import { requireEndpoint } from './endpoint-of-app.js';
import { deliveryOf, momentOf, type StandingRow, standing, stateOf } from './message-states.js';

/** Of what no index tells apart so many are looked at at once, and so often for a page. */
const mostLooked = 200;
const mostLooks = 5;

/** Where a page ended: a time, and the place in the log, or the id, that tells those of one time apart. */
const byTime = z.tuple([z.iso.datetime(), z.string().regex(/^\d{1,16}$/)]);
const byAge = z.tuple([z.iso.datetime(), z.uuid()]);
type Place = [string, string];

interface MessageRow extends StandingRow {
  messageId: string;
  position: number | null;
  type: string;
  subject: string;
  sequence: number;
  occurredAt: Date;
  /** Where it is in the list. */
  moment: string;
  key: string;
}

/**
 * Lists an app's messages, newest first.
 * @throws ProblemError `invalid_request` for a state without an endpoint, or another question's cursor; `not_found` where the endpoint is no such app's.
 */
export async function listMessages(sql: Sql, appId: AppId, query: MessageListQuery): Promise<MessageList> {
  const { limit, cursor, ...filters } = query;
  const { endpointId, state } = filters;
  if (state && !endpointId) throw needsEndpoint();
  if (endpointId) await requireEndpoint(sql, appId, endpointId);
  const question = { list: 'webhook messages', appId, ...filters };
  const isKept = state === 'waiting' || state === 'held' || state === 'failed';
  const place = readCursor(question, isKept ? byAge : byTime, cursor) as Place | undefined;
  const found: MessageRow[] = [];
  let last: MessageRow | undefined;
  for (let looks = 0; looks < mostLooks; looks += 1) {
    const asked = { appId, query, place: last ? placeOf(last) : place, most: state ? Math.max(limit, mostLooked) : limit };
    const rows = isKept ? await undelivered(sql, asked) : await messages(sql, asked);
    found.push(...rows.filter((row) => (isKept ? fits(query, row) : !state || stateOf(row) === state)));
    if (found.length >= limit) {
      last = found[limit - 1];
      break;
    }
    last = rows.length === asked.most ? rows.at(-1) : undefined;
    if (!last) break;
  }
  return {
    messages: found.slice(0, limit).map((row) => ({
      ...shown(row),
      ...(endpointId && { delivery: deliveryOf(endpointId, row) }),
    })),
    nextCursor: last ? writeCursor(question, placeOf(last)) : null,
  };
}

interface Asked {
  appId: AppId;
  query: MessageListQuery;
  place: Place | undefined;
  most: number;
}

async function messages(sql: Sql, { appId, query, place, most }: Asked): Promise<MessageRow[]> {
  const { type, subject, endpointId, from, to } = query;
  const values: unknown[] = [appId, from ?? '-infinity', place?.[0] ?? to ?? 'infinity', most];
  const value = (one: unknown) => `$${values.push(one)}`;
  const at = endpointId ? standing(`${value(endpointId)}::uuid`) : { columns: 'NULL AS undelivered', joins: '' };
  // What is asked for is named, or left out: so each question has its own plan, by its own index.
  const wanted = [
    'app_id = $1',
    'occurred_at >= $2',
    ...(type ? [`type = ${value(type)}`] : []),
    ...(subject ? [`subject = ${value(subject)}`] : []),
    place ? `(occurred_at, position) < ($3, ${value(place[1])}::bigint)` : 'occurred_at < $3',
  ];
  const { rows } = await sql.query<MessageRow>(
    `SELECT m.message_id AS "messageId", m.position::float8, m.type, m.subject, m.sequence::float8, m.occurred_at AS "occurredAt",
            ${momentOf('m.occurred_at')} AS moment, m.position::text AS key, ${at.columns}
     FROM (SELECT * FROM messages WHERE ${wanted.join(' AND ')} ORDER BY occurred_at DESC, position DESC LIMIT $4) AS m ${at.joins}
     ORDER BY m.occurred_at DESC, m.position DESC`,
    values,
  );
  return rows;
}

/** Those that wait, are held or were given up at an endpoint, by when they first failed. */
async function undelivered(sql: Sql, { appId, query, place, most }: Asked): Promise<MessageRow[]> {
  const { endpointId, state } = query;
  const { rows } = await sql.query<MessageRow>(
    `SELECT m.message_id AS "messageId", (m.message->>'position')::float8 AS position, m.message->>'type' AS type, m.subject,
            (m.message->>'sequence')::float8 AS sequence, m.occurred_at AS "occurredAt",
            ${momentOf('m.created_at')} AS moment, m.message_id::text AS key, m.state AS undelivered, m.next_attempt_at AS "nextAttemptAt",
            tried.attempts, NULL AS "isDelivered", NULL AS "readTo"
     FROM (SELECT *, (message->>'occurredAt')::timestamptz AS occurred_at FROM undelivered
       WHERE endpoint_id = $2 AND app_id = $1 AND state = $3 AND (created_at, message_id) < ($4, $5)
       ORDER BY created_at DESC, message_id DESC LIMIT $6) AS m
     CROSS JOIN LATERAL (SELECT max(attempt) AS attempts FROM delivery_attempts AS a
       WHERE a.message_id = m.message_id AND a.endpoint_id = $2 AND a.at >= m.occurred_at - interval '1 minute') AS tried
     ORDER BY m.created_at DESC, m.message_id DESC`,
    [appId, endpointId, state, place?.[0] ?? 'infinity', place?.[1] ?? 'ffffffff-ffff-ffff-ffff-ffffffffffff', most],
  );
  return rows;
}

const placeOf = ({ moment, key }: MessageRow): Place => [moment, key];

const fits = ({ type, subject, from, to }: MessageListQuery, row: MessageRow): boolean =>
  (type === undefined || row.type === type) &&
  (subject === undefined || row.subject === subject) &&
  (from === undefined || row.occurredAt >= new Date(from)) &&
  (to === undefined || row.occurredAt < new Date(to));

function shown({ messageId, position, type, subject, sequence, occurredAt }: MessageRow) {
  return { messageId, position, type, subject, sequence, occurredAt: occurredAt.toISOString() };
}

function needsEndpoint(): ProblemError {
  const message = 'name the endpoint at which it is so';
  return new ProblemError('invalid_request', `endpointId: ${message}`, { fields: [{ field: 'endpointId', message }] });
}
