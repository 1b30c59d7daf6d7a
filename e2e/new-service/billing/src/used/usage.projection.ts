import type { CallEvent } from '@communication-center/contracts';
import { ProjectEvents, type ProjectionBatch } from '@communication-center/event-log';
import { Controller } from '@nestjs/common';

/** Answers "how much did this app call?" */
@Controller()
export class UsageProjection {
  @ProjectEvents('usage', {
    topics: ['calls.events'],
    tables: ['calls_used'],
    sequences: 'SELECT call_id AS key, sequence FROM calls_used WHERE call_id = ANY($1)',
  })
  async apply({ events, tx }: ProjectionBatch<'calls.events'>): Promise<void> {
    const byCall = Map.groupBy(events, ({ callid }) => callid);
    await tx.query(
      `INSERT INTO calls_used (call_id, app_id, sequence, ended_at, talk_seconds)
       SELECT * FROM json_to_recordset($1::json)
         AS told(call_id uuid, app_id text, sequence int, ended_at timestamptz, talk_seconds double precision)
       ON CONFLICT (call_id) DO UPDATE
       SET sequence = excluded.sequence,
           ended_at = coalesce(excluded.ended_at, calls_used.ended_at),
           talk_seconds = coalesce(excluded.talk_seconds, calls_used.talk_seconds)
       WHERE calls_used.sequence < excluded.sequence`,
      [JSON.stringify([...byCall.values()].map(rowOf))],
    );
  }
}

function rowOf(told: readonly CallEvent[]): object {
  const last = told.at(-1);
  const ended = told.find((event) => event.type === 'call.ended');
  return {
    call_id: last?.callid,
    app_id: last?.appid,
    sequence: last?.sequence,
    ended_at: ended?.time ?? null,
    talk_seconds: ended?.data.talkSeconds ?? null,
  };
}
