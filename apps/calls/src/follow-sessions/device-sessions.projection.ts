import type { AnyEvent, AppId, CallId, MediaEvent, SessionEvent } from '@communication-center/contracts';
import { ProjectEvents, type ProjectionBatch, type Sql, type Tombstone } from '@communication-center/event-log';
import { Settings } from '@communication-center/service';
import { Controller, Inject } from '@nestjs/common';
import type { CallsSettings } from '../settings.js';
import { actOnSockets, type Device, type FailedDevice, failMedia, lockSessions, watchAllIn } from './connection-deadlines.js';

interface Socket extends Device {
  sessionId: string;
  sequence: number;
  /** When it closed; null while it is open. */
  closedAt: string | null;
  /** The call whose media it carries; null for a signalling socket. */
  mediaOf: CallId | null;
}

/** Higher than any sequence: nothing is newer than the end of a session. */
const atTheEnd = 2_147_483_647;

/**
 * Answers "which devices have a live socket, signalling or media?", and starts or stops the grace of a device in a call with
 * what changes. What a rebuild folds again was acted on when it happened: only devices that turn out to have no socket are
 * given the grace.
 */
@Controller()
export class DeviceSessionsProjection {
  constructor(@Inject(Settings) private readonly settings: CallsSettings) {}

  @ProjectEvents('follow-sessions', {
    topics: ['sessions.events', 'media.events'],
    tables: ['device_sessions'],
    beforeSwap: (shadow) => [watchAllIn(shadow)],
  })
  async apply(batch: ProjectionBatch<'sessions.events' | 'media.events'>): Promise<void> {
    const { events, tombstones, tx, isRebuild } = batch;
    const sockets = batch.topic === 'media.events' ? batch.events.map(mediaSocket) : batch.events.map(signallingSocket);
    if (!isRebuild) await lockSessions(tx, [...sockets.map(({ sessionId }) => sessionId), ...tombstones.map(({ key }) => key)]);
    const news: Socket[] = [];
    for (const socket of sockets) if (await save(tx, socket)) news.push(socket);
    const ended = await end(tx, tombstones, events);
    if (isRebuild) return;
    const opened = news.filter(({ closedAt }) => closedAt === null);
    const closed = [...news.filter(({ closedAt }) => closedAt !== null), ...ended];
    await actOnSockets(tx, { opened, closed }, this.settings.CONNECTION_GRACE_MS);
    if (batch.topic === 'media.events') await failMedia(tx, batch.events.flatMap(failedDevice));
  }
}

/** @returns whether the socket was news. */
async function save(tx: Sql, { sessionId, appId, userAlias, deviceId, sequence, closedAt, mediaOf }: Socket): Promise<boolean> {
  const { rowCount } = await tx.query(
    `INSERT INTO device_sessions (session_id, app_id, user_alias, device_id, sequence, closed_at, media_of_call)
     VALUES ($1, $2, $3, $4, $5, $6, $7)
     ON CONFLICT (session_id) DO UPDATE SET sequence = excluded.sequence, closed_at = excluded.closed_at
     WHERE device_sessions.sequence < excluded.sequence`,
    [sessionId, appId, userAlias, deviceId, sequence, closedAt, mediaOf],
  );
  return rowCount === 1;
}

/**
 * Ends sessions whose keys ended in the log, where the event that said so is compacted away: as a rule it is in `events`.
 * One that is not known is written down as ended, of nobody: a late event of it must not open it.
 * @returns the devices that had a socket open.
 */
async function end(tx: Sql, tombstones: readonly Tombstone[], events: readonly AnyEvent[]): Promise<Device[]> {
  const said = new Set(events.filter(({ type }) => type === 'session.closed' || type === 'media.left').map(({ subject }) => subject));
  const ended = tombstones.map(({ key }) => key).filter((key) => !said.has(key));
  if (ended.length === 0) return [];
  const { rows } = await tx.query<{ app_id: AppId; user_alias: string; device_id: string; was_open: boolean }>(
    `WITH before AS (SELECT session_id FROM device_sessions WHERE session_id = ANY($1::uuid[]) AND closed_at IS NULL)
     INSERT INTO device_sessions AS s (session_id, app_id, user_alias, device_id, sequence, closed_at)
     SELECT id, '', '', '', ${atTheEnd}, clock_timestamp() FROM unnest($1::uuid[]) AS ended(id) ORDER BY id
     ON CONFLICT (session_id) DO UPDATE SET sequence = excluded.sequence, closed_at = coalesce(s.closed_at, excluded.closed_at)
     RETURNING app_id, user_alias, device_id, session_id IN (SELECT session_id FROM before) AS was_open`,
    [ended],
  );
  return rows
    .filter(({ was_open }) => was_open)
    .map(({ app_id, user_alias, device_id }) => ({ appId: app_id, userAlias: user_alias, deviceId: device_id }));
}

function signallingSocket({ type, appid, sequence, time, data }: SessionEvent): Socket {
  return { ...data, appId: appid, sequence, closedAt: type === 'session.closed' ? time : null, mediaOf: null };
}

function mediaSocket({ type, appid, sequence, time, data }: MediaEvent): Socket {
  return {
    ...data,
    sessionId: data.mediaSessionId,
    appId: appid,
    sequence,
    closedAt: type === 'media.joined' ? null : time,
    mediaOf: data.callId,
  };
}

/** @returns the device that a media socket left because nothing ever came through; a repeat of it finds nobody in the call, or nothing to do. */
function failedDevice({ type, appid, time, data }: MediaEvent): FailedDevice[] {
  if (type !== 'media.left' || data.failed === undefined) return [];
  const { userAlias, deviceId, callId, failed } = data;
  return [{ appId: appid, userAlias, deviceId, callId, at: time, failure: failed }];
}
