import type { AppId } from '@communication-center/contracts';
import type { AttemptList, AttemptListQuery } from '@communication-center/contracts/webhook-messages';
import type { Sql } from '@communication-center/event-log';
import { readCursor, writeCursor } from '@communication-center/service';
import { z } from 'zod';
import { requireEndpoint } from './endpoint-of-app.js';
import { momentOf } from './message-states.js';

/** Of those that no index tells apart so many are looked at for a page, at most. */
const mostLooked = 500;
const placeSchema = z.tuple([z.iso.datetime(), z.uuid(), z.uuid()]);

interface AttemptRow {
  messageId: string;
  endpointId: string;
  type: string;
  attempt: number;
  at: Date;
  status: number | null;
  error: string | null;
  durationMs: number;
  answer: string | null;
  nextAttemptAt: Date | null;
  moment: string;
}

/**
 * Lists attempts of an app, newest first.
 * @throws ProblemError `invalid_request` for another question's cursor; `not_found` where the endpoint is no such app's.
 */
export async function listAttempts(sql: Sql, appId: AppId, { limit, cursor, ...query }: AttemptListQuery): Promise<AttemptList> {
  const question = { list: 'webhook attempts', appId, ...query };
  const place = readCursor(question, placeSchema, cursor);
  if (query.endpointId) await requireEndpoint(sql, appId, query.endpointId);
  // What failed has indexes of its own; what did not is nearly all.
  const most = query.outcome === 'succeeded' ? Math.max(limit, mostLooked) : limit;
  const rows = await readAttempts(sql, { appId, query, place, most });
  const found = (query.outcome === 'succeeded' ? rows.filter(({ error }) => error === null) : rows).slice(0, limit);
  const last = found.length === limit ? found.at(-1) : rows.length === most ? rows.at(-1) : undefined;
  return {
    attempts: found.map(({ moment: _, at, nextAttemptAt, ...row }) => ({
      ...row,
      at: at.toISOString(),
      nextAttemptAt: nextAttemptAt?.toISOString() ?? null,
    })),
    nextCursor: last ? writeCursor(question, [last.moment, last.messageId, last.endpointId]) : null,
  };
}

interface Asked {
  appId: AppId;
  query: Omit<AttemptListQuery, 'limit' | 'cursor'>;
  place: [string, string, string] | undefined;
  most: number;
}

async function readAttempts(sql: Sql, { appId, query, place, most }: Asked): Promise<AttemptRow[]> {
  const { endpointId, messageId, outcome, from, to } = query;
  const values: unknown[] = [appId, from ?? '-infinity', place?.[0] ?? to ?? 'infinity', most];
  const value = (one: unknown) => `$${values.push(one)}`;
  // What is asked for is named, or left out: so each question has its own plan, by its own index.
  const wanted = [
    'app_id = $1',
    'at >= $2',
    ...(endpointId ? [`endpoint_id = ${value(endpointId)}`] : []),
    ...(messageId ? [`message_id = ${value(messageId)}`] : []),
    ...(outcome === 'failed' ? ['error IS NOT NULL'] : []),
    place ? `(at, message_id, endpoint_id) < ($3, ${value(place[1])}::uuid, ${value(place[2])}::uuid)` : 'at < $3',
  ];
  const { rows } = await sql.query<AttemptRow>(
    `SELECT message_id AS "messageId", endpoint_id AS "endpointId", type, attempt, at, status, error, duration_ms AS "durationMs", answer,
            next_attempt_at AS "nextAttemptAt", ${momentOf('at')} AS moment
     FROM delivery_attempts WHERE ${wanted.join(' AND ')} ORDER BY at DESC, message_id DESC, endpoint_id DESC LIMIT $4`,
    values,
  );
  return rows;
}
