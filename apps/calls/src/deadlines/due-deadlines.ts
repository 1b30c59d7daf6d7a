import type { AppId, CallId, DeviceId, UserAlias } from '@communication-center/contracts';
import type { Sql } from '@communication-center/event-log';
import type { DeadlineKind } from '../domain/consequences.js';
import { noLiveSession } from '../follow-sessions/connection-deadlines.js';

/** A row of `deadlines`. */
export interface Deadline {
  call_id: CallId;
  app_id: AppId;
  kind: DeadlineKind;
  user_alias: UserAlias;
}

/** One that is due still, now that its call and lines are held. */
export interface StillDue extends Deadline {
  /** In milliseconds since 1970. */
  due_at: number;
  extended: boolean;
  /** Of a media deadline: whether the device in the call is in the call's media, or was a moment ago. */
  has_media: boolean;
  /** Of a media deadline: the device of which nothing ever came through, and why, where the media service said so. */
  failed_device: DeviceId | null;
  failure: string | null;
  /** Of a connection deadline: the device in the call, where it has no socket. */
  lost_device: DeviceId | null;
}

const claim = `pg_try_advisory_xact_lock(hashtextextended('deadlines of ' || call_id, 0))`;

/**
 * Claims deadlines that are due, the oldest first, until the transaction ends; replicas get different ones.
 * @param resting calls that are left alone for now.
 */
export async function claimDue(tx: Sql, limit: number, resting: readonly CallId[]): Promise<Deadline[]> {
  // As many are looked at as all replicas together may have claimed. A limit over a filter claims no more than it returns.
  const { rows } = await tx.query<Deadline>(
    `WITH due AS MATERIALIZED (
       SELECT call_id, app_id, kind, user_alias FROM deadlines
       WHERE due_at <= now() AND call_id <> ALL($2::uuid[]) ORDER BY due_at LIMIT $1 * 20
     ) SELECT due.* FROM due WHERE ${claim} LIMIT $1`,
    [limit, resting],
  );
  return rows;
}

/** As {@link claimDue}, one that is known. */
export async function claimOne(tx: Sql, { call_id, kind, user_alias }: Deadline): Promise<Deadline[]> {
  const { rows } = await tx.query<Deadline>(
    `SELECT call_id, app_id, kind, user_alias FROM deadlines AS due
     WHERE call_id = $1 AND kind = $2 AND user_alias = $3 AND due_at <= now() AND ${claim}`,
    [call_id, kind, user_alias],
  );
  return rows;
}

/** @returns those that are due still, and what their commands hang on. @param graceMs how long ago media may have closed. */
export async function stillDue(tx: Sql, claimed: readonly Deadline[], graceMs: number): Promise<StillDue[]> {
  if (claimed.length === 0) return [];
  const { rows } = await tx.query<StillDue>(
    `SELECT due.call_id, due.app_id, due.kind, due.user_alias, (extract(epoch FROM due.due_at) * 1000)::float8 AS due_at, due.extended, due.failed_device, due.failure,
            due.kind = 'media' AND EXISTS (
              SELECT 1 FROM lines JOIN device_sessions AS media ON media.app_id = lines.app_id AND media.user_alias = lines.user_alias
                AND media.device_id = lines.active_device_id AND media.media_of_call = lines.active_call_id
              WHERE lines.app_id = due.app_id AND lines.user_alias = due.user_alias AND lines.active_call_id = due.call_id
                AND (media.closed_at IS NULL OR media.closed_at > now() - make_interval(secs => $4))) AS has_media,
            CASE WHEN due.kind = 'connection' THEN (
              SELECT active_device_id FROM lines
              WHERE lines.app_id = due.app_id AND lines.user_alias = due.user_alias AND active_call_id = due.call_id AND ${noLiveSession}
            ) END AS lost_device
     FROM unnest($1::uuid[], $2::text[], $3::text[]) AS claimed(call_id, kind, user_alias)
     JOIN deadlines AS due USING (call_id, kind, user_alias) WHERE due.due_at <= now()`,
    [...keysOf(claimed), graceMs / 1000],
  );
  return rows;
}

/** Puts deadlines off, so many milliseconds from now, once. */
export async function putOffDeadlines(tx: Sql, late: readonly { due: Deadline; byMs: number }[]): Promise<void> {
  if (late.length === 0) return;
  await tx.query(
    `UPDATE deadlines SET due_at = clock_timestamp() + make_interval(secs => late.seconds), extended = true
     FROM unnest($1::uuid[], $2::text[], $3::text[], $4::float8[]) AS late(call_id, kind, user_alias, seconds)
     WHERE deadlines.call_id = late.call_id AND deadlines.kind = late.kind AND deadlines.user_alias = late.user_alias`,
    [...keysOf(late.map(({ due }) => due)), late.map(({ byMs }) => byMs / 1000)],
  );
}

/** Clears deadlines that have fired, found they something to do or not; one that was set anew meanwhile stays. */
export async function clearFired(tx: Sql, fired: readonly Deadline[]): Promise<void> {
  if (fired.length === 0) return;
  await tx.query(
    `DELETE FROM deadlines USING unnest($1::uuid[], $2::text[], $3::text[]) AS fired(call_id, kind, user_alias)
     WHERE deadlines.call_id = fired.call_id AND deadlines.kind = fired.kind AND deadlines.user_alias = fired.user_alias
       AND deadlines.due_at <= now()`,
    keysOf(fired),
  );
}

function keysOf(deadlines: readonly Deadline[]): [CallId[], DeadlineKind[], UserAlias[]] {
  return [deadlines.map(({ call_id }) => call_id), deadlines.map(({ kind }) => kind), deadlines.map(({ user_alias }) => user_alias)];
}
