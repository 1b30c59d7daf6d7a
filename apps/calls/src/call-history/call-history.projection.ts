import { type CallEvent, type CallState, callEventSchema, callStateSchema, foldCallEvent } from '@communication-center/contracts';
import { ProjectEvents, type ProjectionBatch, type Sql } from '@communication-center/event-log';
import { Controller } from '@nestjs/common';

/** Answers "which calls were there?" from what the log told, each call as the fold of its events. */
@Controller()
export class CallHistoryProjection {
  @ProjectEvents('call-history', { topics: ['calls.events'], tables: ['call_history'] })
  async apply({ events, tx }: ProjectionBatch): Promise<void> {
    const byCall = Map.groupBy(
      events.map((event) => callEventSchema.parse(event)),
      (event) => event.callid,
    );
    const before = await historyOf(tx, [...byCall.keys()]);
    for (const [callId, told] of byCall) await save(tx, before.get(callId), told);
  }
}

async function historyOf(tx: Sql, callIds: string[]): Promise<Map<string, CallState>> {
  const { rows } = await tx.query<{ call: unknown }>('SELECT call FROM call_history WHERE call_id = ANY($1) FOR UPDATE', [callIds]);
  return new Map(rows.map(({ call }) => callStateSchema.parse(call)).map((call) => [call.callId, call]));
}

async function save(tx: Sql, before: CallState | undefined, events: readonly CallEvent[]): Promise<void> {
  const call = events.reduce<CallState | undefined>(foldCallEvent, before);
  if (!call || call.sequence === before?.sequence) return;
  await tx.query(
    `INSERT INTO call_history (call_id, app_id, sequence, participants, dialed_at, call) VALUES ($1, $2, $3, $4, $5, $6)
     ON CONFLICT (call_id) DO UPDATE SET sequence = excluded.sequence, participants = excluded.participants, call = excluded.call`,
    [
      call.callId,
      events[0]?.appid,
      call.sequence,
      call.participants.map(({ userAlias }) => userAlias),
      call.dialedAt,
      JSON.stringify(call),
    ],
  );
}
