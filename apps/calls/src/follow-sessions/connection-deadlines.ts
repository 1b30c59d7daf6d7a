import type { AppId, CallId } from '@communication-center/contracts';
import type { Sql } from '@communication-center/event-log';

const noLiveSessionIn = (sessions: string) => `NOT EXISTS (
  SELECT 1 FROM ${sessions} AS live
  WHERE live.app_id = lines.app_id AND live.user_alias = lines.user_alias AND live.device_id = lines.active_device_id
    AND live.closed_at IS NULL)`;
/** SQL that asks of a row of `lines` whether the device in the call has no live socket. */
export const noLiveSession = noLiveSessionIn('device_sessions');

/** A device of a user. */
export interface Device {
  appId: AppId;
  userAlias: string;
  deviceId: string;
}

/** Locks sessions in one order before any is changed, so that batches and commands do not wait for each other. */
export async function lockSessions(tx: Sql, sessionIds: readonly string[]): Promise<void> {
  await tx.query('SELECT FROM device_sessions WHERE session_id = ANY($1::uuid[]) ORDER BY session_id FOR UPDATE', [sessionIds]);
}

/**
 * Acts on sockets that have opened and closed: a device in a call whose last one has closed gets the grace to come back, the
 * next one takes that away. An app may have shortened the grace. Devices are locked meanwhile: of two sockets that close at the same moment in two batches, as
 * those of a phone that dies, one is the last.
 */
export async function actOnSockets(
  tx: Sql,
  { opened, closed }: { opened: readonly Device[]; closed: readonly Device[] },
  graceMs: number,
): Promise<void> {
  if (opened.length + closed.length === 0) return;
  await tx.query(
    `SELECT pg_advisory_xact_lock(device)
     FROM (SELECT DISTINCT hashtextextended(concat_ws(' ', 'device', app_id, user_alias, device_id), 0) AS device
           FROM unnest($1::text[], $2::text[], $3::text[]) AS changed(app_id, user_alias, device_id) ORDER BY 1) AS changed`,
    columnsOf([...opened, ...closed]),
  );
  // In this order: what opened may have closed again.
  if (opened.length > 0) await unwatch(tx, opened);
  if (closed.length > 0) await watch(tx, closed, graceMs);
}

async function watch(tx: Sql, devices: readonly Device[], graceMs: number): Promise<void> {
  await tx.query(
    `INSERT INTO deadlines (call_id, app_id, kind, user_alias, due_at)
     SELECT DISTINCT active_call_id, app_id, 'connection', user_alias,
            now() + make_interval(secs => least($4, (options ->> 'connectionGraceSeconds')::float8))
     FROM unnest($1::text[], $2::text[], $3::text[]) AS closed(app_id, user_alias, device_id)
     JOIN lines USING (app_id, user_alias) LEFT JOIN app_options USING (app_id)
     WHERE active_device_id = device_id AND active_call_id IS NOT NULL AND ${noLiveSession}
     ON CONFLICT DO NOTHING`,
    [...columnsOf(devices), graceMs / 1000],
  );
}

async function unwatch(tx: Sql, devices: readonly Device[]): Promise<void> {
  await tx.query(
    `DELETE FROM deadlines USING unnest($1::text[], $2::text[], $3::text[]) AS opened(app_id, user_alias, device_id)
     JOIN lines USING (app_id, user_alias)
     WHERE deadlines.kind = 'connection' AND deadlines.call_id = lines.active_call_id AND deadlines.user_alias = lines.user_alias
       AND lines.active_device_id = opened.device_id`,
    columnsOf(devices),
  );
}

/** Of a device nothing ever came through in a call. */
export interface FailedDevice extends Device {
  callId: CallId;
  at: string;
  failure: string;
}

/** Has calls decide on devices of which nothing ever came through, where they are in those calls still. */
export async function failMedia(tx: Sql, devices: readonly FailedDevice[]): Promise<void> {
  if (devices.length === 0) return;
  await tx.query(
    `INSERT INTO deadlines (call_id, app_id, kind, user_alias, due_at, failed_device, failure)
     SELECT DISTINCT ON (call_id, user_alias) call_id, app_id, 'media', user_alias, least(at, now()), device_id, failure
     FROM unnest($1::text[], $2::text[], $3::text[], $4::uuid[], $5::timestamptz[], $6::text[])
       AS failed(app_id, user_alias, device_id, call_id, at, failure)
     JOIN lines USING (app_id, user_alias)
     WHERE active_call_id = call_id AND active_device_id = device_id ORDER BY call_id, user_alias
     ON CONFLICT (call_id, kind, user_alias) DO UPDATE
     SET due_at = excluded.due_at, failed_device = excluded.failed_device, failure = excluded.failure`,
    [...columnsOf(devices), devices.map(({ callId }) => callId), devices.map(({ at }) => at), devices.map(({ failure }) => failure)],
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

function columnsOf(devices: readonly Device[]): string[][] {
  return [devices.map(({ appId }) => appId), devices.map(({ userAlias }) => userAlias), devices.map(({ deviceId }) => deviceId)];
}
