import { type AppId, type CallEvent, type CallFact, type CallId, enveloped, readEvent } from '@communication-center/contracts';
import type { Sql } from '@communication-center/event-log';
import { v7 as uuidv7 } from 'uuid';

interface EventRow {
  call_id: CallId;
  /** The event's sequence: an older name, which a column keeps for life. */
  version: number;
  event_id: string;
  app_id: AppId;
  type: string;
  occurred_at: Date;
  dataversion: number;
  data: unknown;
  traceparent: string | null;
}

function toEvent(row: EventRow): CallEvent {
  const stored = {
    specversion: '1.0' as const,
    id: row.event_id,
    source: '/calls',
    type: row.type,
    time: row.occurred_at.toISOString(),
    subject: row.call_id,
    callid: row.call_id,
    appid: row.app_id,
    sequence: row.version,
    dataversion: row.dataversion,
    ...(row.traceparent && { traceparent: row.traceparent }),
    data: row.data,
  };
  return readEvent('calls.events', stored);
}

/** @returns the events of some calls, in order within each. */
export async function eventsOfCalls(sql: Sql, callIds: readonly CallId[]): Promise<Map<CallId, CallEvent[]>> {
  const { rows } = await sql.query<EventRow>('SELECT * FROM events WHERE call_id = ANY($1) ORDER BY call_id, version', [callIds]);
  return Map.groupBy(rows.map(toEvent), (event) => event.callid);
}

/** @returns the events of one call, in order; none of a call that is forgotten, though its events lie there until their week goes. */
export async function eventsOfCall(sql: Sql, callId: CallId): Promise<CallEvent[]> {
  const { rows } = await sql.query<EventRow>('SELECT events.* FROM calls JOIN events USING (call_id) WHERE call_id = $1 ORDER BY version', [
    callId,
  ]);
  return rows.map(toEvent);
}

/** @returns the events of a call after one sequence and before another, in order; `limit` at most. */
export async function eventsBetween(
  sql: Sql,
  callId: CallId,
  { after, before, limit }: { after: number; before: number; limit: number },
): Promise<CallEvent[]> {
  const { rows } = await sql.query<EventRow>(
    'SELECT * FROM events WHERE call_id = $1 AND version > $2 AND version < $3 ORDER BY version LIMIT $4',
    [callId, after, before, limit],
  );
  return rows.map(toEvent);
}

/** @returns the event that a fact becomes when it is appended to a call as its `sequence`th. */
export function newEvent(
  fact: CallFact,
  {
    appId,
    callId,
    sequence,
    now,
    traceparent,
  }: { appId: AppId; callId: CallId; sequence: number; now: Date; traceparent?: string | undefined },
): CallEvent {
  const at = { id: uuidv7(), source: '/calls', at: now, subject: callId, appId, sequence, traceparent };
  return { ...enveloped(fact, at), callid: callId };
}
