import {
  type AnyEvent,
  type CallEvent,
  type CallState,
  callEventSchema,
  callStateSchema,
  directoryEventSchema,
  foldCallEvent,
  type SessionEvent,
  sessionEventSchema,
} from '@communication-center/contracts';
import { ProjectEvents, type ProjectionBatch, type Sql } from '@communication-center/event-log';
import { Controller } from '@nestjs/common';

<<<<<<< HEAD

import { type Changed, endKeys } from './end-keys.js';
import { markWhoDiffers, prune } from './rebuilding.js';

=======

import { type Changed, noteSigns } from './note-signs.js';

>>>>>>> e7c7135 (Tell changes of presence in sixteen orders side by side, and set aside whoever cannot be published)

/**
 * Answers "who is where?": the open sessions of every user, the calls that are not over, and the users' wishes. Whoever may
 * be somewhere else now is marked, to be looked at and told of; see publish-changes/.
 *
 * When a device was last seen is kept in a table that no rebuild empties: the log forgets closed sessions.
 */
@Controller()
export class WhoIsWhereProjection {
  @ProjectEvents('who-is-where', {
    topics: ['sessions.events', 'calls.events', 'directory.events'],
    tables: ['device_sessions', 'current_calls', 'known_users'],
    sequences: 'SELECT call_id AS key, sequence FROM current_calls WHERE call_id = ANY($1)',
    prune,
    beforeSwap: markWhoDiffers,
  })
  async apply({ events, tombstones, tx, isRebuild }: ProjectionBatch): Promise<void> {
    const told: CallEvent[] = [];
    const changed: Changed[] = [];
    for (const event of events) {
      if (event.type.startsWith('call.')) told.push(callEventSchema.parse(event));
      else if (event.type.startsWith('session.')) changed.push(...(await this.#session(tx, sessionEventSchema.parse(event))));
      else changed.push(...(await this.#user(tx, event)));
    }
    for (const [, ofCall] of Map.groupBy(told, (event) => event.callid)) changed.push(...(await this.#call(tx, ofCall)));
<<<<<<< HEAD
    changed.push(...(await endKeys(tx, tombstones, events)));
    // What is folded again was seen, and looked at, when it happened.
    if (isRebuild) return;
    await noteSeen(tx, changed);
    await markToLookAt(tx, changed);
=======
    await noteSigns(tx, changed);
>>>>>>> e7c7135 (Tell changes of presence in sixteen orders side by side, and set aside whoever cannot be published)
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

  async #user(tx: Sql, event: AnyEvent): Promise<Changed[]> {
    const parsed = directoryEventSchema.parse(event);
    if (parsed.type === 'app.saved') return [];
    const { userAlias } = parsed.data;
    const { rowCount } = await tx.query(
      `INSERT INTO known_users (app_id, user_alias, sequence, deleted, do_not_disturb) VALUES ($1, $2, $3, $4, $5)
       ON CONFLICT (app_id, user_alias) DO UPDATE
       SET sequence = excluded.sequence, deleted = excluded.deleted, do_not_disturb = excluded.do_not_disturb
       WHERE known_users.sequence < excluded.sequence`,
      [parsed.appid, userAlias, parsed.sequence, parsed.type === 'user.deleted', parsed.type === 'user.saved' && parsed.data.doNotDisturb],
    );
    return rowCount === 0 ? [] : [{ appId: parsed.appid, userAlias }];
  }
}
<<<<<<< HEAD

/** Notes signs of life, in one order for all: two sessions of a device may be told by two partitions at once. */
async function noteSeen(tx: Sql, changed: readonly Changed[]): Promise<void> {
  const signs = changed.flatMap(({ appId, userAlias, seen }) => (seen ? [{ appId, userAlias, ...seen }] : []));
  if (signs.length === 0) return;
  await tx.query(
    `INSERT INTO seen_devices (app_id, user_alias, device_id, platform, last_seen_at)
     SELECT app_id, user_alias, device_id, max(platform), max(seen_at)
     FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::timestamptz[]) AS sign(app_id, user_alias, device_id, platform, seen_at)
     GROUP BY 1, 2, 3 ORDER BY app_id COLLATE "C", user_alias COLLATE "C", device_id COLLATE "C"
     ON CONFLICT (app_id, user_alias, device_id) DO UPDATE
     SET platform = excluded.platform, last_seen_at = greatest(seen_devices.last_seen_at, excluded.last_seen_at)`,
    [
      signs.map(({ appId }) => appId),
      signs.map(({ userAlias }) => userAlias),
      signs.map(({ deviceId }) => deviceId),
      signs.map(({ platform }) => platform),
      signs.map(({ at }) => at),
    ],
  );
}

/** Marks people in the one order everybody uses. A mark that is being worked on is waited for, so that none is lost. */
async function markToLookAt(tx: Sql, changed: readonly Changed[]): Promise<void> {
  if (changed.length === 0) return;
  await tx.query(
    `INSERT INTO people_to_look_at (app_id, user_alias)
     SELECT DISTINCT app_id COLLATE "C", user_alias COLLATE "C" FROM unnest($1::text[], $2::text[]) AS changed(app_id, user_alias) ORDER BY 1, 2
     ON CONFLICT (app_id, user_alias) DO UPDATE SET marks = people_to_look_at.marks + 1`,
    [changed.map(({ appId }) => appId), changed.map(({ userAlias }) => userAlias)],
  );
}
=======
>>>>>>> e7c7135 (Tell changes of presence in sixteen orders side by side, and set aside whoever cannot be published)
