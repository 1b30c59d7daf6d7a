import type { AppId, CallState } from '@communication-center/contracts';
import type { Sql } from '@communication-center/event-log';

const noLiveSessionIn = (sessions: string) => `NOT EXISTS (
  SELECT 1 FROM ${sessions} AS live
  WHERE live.app_id = lines.app_id AND live.user_alias = lines.user_alias AND live.device_id = lines.active_device_id
    AND live.closed_at IS NULL)`;
const noLiveSession = noLiveSessionIn('device_sessions');

/** Gives everyone in the call whose device has no live socket the grace to come (back); a devices's socket takes it away. */
export async function watchConnections(tx: Sql, appId: AppId, call: CallState, graceMs: number): Promise<void> {
  if (call.status === 'ended') return;
  await tx.query(
    `INSERT INTO deadlines (call_id, app_id, kind, user_alias, due_at)
     SELECT active_call_id, app_id, 'connection', user_alias, clock_timestamp() + make_interval(secs => $3)
     FROM lines
     WHERE app_id = $1 AND active_call_id = $2 AND active_device_id IS NOT NULL AND ${noLiveSession}
     ON CONFLICT DO NOTHING`,
    [appId, call.callId, graceMs / 1000],
  );
}

/** As {@link watchConnections}, for one device whose socket has closed. */
export async function watchDevice(tx: Sql, appId: AppId, userAlias: string, deviceId: string, graceMs: number): Promise<void> {
  await tx.query(
    `INSERT INTO deadlines (call_id, app_id, kind, user_alias, due_at)
     SELECT active_call_id, app_id, 'connection', user_alias, clock_timestamp() + make_interval(secs => $4)
     FROM lines
     WHERE app_id = $1 AND user_alias = $2 AND active_device_id = $3 AND active_call_id IS NOT NULL AND ${noLiveSession}
     ON CONFLICT DO NOTHING`,
    [appId, userAlias, deviceId, graceMs / 1000],
  );
}

/**
 * @returns SQL that gives everyone in a call whose device has no live socket by a rebuilt table the grace, of half a minute;
 * whoever is given it for nothing is found connected when it ends.
 */
export function watchAllIn(shadow: string): string {
  return `INSERT INTO deadlines (call_id, app_id, kind, user_alias, due_at)
     SELECT active_call_id, app_id, 'connection', user_alias, clock_timestamp() + interval '30 seconds'
     FROM lines
     WHERE active_call_id IS NOT NULL AND active_device_id IS NOT NULL AND ${noLiveSessionIn(`${shadow}.device_sessions`)}
     ON CONFLICT DO NOTHING`;
}

/** The device has a socket again. */
export async function unwatchDevice(tx: Sql, appId: AppId, userAlias: string, deviceId: string): Promise<void> {
  await tx.query(
    `DELETE FROM deadlines USING lines
     WHERE deadlines.kind = 'connection' AND deadlines.call_id = lines.active_call_id AND deadlines.user_alias = lines.user_alias
       AND lines.app_id = $1 AND lines.user_alias = $2 AND lines.active_device_id = $3`,
    [appId, userAlias, deviceId],
  );
}

/** @returns the device a user is in the call with, when it has no live socket. */
export async function disconnectedDevice(tx: Sql, appId: AppId, callId: string, userAlias: string): Promise<string | undefined> {
  const { rows } = await tx.query<{ device: string }>(
    `SELECT active_device_id AS device FROM lines
     WHERE app_id = $1 AND user_alias = $3 AND active_call_id = $2 AND active_device_id IS NOT NULL AND ${noLiveSession}`,
    [appId, callId, userAlias],
  );
  return rows[0]?.device;
}

/** @returns whether the device a user is in the call with ever joined the call's media. */
export async function hasJoinedMedia(tx: Sql, appId: AppId, callId: string, userAlias: string): Promise<boolean> {
  const { rowCount } = await tx.query(
    `SELECT 1 FROM lines JOIN device_sessions AS media ON media.app_id = lines.app_id AND media.user_alias = lines.user_alias
       AND media.device_id = lines.active_device_id AND media.media_of_call = lines.active_call_id
     WHERE lines.app_id = $1 AND lines.user_alias = $3 AND lines.active_call_id = $2`,
    [appId, callId, userAlias],
  );
  return (rowCount ?? 0) > 0;
}
