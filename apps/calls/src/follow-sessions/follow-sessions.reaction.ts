import { type AppId, type CallId, mediaEventSchema, sessionEventSchema } from '@communication-center/contracts';
import { type ReactionBatch, ReactToEvents, type Sql } from '@communication-center/event-log';
import { Postgres, Settings } from '@communication-center/service';
import { Controller, Inject } from '@nestjs/common';
import type { CallsSettings } from '../settings.js';
import { unwatchDevice, watchDevice } from './connection-deadlines.js';

interface Socket {
  sessionId: string;
  appId: AppId;
  userAlias: string;
  deviceId: string;
  sequence: number;
  open: boolean;
  /** The call whose media it carries; null for a signalling socket. */
  mediaOf: CallId | null;
}

/** Knows which devices have a live socket, signalling or media, and starts or stops the grace of a device in a call. */
@Controller()
export class FollowSessions {
  constructor(
    private readonly database: Postgres,
    @Inject(Settings) private readonly settings: CallsSettings,
  ) {}

  @ReactToEvents('follow-sessions', { topics: ['sessions.events', 'media.events'] })
  async follow({ events }: ReactionBatch): Promise<void> {
    const sockets = events.map((event) => (event.type.startsWith('media.') ? mediaSocket(event) : signallingSocket(event)));
    await this.database.transaction(async (tx) => {
      for (const socket of sockets) await this.#take(tx, socket);
    });
  }

  async #take(tx: Sql, { sessionId, appId, userAlias, deviceId, sequence, open, mediaOf }: Socket): Promise<void> {
    const { rowCount } = await tx.query(
      `INSERT INTO device_sessions (session_id, app_id, user_alias, device_id, sequence, closed_at, media_of_call)
       VALUES ($1, $2, $3, $4, $5, CASE WHEN $6 THEN NULL ELSE clock_timestamp() END, $7)
       ON CONFLICT (session_id) DO UPDATE SET sequence = excluded.sequence, closed_at = excluded.closed_at
       WHERE device_sessions.sequence < excluded.sequence`,
      [sessionId, appId, userAlias, deviceId, sequence, open, mediaOf],
    );
    if (rowCount === 0) return;
    if (open) await unwatchDevice(tx, appId, userAlias, deviceId);
    else await watchDevice(tx, appId, userAlias, deviceId, this.settings.CONNECTION_GRACE_MS);
  }
}

function signallingSocket(event: unknown): Socket {
  const { type, appid, sequence, data } = sessionEventSchema.parse(event);
  return { ...data, appId: appid, sequence, open: type !== 'session.closed', mediaOf: null };
}

function mediaSocket(event: unknown): Socket {
  const { type, appid, sequence, data } = mediaEventSchema.parse(event);
  return {
    ...data,
    sessionId: data.mediaSessionId,
    appId: appid,
    sequence,
    open: type === 'media.joined',
    mediaOf: data.callId,
  };
}
