import {
  type AppId,
  type CallList,
  type CallListQuery,
  callIdSchema,
  outcomeBehind,
  type UserAlias,
} from '@communication-center/contracts';
import type { Sql } from '@communication-center/event-log';
import { ProblemError, readCursor, writeCursor } from '@communication-center/service';
import { z } from 'zod';
import { asSeenBy } from '../domain/parts.js';
import { toRecord } from './call-history.projection.js';

/** Which range of which rows a question reads, and whether the device it is asked for tells the outcome as another device's. */
const ofAll = { range: 'call_history', from: 'call_history', only: '$2::text IS NOT NULL', isElsewhere: 'false' };
const ofSome = {
  range: 'call_parts',
  from: 'call_parts JOIN call_history USING (call_id)',
  only: 'user_alias = $2::text AND outcome = $6::text',
  isElsewhere: 'COALESCE(call_parts.device_id <> $7, false)',
};

/** The last call of a page. */
const placeSchema = z.tuple([z.iso.datetime(), callIdSchema]);

/**
 * Lists an app's calls, newest first.
 * @param userAlias whose calls, and whose outcomes; null for everybody's.
 * @throws ProblemError `invalid_request` when a device is asked for without its user, or the cursor is not one of this question.
 */
export async function listCalls(sql: Sql, appId: AppId, userAlias: UserAlias | null, query: CallListQuery): Promise<CallList> {
  const { deviceId } = query;
  const { outcome, isElsewhere } = query.outcome ? outcomeBehind(query.outcome) : { outcome: '', isElsewhere: false };
  if (!userAlias && deviceId) throw needs('userAlias', 'name the user whose device it is');
  if (!deviceId && isElsewhere) throw needs('deviceId', `${query.outcome} is how a device saw it: name the device`);
  const { limit, cursor, ...filters } = query;
  const question = { list: 'calls', ...filters, appId, userAlias };
  const [dialedAt, callId] = readCursor(question, placeSchema, cursor) ?? [null, null];
  // Everybody's calls of any outcome are the history itself; every other question has a range of its own, in the same order.
  const { range, from, only, isElsewhere: toldElsewhere } = userAlias || outcome ? ofSome : ofAll;
  const { rows } = await sql.query<{ call: unknown; parts: unknown[] }>(
    `SELECT call_history.call, call_history.parts FROM ${from}
     WHERE ${range}.app_id = $1 AND ${only}
       AND ($3::text IS NULL OR call_history.status = $3)
       AND ($4::timestamptz IS NULL OR ${range}.dialed_at >= $4)
       AND ($5::timestamptz IS NULL OR ${range}.dialed_at < $5)
       AND ($6::text = '' OR $7::text IS NULL OR ${toldElsewhere} = $8)
       AND ($9::timestamptz IS NULL OR (${range}.dialed_at, ${range}.call_id) < ($9, $10::uuid))
     ORDER BY ${range}.dialed_at DESC, ${range}.call_id DESC LIMIT $11`,
    [
      appId,
      userAlias ?? '',
      query.status ?? null,
      query.from ?? null,
      query.to ?? null,
      outcome,
      deviceId ?? null,
      isElsewhere,
      dialedAt,
      callId,
      limit,
    ],
  );
  const records = rows.map(toRecord);
  const last = records.length === limit ? records.at(-1) : undefined;
  return {
    calls: userAlias && deviceId ? records.map((record) => asSeenBy(record, userAlias, deviceId)) : records,
    nextCursor: last ? writeCursor(question, [last.dialedAt, last.callId]) : null,
  };
}

function needs(field: string, message: string): ProblemError {
  return new ProblemError('invalid_request', `${field}: ${message}`, { fields: [{ field, message }] });
}
