import type { AppId, CallId, DeviceId, SessionId, UserAlias } from '@communication-center/contracts';
import type { ParticipantQuality } from '@communication-center/contracts/quality';
import type { Sql } from '@communication-center/event-log';
import { type Erasure, erasedAtOnce, rowsOfApp } from '@communication-center/service';
import type { Measured, Sample } from './domain/sample.js';

/** A sample that was just taken, and how long ago, in milliseconds. */
export interface TakenSample extends Omit<Sample, 'at'> {
  appId: AppId;
  callId: CallId;
  ageMs: number;
}

/** After so long without a word of its end, in seconds, the calls service is asked about a call. */
export const lookAgainSeconds = 300;

/** Keeps samples, those of many devices together, and notes calls of which there was none before. */
export async function keepSamples(sql: Sql, samples: readonly TakenSample[]): Promise<void> {
  await sql.query(
    `WITH taken AS MATERIALIZED (
       SELECT * FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::uuid[], $6::float8[], $7::text[])
         AS taken(call_id, app_id, user_alias, device_id, session_id, age_ms, measured)),
     calls AS (
       INSERT INTO quality_calls (call_id, app_id, look_at)
       SELECT DISTINCT ON (call_id) call_id, app_id, clock_timestamp() + make_interval(secs => ${lookAgainSeconds}) FROM taken ORDER BY call_id
       ON CONFLICT DO NOTHING)
     INSERT INTO quality_samples (call_id, at, user_alias, device_id, session_id, measured)
     SELECT call_id, clock_timestamp() - make_interval(secs => age_ms / 1000), user_alias, device_id, session_id, measured::jsonb FROM taken`,
    [
      samples.map(({ callId }) => callId),
      samples.map(({ appId }) => appId),
      samples.map(({ userAlias }) => userAlias),
      samples.map(({ deviceId }) => deviceId),
      samples.map(({ sessionId }) => sessionId),
      samples.map(({ ageMs }) => ageMs),
      samples.map(({ measured }) => JSON.stringify(measured)),
    ],
  );
}

/** Calls have ended: how their media went is due to be told. */
export async function noteEnded(sql: Sql, callIds: readonly CallId[]): Promise<void> {
  await sql.query(
    `UPDATE quality_calls SET ended_at = clock_timestamp(), look_at = clock_timestamp()
     WHERE call_id = ANY($1::uuid[]) AND ended_at IS NULL AND look_at IS NOT NULL`,
    [callIds],
  );
}

/** A call that is due to be told of, or to be asked about. */
export interface DueCall {
  call_id: CallId;
  app_id: AppId;
  ended_at: Date | null;
}

/** Locks the calls that are due, the oldest first, so many at most; those that another replica is at are passed over. */
export async function dueCalls(tx: Sql, most: number): Promise<DueCall[]> {
  const { rows } = await tx.query<DueCall>(
    `SELECT call_id, app_id, ended_at FROM quality_calls WHERE look_at <= now()
     ORDER BY look_at LIMIT $1 FOR UPDATE SKIP LOCKED`,
    [most],
  );
  return rows;
}

/** Puts off calls of which nobody said that they ended. */
export async function lookLater(tx: Sql, callIds: readonly CallId[]): Promise<void> {
  await tx.query(
    `UPDATE quality_calls SET look_at = clock_timestamp() + make_interval(secs => ${lookAgainSeconds}) WHERE call_id = ANY($1::uuid[])`,
    [callIds],
  );
}

/** Notes what was told of calls; nothing more is due of them. */
export async function noteTold(tx: Sql, told: readonly { callId: CallId; participants: readonly ParticipantQuality[] }[]): Promise<void> {
  await tx.query(
    `UPDATE quality_calls SET look_at = NULL, summary = told.summary::jsonb
     FROM unnest($1::uuid[], $2::text[]) AS told(call_id, summary) WHERE quality_calls.call_id = told.call_id`,
    [told.map(({ callId }) => callId), told.map(({ participants }) => JSON.stringify(participants))],
  );
}

/** What is known of the call beside its samples. */
export interface KnownCall {
  isOver: boolean;
  /** What was told of it. */
  summary: ParticipantQuality[] | null;
}

/** @returns undefined for a call of another app, and one of which nothing is kept. */
export async function knownCall(sql: Sql, appId: AppId, callId: CallId): Promise<KnownCall | undefined> {
  const { rows } = await sql.query<KnownCall>(
    'SELECT look_at IS NULL AS "isOver", summary FROM quality_calls WHERE call_id = $1 AND app_id = $2',
    [callId, appId],
  );
  return rows[0];
}

interface SampleRow {
  user_alias: UserAlias;
  device_id: DeviceId;
  session_id: SessionId;
  at: Date;
  measured: Measured;
}

/** @returns the samples of a call by time, so many of each device at most, spread over the call: counters in them say what was between. */
export async function samplesOf(sql: Sql, callId: CallId, ofEach: number): Promise<Sample[]> {
  const { rows } = await sql.query<SampleRow>(
    `SELECT DISTINCT ON (user_alias, device_id, place) user_alias, device_id, session_id, at, measured
     FROM (
       SELECT user_alias, device_id, session_id, at, measured,
              (row_number() OVER of_device - 1) * $2::bigint / greatest(count(*) OVER (PARTITION BY user_alias, device_id), $2::bigint) AS place
       FROM quality_samples WHERE call_id = $1
       WINDOW of_device AS (PARTITION BY user_alias, device_id ORDER BY at)) AS sample
     ORDER BY user_alias, device_id, place, at DESC`,
    [callId, ofEach],
  );
  return rows
    .map(({ user_alias, device_id, session_id, at, measured }) => ({
      ...{ userAlias: user_alias, deviceId: device_id, sessionId: session_id, at, measured },
    }))
    .sort((one, other) => one.at.getTime() - other.at.getTime());
}

/** What goes with an app that was deleted. Samples are found by their calls, which go last. */
export const rowsOfDeletedApps: readonly Erasure[] = [
  {
    table: 'quality_samples',
    statement: `DELETE FROM quality_samples WHERE ctid = ANY(ARRAY(
      SELECT quality_samples.ctid FROM quality_calls JOIN quality_samples USING (call_id) WHERE app_id = $1 LIMIT ${erasedAtOnce}))`,
  },
  rowsOfApp('quality_calls'),
];
