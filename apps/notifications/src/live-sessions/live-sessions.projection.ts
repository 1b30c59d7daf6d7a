import type { SessionEvent } from '@communication-center/contracts';
import { EventLogServer, ProjectEvents, type ProjectionBatch, Rest, type Sql } from '@communication-center/event-log';
import { Controller } from '@nestjs/common';
import { KnownCredentials } from '../credentials/known-credentials.js';

/** Nobody waits for it where nobody is pushed to: then it is brought up to date once a second. */
const restMs = 1000;

/** Answers "has this user a socket open?", so that nobody else is asked while somebody is called. */
@Controller()
export class LiveSessionsProjection {
  constructor(known: KnownCredentials, server: EventLogServer) {
    server.letRest('live-sessions', new Rest(() => (known.isAnybodyThere ? 0 : restMs)));
  }

  @ProjectEvents('live-sessions', { topics: ['sessions.events'], tables: ['live_sessions'] })
  async apply({ events, tombstones, tx }: ProjectionBatch<'sessions.events'>): Promise<void> {
    await save(tx, events);
    const ended = tombstones.filter(({ isFollowed }) => !isFollowed).map(({ key }) => key);
    if (ended.length === 0) return;
    await tx.query('UPDATE live_sessions SET closed_at = now() WHERE session_id::text = ANY($1) AND closed_at IS NULL', [ended]);
  }
}

/** Saves sessions, each by its newest event, in one statement and in the order of their ids. */
async function save(tx: Sql, events: readonly SessionEvent[]): Promise<void> {
  if (events.length === 0) return;
  const newest = [...Map.groupBy(events, ({ data }) => data.sessionId).values()].map((ofOne) =>
    ofOne.reduce((last, event) => (event.sequence > last.sequence ? event : last)),
  );
  const rows = newest.map((event) => ({
    session_id: event.data.sessionId,
    app_id: event.appid,
    user_alias: event.data.userAlias,
    device_id: event.data.deviceId,
    sequence: event.sequence,
    closed_at: event.type === 'session.closed' ? event.time : null,
  }));
  await tx.query(
    `INSERT INTO live_sessions (session_id, app_id, user_alias, device_id, sequence, closed_at)
     SELECT * FROM json_to_recordset($1)
       AS told(session_id uuid, app_id text, user_alias text, device_id text, sequence int, closed_at timestamptz)
     ORDER BY session_id
     ON CONFLICT (session_id) DO UPDATE SET sequence = excluded.sequence, closed_at = excluded.closed_at
     WHERE live_sessions.sequence < excluded.sequence`,
    [JSON.stringify(rows)],
  );
}
