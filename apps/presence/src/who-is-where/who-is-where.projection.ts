import {
  type AnyEvent,
  type AppId,
  type CallEvent,
  type CallState,
  callEventSchema,
  callStateSchema,
  directoryEventSchema,
  foldCallEvent,
  type SessionEvent,
  sessionEventSchema,
  type UserAlias,
} from '@communication-center/contracts';
import { ProjectEvents, type ProjectionBatch, type Sql } from '@communication-center/event-log';
import { Controller } from '@nestjs/common';

/**
 * Answers "who is where?": the open sessions of every user, and the calls that are not over.
 *
 * A user's version lives in a table of its own that no rebuild empties, so that it never goes back.
 */
@Controller()
export class WhoIsWhereProjection {
  @ProjectEvents('who-is-where', {
    topics: ['sessions.events', 'calls.events', 'directory.events'],
    tables: ['device_sessions', 'current_calls', 'known_users'],
  })
  async apply({ events, tx }: ProjectionBatch): Promise<void> {
    const told: CallEvent[] = [];
    const changed: Changed[] = [];
    for (const event of events) {
      if (event.type.startsWith('call.')) told.push(callEventSchema.parse(event));
      else if (event.type.startsWith('session.')) changed.push(...(await this.#session(tx, sessionEventSchema.parse(event))));
      else await this.#user(tx, event);
    }
    for (const [, ofCall] of Map.groupBy(told, (event) => event.callid)) changed.push(...(await this.#call(tx, ofCall)));
    await raiseVersions(tx, changed);
  }

  async #session(tx: Sql, { appid, sequence, time, data, type }: SessionEvent): Promise<Changed[]> {
    const open = type === 'session.opened';
    const { rowCount } = await tx.query(
      `INSERT INTO device_sessions (session_id, app_id, user_alias, device_id, platform, sequence, opened_at, closed_at)
       VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
       ON CONFLICT (session_id) DO UPDATE SET sequence = excluded.sequence, closed_at = excluded.closed_at
       WHERE device_sessions.sequence < excluded.sequence`,
      [data.sessionId, appid, data.userAlias, data.deviceId, data.platform, sequence, time, open ? null : time],
    );
    return rowCount === 1 ? [{ appId: appid, userAlias: data.userAlias, seenAt: time }] : [];
  }

  async #call(tx: Sql, events: readonly CallEvent[]): Promise<Changed[]> {
    const first = events[0] as CallEvent;
    const { rows } = await tx.query<{ call: unknown }>('SELECT call FROM current_calls WHERE call_id = $1 FOR UPDATE', [first.callid]);
    const before = rows[0] && callStateSchema.parse(rows[0].call);
    const call = events.reduce<CallState | undefined>(foldCallEvent, before);
    if (!call || call.sequence === before?.sequence) return [];
    const participants = call.participants.map(({ userAlias }) => userAlias);
    await tx.query(
      `INSERT INTO current_calls (call_id, app_id, sequence, ended, participants, call) VALUES ($1, $2, $3, $4, $5, $6)
       ON CONFLICT (call_id) DO UPDATE
       SET sequence = excluded.sequence, ended = excluded.ended, participants = excluded.participants, call = excluded.call, updated_at = clock_timestamp()`,
      [call.callId, first.appid, call.sequence, call.status === 'ended', participants, JSON.stringify(call)],
    );
    return participants.map((userAlias) => ({ appId: first.appid, userAlias, seenAt: null }));
  }

  async #user(tx: Sql, event: AnyEvent): Promise<void> {
    const parsed = directoryEventSchema.parse(event);
    if (parsed.type === 'app.saved') return;
    await tx.query(
      `INSERT INTO known_users (app_id, user_alias, sequence, deleted) VALUES ($1, $2, $3, $4)
       ON CONFLICT (app_id, user_alias) DO UPDATE SET sequence = excluded.sequence, deleted = excluded.deleted
       WHERE known_users.sequence < excluded.sequence`,
      [parsed.appid, parsed.data.userAlias, parsed.sequence, parsed.type === 'user.deleted'],
    );
  }
}

interface Changed {
  appId: AppId;
  userAlias: UserAlias;
  /** null where the change is no sign of life. */
  seenAt: string | null;
}

/** Raises the version of every changed user once, in the one order everybody uses, under their rows' locks. */
async function raiseVersions(tx: Sql, changed: readonly Changed[]): Promise<void> {
  if (changed.length === 0) return;
  await tx.query(
    `INSERT INTO people (app_id, user_alias, version, last_seen_at)
     SELECT app_id, user_alias, 1, max(seen_at)
     FROM unnest($1::text[], $2::text[], $3::timestamptz[]) AS changed(app_id, user_alias, seen_at)
     GROUP BY app_id, user_alias ORDER BY app_id COLLATE "C", user_alias COLLATE "C"
     ON CONFLICT (app_id, user_alias) DO UPDATE
     SET version = people.version + 1, last_seen_at = greatest(people.last_seen_at, excluded.last_seen_at)`,
    [changed.map(({ appId }) => appId), changed.map(({ userAlias }) => userAlias), changed.map(({ seenAt }) => seenAt)],
  );
}
