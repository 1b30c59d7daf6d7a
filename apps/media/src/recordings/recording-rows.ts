import type { AppId, CallId, DeviceId, RecordingId, UserAlias } from '@communication-center/contracts';
import type { RecordingFault, RecordingFile, RecordingState } from '@communication-center/contracts/recordings';
import type { Sql } from '@communication-center/event-log';
import { LeasedRows } from '@communication-center/service';
import type { Wanted } from './domain/next-act.js';

/** A recording as it is kept. */
export interface RecordingRow {
  recording_id: RecordingId;
  call_id: CallId;
  app_id: AppId;
  state: RecordingState;
  wanted: Wanted;
  /** How many events of it were told. */
  told: number;
  started_at: Date;
  stopped_at: Date | null;
  fault: RecordingFault | null;
  seconds: number | null;
  storage_id: string | null;
  expires_at: Date | null;
}

const columns = 'recording_id, call_id, app_id, state, wanted, told, started_at, stopped_at, fault, seconds, storage_id, expires_at';

/** What the calls service decided about a recording. */
export interface Heard {
  recordingId: RecordingId;
  callId: CallId;
  appId: AppId;
  /** The event's place in its call. */
  sequence: number;
  at: string;
  wanted: Wanted;
}

/** Notes a recording that begins. @returns it; undefined where it was known. */
export async function noteBegun(tx: Sql, { recordingId, callId, appId, sequence, at }: Heard): Promise<RecordingRow | undefined> {
  const { rows } = await tx.query<RecordingRow>(
    `INSERT INTO recordings (recording_id, call_id, app_id, heard, started_at, look_at, told)
     VALUES ($1, $2, $3, $4, $5, clock_timestamp(), 1) ON CONFLICT DO NOTHING RETURNING ${columns}`,
    [recordingId, callId, appId, sequence, at],
  );
  return rows[0];
}

/** Notes what is wanted of a recording from now on, unless something later was heard before, or it came to its end. */
export async function noteWanted(sql: Sql, { recordingId, sequence, at, wanted }: Heard): Promise<void> {
  await sql.query(
    `UPDATE recordings SET wanted = $2::text, heard = $3::int, look_at = CASE WHEN look_at IS NULL THEN NULL ELSE clock_timestamp() END,
       stopped_at = CASE WHEN $2::text = 'stopped' THEN $4::timestamptz END
     WHERE recording_id = $1 AND heard < $3::int AND wanted <> 'stopped'`,
    [recordingId, wanted, sequence, at],
  );
}

/** An active recording that is to be looked at, and where the media of its call are. */
export interface LookedAt extends RecordingRow {
  node: string | null;
  room_secret: string | null;
  is_closed: boolean;
  stopped_for_ms: number;
}

/** A look is short, and what it does can be done twice: nobody holds one for longer than a claim is good. */
const unlooked = new LeasedRows({ table: 'recordings', id: 'recording_id', due: 'look_at', only: 'look_at IS NOT NULL' });
const lookedAt = `SELECT ${columns.replaceAll(/(\w+)/g, 'mine.$1')}, node, secret AS room_secret, closed_at IS NOT NULL AS is_closed,
    coalesce(extract(epoch FROM clock_timestamp() - stopped_at) * 1000, 0)::float8 AS stopped_for_ms
  FROM mine LEFT JOIN rooms ON rooms.call_id = mine.call_id`;

/** Claims active recordings that are due, for so long, the oldest first; those that another replica is at are passed over. */
export const claimDue = (sql: Sql, most: number, seconds: number): Promise<LookedAt[]> =>
  unlooked.claim<LookedAt>(sql, most, seconds, lookedAt);

/** @returns in how many milliseconds the next active recording is due; null where there is none. */
export const nextDueIn = (sql: Sql): Promise<number | null> => unlooked.nextIn(sql);

/** Who sends what is recorded. */
export interface Feed {
  feed: string;
  userAlias: UserAlias;
  deviceId: DeviceId;
}

export async function keepFeeds(sql: Sql, recordingId: RecordingId, feeds: readonly Feed[]): Promise<void> {
  if (feeds.length === 0) return;
  await sql.query(
    `INSERT INTO recording_feeds (recording_id, feed, user_alias, device_id)
     SELECT $1, * FROM unnest($2::text[], $3::text[], $4::text[]) ON CONFLICT DO NOTHING`,
    [recordingId, feeds.map(({ feed }) => feed), feeds.map(({ userAlias }) => userAlias), feeds.map(({ deviceId }) => deviceId)],
  );
}

/** @returns who sent what, of each recording. */
export async function feedsOf(sql: Sql, recordingIds: readonly RecordingId[]): Promise<Map<RecordingId, Feed[]>> {
  const { rows } = await sql.query<Feed & { recordingId: RecordingId }>(
    `SELECT recording_id AS "recordingId", feed, user_alias AS "userAlias", device_id AS "deviceId" FROM recording_feeds
     WHERE recording_id = ANY($1::uuid[]) ORDER BY recording_id, user_alias, feed`,
    [recordingIds],
  );
  return Map.groupBy(rows, ({ recordingId }) => recordingId);
}

/** Notes that a recording is looked at again in so many milliseconds, in the same state as before. */
export async function lookAgain(sql: Sql, recordingIds: readonly RecordingId[], ms: number): Promise<void> {
  await sql.query(
    `UPDATE recordings SET look_at = clock_timestamp() + make_interval(secs => $2::float8 / 1000)
     WHERE recording_id = ANY($1::uuid[]) AND look_at > clock_timestamp()`,
    [recordingIds, ms],
  );
}

/** What changes of a recording. */
export interface Change {
  state: RecordingState;
  fault?: RecordingFault;
  seconds?: number;
  storageId?: string | null;
  /** From now on, in seconds: then what there is of it goes. */
  keptSeconds?: number;
}

/** States that wait for something: Janus, or processing. */
const active = new Set<RecordingState>(['starting', 'recording', 'paused']);

/**
 * Notes a new state, unless it is another than was thought by now.
 * @param isTold whether it is told of.
 * @returns the recording as it is then; undefined where somebody else was faster.
 */
export async function noteState(
  tx: Sql,
  { recording_id, state: before }: Pick<RecordingRow, 'recording_id' | 'state'>,
  { state, fault, seconds, storageId, keptSeconds }: Change,
  isTold: boolean,
): Promise<RecordingRow | undefined> {
  const { rows } = await tx.query<RecordingRow>(
    `UPDATE recordings SET state = $3::text, told = told + $4::int, fault = $5::text, seconds = $6::float8, storage_id = $7::uuid,
       look_at = CASE WHEN $8::boolean THEN clock_timestamp() + interval '1 second' END,
       stopped_at = CASE WHEN $8::boolean THEN stopped_at ELSE coalesce(stopped_at, clock_timestamp()) END,
       wanted = CASE WHEN $8::boolean THEN wanted ELSE 'stopped' END,
       is_told_to_call = $5::text IS NULL OR wanted = 'stopped',
       expires_at = CASE WHEN $9::float8 IS NULL THEN expires_at ELSE clock_timestamp() + make_interval(secs => $9::float8) END
     WHERE recording_id = $1 AND state = $2 RETURNING ${columns}`,
    [
      recording_id,
      before,
      state,
      isTold ? 1 : 0,
      fault ?? null,
      seconds ?? null,
      storageId ?? null,
      active.has(state),
      keptSeconds ?? null,
    ],
  );
  return rows[0];
}

/** Failed recordings whose call still shows that it is recorded. */
export async function notToldToCall(sql: Sql): Promise<Pick<RecordingRow, 'recording_id' | 'call_id' | 'app_id'>[]> {
  const { rows } = await sql.query<Pick<RecordingRow, 'recording_id' | 'call_id' | 'app_id'>>(
    'SELECT recording_id, call_id, app_id FROM recordings WHERE NOT is_told_to_call LIMIT 20',
  );
  return rows;
}

export async function noteToldToCall(sql: Sql, recordingId: RecordingId): Promise<void> {
  await sql.query('UPDATE recordings SET is_told_to_call = true WHERE recording_id = $1', [recordingId]);
}

export async function keepFiles(tx: Sql, recordingId: RecordingId, files: readonly RecordingFile[]): Promise<void> {
  await tx.query(
    `INSERT INTO recording_files (recording_id, number, name, described)
     SELECT $1, number, name, described::jsonb FROM unnest($2::int[], $3::text[], $4::text[]) AS file(number, name, described)`,
    [recordingId, files.map((_, index) => index), files.map(({ name }) => name), files.map((file) => JSON.stringify(file))],
  );
}

/** @returns the files of each recording, in their order. */
export async function filesOf(sql: Sql, recordingIds: readonly RecordingId[]): Promise<Map<RecordingId, RecordingFile[]>> {
  const { rows } = await sql.query<{ recording_id: RecordingId; described: RecordingFile }>(
    'SELECT recording_id, described FROM recording_files WHERE recording_id = ANY($1::uuid[]) ORDER BY recording_id, number',
    [recordingIds],
  );
  const grouped = Map.groupBy(rows, ({ recording_id }) => recording_id);
  return new Map([...grouped].map(([recordingId, all]) => [recordingId, all.map(({ described }) => described)]));
}

/** Whether somebody was recorded in one: who sent anything while it was, and not somebody who had the alias before, and is deleted. */
const wasRecorded = `(%::text IS NULL OR EXISTS (
         SELECT FROM recording_feeds feed WHERE feed.recording_id = recordings.recording_id AND feed.user_alias = %
           AND feed.noted_at > coalesce((SELECT until FROM forgotten_readers WHERE app_id = recordings.app_id AND user_alias = %), '-infinity')))`;

/** @returns a recording of the app's. @param reader the user that asks, who was recorded in it; undefined: a server asks. */
export async function recordingOf(sql: Sql, appId: AppId, recordingId: RecordingId, reader?: UserAlias): Promise<RecordingRow | undefined> {
  const { rows } = await sql.query<RecordingRow>(
    `SELECT ${columns} FROM recordings WHERE recording_id = $1 AND app_id = $2 AND NOT is_erased AND ${wasRecorded.replaceAll('%', '$3')}`,
    [recordingId, appId, reader ?? null],
  );
  return rows[0];
}

/** @returns the recordings of a call of the app's, in their order. @param reader the user that asks, who was recorded in them; undefined: a server asks. */
export async function recordingsOfCall(sql: Sql, appId: AppId, callId: CallId, reader?: UserAlias): Promise<RecordingRow[]> {
  const { rows } = await sql.query<RecordingRow>(
    `SELECT ${columns} FROM recordings WHERE call_id = $1 AND app_id = $2 AND NOT is_erased AND ${wasRecorded.replaceAll('%', '$3')}
     ORDER BY started_at`,
    [callId, appId, reader ?? null],
  );
  return rows;
}

/** @returns recordings of the app's, the newest first, those after another one where that is given. */
export async function recordingsOfApp(
  sql: Sql,
  appId: AppId,
  { limit, after }: { limit: number; after: { startedAt: string; recordingId: string } | undefined },
): Promise<RecordingRow[]> {
  const { rows } = await sql.query<RecordingRow>(
    `SELECT ${columns} FROM recordings WHERE app_id = $1 AND NOT is_erased
       AND ($2::timestamptz IS NULL OR (started_at, recording_id) < ($2::timestamptz, $3::uuid))
     ORDER BY started_at DESC, recording_id DESC LIMIT $4`,
    [appId, after?.startedAt ?? null, after?.recordingId ?? null, limit],
  );
  return rows;
}

/** @returns how far the jobs of recordings are, from 0 to 1. */
export async function progressOf(sql: Sql, recordingIds: readonly RecordingId[]): Promise<Map<RecordingId, number>> {
  const { rows } = await sql.query<{ recording_id: RecordingId; progress: number }>(
    'SELECT recording_id, progress FROM recording_jobs WHERE recording_id = ANY($1::uuid[])',
    [recordingIds],
  );
  return new Map(rows.map(({ recording_id, progress }) => [recording_id, progress]));
}
