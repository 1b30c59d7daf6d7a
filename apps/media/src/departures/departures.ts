import type { CallEvent } from '@communication-center/contracts';
import { Postgres, ProblemError } from '@communication-center/service';
import { Injectable } from '@nestjs/common';
import type { Grant } from '../credentials/media-tokens.js';

/** Somebody's part in a call is over, while the call may go on. */
export type Departure = Extract<CallEvent, { type: 'call.left' | 'call.hung_up' | 'call.kicked' }>;

/** @returns the event as a departure; undefined for any other. */
export function asDeparture(event: CallEvent): Departure | undefined {
  return event.type === 'call.left' || event.type === 'call.hung_up' || event.type === 'call.kicked' ? event : undefined;
}

/** Knows who left which call, so that a token from before does not let them in again. */
@Injectable()
export class Departures {
  constructor(private readonly database: Postgres) {}

  async note(departures: readonly Departure[]): Promise<void> {
    if (departures.length === 0) return;
    await this.database.query(
      `INSERT INTO departures (call_id, user_alias, sequence)
       SELECT call_id, user_alias, max(sequence) FROM unnest($1::uuid[], $2::text[], $3::int[]) AS told(call_id, user_alias, sequence)
       GROUP BY call_id, user_alias
       ON CONFLICT (call_id, user_alias) DO UPDATE SET sequence = greatest(departures.sequence, excluded.sequence)`,
      [departures.map(({ callid }) => callid), departures.map(({ data }) => data.userAlias), departures.map(({ sequence }) => sequence)],
    );
  }

  /** @throws ProblemError `room_closed` for a token that was given before its user left the call. */
  async requirePresent({ callId, userAlias, sequence }: Grant): Promise<void> {
    const { rowCount } = await this.database.query('SELECT 1 FROM departures WHERE call_id = $1 AND user_alias = $2 AND sequence > $3', [
      callId,
      userAlias,
      sequence,
    ]);
    if (rowCount) throw new ProblemError('room_closed', 'You have left this call');
  }
}
