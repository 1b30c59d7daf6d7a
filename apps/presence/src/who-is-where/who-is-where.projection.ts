import {
  type CallEvent,
  type CallState,
  callStateSchema,
  type DirectoryEvent,
  foldCallEvent,
  type SessionEvent,
} from '@communication-center/contracts';
import { ProjectEvents, type ProjectionBatch, type Sql } from '@communication-center/event-log';
import { Controller } from '@nestjs/common';
import { PublishChanges } from '../publish-changes/publish-changes.js';
import { type Changed, endKeys } from './end-keys.js';
import { noteSigns } from './note-signs.js';
import { markWhoDiffers, prune } from './rebuilding.js';

/**
 * Answers "who is where?": the open sessions of every user, the calls that are not over, and the users' wishes. Whoever may
 * be somewhere else now is marked, to be looked at and told of; see publish-changes/.
 *
 * When a device was last seen is kept in a table that no rebuild empties: the log forgets closed sessions.
 */
@Controller()
export class WhoIsWhereProjection {
  constructor(private readonly publisher: PublishChanges) {}

  @ProjectEvents('who-is-where', {
    topics: ['sessions.events', 'calls.events', 'directory.events'],
    tables: ['device_sessions', 'current_calls', 'known_users'],
    sequences: 'SELECT call_id AS key, sequence FROM current_calls WHERE call_id = ANY($1)',
    prune,
    beforeSwap: markWhoDiffers,
  })
  async apply(batch: ProjectionBatch<'sessions.events' | 'calls.events' | 'directory.events'>): Promise<void> {
    const { events, tombstones, tx, isRebuild, afterCommit } = batch;
    const changed = [...(await this.#fold(batch)), ...(await endKeys(tx, tombstones, events))];
    // What is folded again was seen, and looked at, when it happened.
    if (isRebuild) return;
    await noteSigns(tx, changed);
    if (changed.length > 0) afterCommit(() => this.publisher.wake());
  }

  async #fold(batch: ProjectionBatch<'sessions.events' | 'calls.events' | 'directory.events'>): Promise<Changed[]> {
    const changed: Changed[] = [];
    if (batch.topic === 'calls.events') {
      for (const ofCall of Map.groupBy(batch.events, (event) => event.callid).values())
        changed.push(...(await this.#call(batch.tx, ofCall)));
    } else if (batch.topic === 'sessions.events') {
      for (const event of batch.events) changed.push(...(await this.#session(batch.tx, event)));
    } else {
      for (const event of batch.events) changed.push(...(await this.#user(batch.tx, event)));
    }
    return changed;
  }

  async #session(tx: Sql, { appid, sequence, time, data, type }: SessionEvent): Promise<Changed[]> {
    const open = type !== 'session.closed';
    const { rowCount } = await tx.query(
      `INSERT INTO device_sessions (session_id, app_id, user_alias, device_id, platform, sequence, opened_at, closed_at, away)
       VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
       ON CONFLICT (session_id) DO UPDATE SET sequence = excluded.sequence, closed_at = excluded.closed_at, away = excluded.away
       WHERE device_sessions.sequence < excluded.sequence`,
      [
        data.sessionId,
        appid,
        data.userAlias,
        data.deviceId,
        data.platform,
        sequence,
        data.openedAt ?? time,
        open ? null : time,
        type === 'session.went_away',
      ],
    );
    if (rowCount === 0) return [];
    return [{ appId: appid, userAlias: data.userAlias, seen: { deviceId: data.deviceId, platform: data.platform, at: time } }];
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
    return participants.map((userAlias) => ({ appId: first.appid, userAlias }));
  }

  async #user(tx: Sql, event: DirectoryEvent): Promise<Changed[]> {
    if (event.type === 'app.saved') return [];
    const { userAlias } = event.data;
    const { rowCount } = await tx.query(
      `INSERT INTO known_users (app_id, user_alias, sequence, deleted, do_not_disturb) VALUES ($1, $2, $3, $4, $5)
       ON CONFLICT (app_id, user_alias) DO UPDATE
       SET sequence = excluded.sequence, deleted = excluded.deleted, do_not_disturb = excluded.do_not_disturb
       WHERE known_users.sequence < excluded.sequence`,
      [event.appid, userAlias, event.sequence, event.type === 'user.deleted', event.type === 'user.saved' && event.data.doNotDisturb],
    );
    return rowCount === 0 ? [] : [{ appId: event.appid, userAlias }];
  }
}
