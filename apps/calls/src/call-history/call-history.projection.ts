import { type CallEvent, type CallRecord, callEventSchema, callPartSchema, callStateSchema } from '@communication-center/contracts';
import { ProjectEvents, type ProjectionBatch, type Sql } from '@communication-center/event-log';
import { Controller } from '@nestjs/common';
import { foldRecord } from '../domain/parts.js';

/** Answers "which calls were there, and how did they go for whom?" from what the log told. */
@Controller()
export class CallHistoryProjection {
  @ProjectEvents('call-history', {
    topics: ['calls.events'],
    tables: ['call_history'],
    sequences: 'SELECT call_id AS key, sequence FROM call_history WHERE call_id = ANY($1)',
  })
  async apply({ events, tx }: ProjectionBatch): Promise<void> {
    const byCall = Map.groupBy(
      events.map((event) => callEventSchema.parse(event)),
      (event) => event.callid,
    );
    const before = await historyOf(tx, [...byCall.keys()]);
    for (const [callId, told] of byCall) await save(tx, before.get(callId), told);
  }
}

interface HistoryRow {
  call: unknown;
  parts: unknown[];
}

/** @returns a row of the history as the record it keeps. */
export function toRecord({ call, parts }: HistoryRow): CallRecord {
  return { ...callStateSchema.parse(call), parts: parts.map((part) => callPartSchema.parse(part)) };
}

async function historyOf(tx: Sql, callIds: string[]): Promise<Map<string, CallRecord>> {
  const { rows } = await tx.query<HistoryRow>('SELECT call, parts FROM call_history WHERE call_id = ANY($1) FOR UPDATE', [callIds]);
  return new Map(rows.map(toRecord).map((record) => [record.callId, record]));
}

async function save(tx: Sql, before: CallRecord | undefined, events: readonly CallEvent[]): Promise<void> {
  const record = events.reduce<CallRecord | undefined>(foldRecord, before);
  if (!record || record.sequence === before?.sequence) return;
  const { parts, ...call } = record;
  await tx.query(
    `INSERT INTO call_history (call_id, app_id, sequence, status, participants, dialed_at, call, parts) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
     ON CONFLICT (call_id) DO UPDATE
     SET sequence = excluded.sequence, status = excluded.status, participants = excluded.participants, call = excluded.call, parts = excluded.parts`,
    [
      call.callId,
      events[0]?.appid,
      call.sequence,
      call.status,
      call.participants.map(({ userAlias }) => userAlias),
      call.dialedAt,
      JSON.stringify(call),
      JSON.stringify(parts),
    ],
  );
}
