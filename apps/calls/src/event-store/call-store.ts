import {
  type AppId,
  type CallEvent,
  type CallFact,
  type CallId,
  type CallState,
  callEventSchema,
  foldCallEvent,
  participantOf,
  type UserAlias,
} from '@communication-center/contracts';
import { type Sql, writeOutbox } from '@communication-center/event-log';
import { currentTraceparent } from '@communication-center/service';
import { v7 as uuidv7 } from 'uuid';
import type { Line, Lines } from '../domain/commands.js';
import { consequencesOf } from '../domain/consequences.js';

interface EventRow {
  call_id: CallId;
  version: number;
  event_id: string;
  app_id: AppId;
  type: string;
  occurred_at: Date;
  dataversion: number;
  data: unknown;
  traceparent: string | null;
}

function toEvent(row: EventRow): CallEvent {
  return callEventSchema.parse({
    specversion: '1.0',
    id: row.event_id,
    source: '/calls',
    type: row.type,
    time: row.occurred_at.toISOString(),
    subject: row.call_id,
    callid: row.call_id,
    appid: row.app_id,
    sequence: row.version,
    dataversion: row.dataversion,
    ...(row.traceparent && { traceparent: row.traceparent }),
    data: row.data,
  });
}

/** @returns the events of some calls, in order within each. */
export async function eventsOfCalls(sql: Sql, callIds: readonly CallId[]): Promise<Map<CallId, CallEvent[]>> {
  const { rows } = await sql.query<EventRow>('SELECT * FROM events WHERE call_id = ANY($1) ORDER BY call_id, version', [callIds]);
  return Map.groupBy(rows.map(toEvent), (event) => event.callid);
}

/** @returns the events of a call after one version and before another, in order; `limit` at most. */
export async function eventsBetween(
  sql: Sql,
  callId: CallId,
  { after, before, limit }: { after: number; before: number; limit: number },
): Promise<CallEvent[]> {
  const { rows } = await sql.query<EventRow>(
    'SELECT * FROM events WHERE call_id = $1 AND version > $2 AND version < $3 ORDER BY version LIMIT $4',
    [callId, after, before, limit],
  );
  return rows.map(toEvent);
}

/** @returns what the events of some calls fold to; calls of another app are left out. */
export async function statesOfCalls(sql: Sql, appId: AppId, callIds: readonly CallId[]): Promise<CallState[]> {
  if (callIds.length === 0) return [];
  const histories = await eventsOfCalls(sql, callIds);
  const own = [...histories.values()].filter(([first]) => first?.appid === appId);
  return own.map(fold).filter((call) => call !== undefined);
}

function fold(events: readonly CallEvent[]): CallState | undefined {
  return events.reduce<CallState | undefined>(foldCallEvent, undefined);
}

/** @returns the users who have a part in a call of this app; undefined for an unknown call. */
export async function participantsOfCall(sql: Sql, appId: AppId, callId: CallId): Promise<UserAlias[] | undefined> {
  const { rows } = await sql.query<{ participants: UserAlias[] }>('SELECT participants FROM calls WHERE call_id = $1 AND app_id = $2', [
    callId,
    appId,
  ]);
  return rows[0]?.participants;
}

/** @returns the call a user is in, as of now: nothing is locked yet. */
export async function activeCallOf(sql: Sql, appId: AppId, userAlias: UserAlias): Promise<CallId | undefined> {
  const { rows } = await sql.query<{ active_call_id: CallId | null }>(
    'SELECT active_call_id FROM lines WHERE app_id = $1 AND user_alias = $2',
    [appId, userAlias],
  );
  return rows[0]?.active_call_id ?? undefined;
}

/** Locks users' lines in the one order everybody uses, so that no two commands wait for each other. */
export async function lockLines(tx: Sql, appId: AppId, concerned: readonly UserAlias[]): Promise<{ lines: Lines; now: Date }> {
  const users = [...new Set(concerned)];
  const locked = await tx.query<{ user_alias: UserAlias; active_call_id: CallId | null }>(
    `INSERT INTO lines (app_id, user_alias)
     SELECT $1, alias FROM unnest($2::text[]) AS alias ORDER BY alias COLLATE "C"
     ON CONFLICT (app_id, user_alias) DO UPDATE SET user_alias = excluded.user_alias
     RETURNING user_alias, active_call_id`,
    [appId, users],
  );
  // A statement of its own: only now, behind the locks, does it see what the last holder committed.
  const known = await tx.query<{ user_alias: UserAlias; rung_by: CallId[]; do_not_disturb: boolean; now: Date }>(
    `SELECT alias AS user_alias,
            ARRAY(SELECT call_id FROM rings WHERE rings.app_id = $1 AND rings.user_alias = alias) AS rung_by,
            coalesce((SELECT do_not_disturb FROM user_settings AS s WHERE s.app_id = $1 AND s.user_alias = alias), false) AS do_not_disturb,
            clock_timestamp() AS now
     FROM unnest($2::text[]) AS alias`,
    [appId, users],
  );
  const active = new Map(locked.rows.map((row) => [row.user_alias, row.active_call_id]));
  const lines = new Map<UserAlias, Line>(
    known.rows.map((row) => [
      row.user_alias,
      { activeCall: active.get(row.user_alias) ?? null, rungBy: row.rung_by, doNotDisturb: row.do_not_disturb },
    ]),
  );
  return { lines, now: known.rows[0]?.now ?? new Date() };
}

/** Locks a call and folds its events. @returns undefined when this app has no such call. */
export async function lockCall(tx: Sql, appId: AppId, callId: CallId): Promise<{ call: CallState; now: Date } | undefined> {
  const { rows } = await tx.query<{ now: Date }>('SELECT 1 FROM calls WHERE call_id = $1 AND app_id = $2 FOR UPDATE', [callId, appId]);
  if (rows.length === 0) return undefined;
  const events = await tx.query<EventRow & { now: Date }>(
    'SELECT *, clock_timestamp() AS now FROM events WHERE call_id = $1 ORDER BY version',
    [callId],
  );
  const call = fold(events.rows.map(toEvent));
  const now = events.rows[0]?.now;
  return call && now ? { call, now } : undefined;
}

/**
 * Appends facts to a call and brings everything that follows from it up to date, in the caller's transaction.
 * @returns the call afterwards and the outbox shards to wake after the commit.
 * @throws a unique violation when the call went on meanwhile: the caller held no lock.
 */
export async function append(
  tx: Sql,
  appId: AppId,
  { callId, before, facts, now }: { callId: CallId; before: CallState | undefined; facts: readonly CallFact[]; now: Date },
): Promise<{ call: CallState; shards: number[] }> {
  const events = facts.map((fact, index) => toNewEvent(appId, callId, (before?.sequence ?? 0) + index + 1, fact, now));
  const call = events.reduce<CallState | undefined>(foldCallEvent, before);
  if (!call) throw new Error(`Nothing to append to call ${callId}`);
  await saveEvents(tx, events, call);
  await applyConsequences(tx, appId, before, call);
  const shards = await writeOutbox(
    tx,
    events.map((event) => ({ topic: 'calls.events', key: callId, event })),
  );
  return { call, shards };
}

function toNewEvent(appId: AppId, callId: CallId, version: number, fact: CallFact, now: Date): CallEvent {
  const traceparent = currentTraceparent();
  return {
    ...fact,
    specversion: '1.0',
    id: uuidv7(),
    source: '/calls',
    time: now.toISOString(),
    subject: callId,
    callid: callId,
    appid: appId,
    sequence: version,
    dataversion: 1,
    ...(traceparent && { traceparent }),
  };
}

/** Writes the events, and what the call is after them. */
async function saveEvents(tx: Sql, events: readonly CallEvent[], call: CallState): Promise<void> {
  await tx.query(
    `WITH written AS (
       INSERT INTO events (call_id, version, event_id, app_id, type, occurred_at, dataversion, traceparent, data)
       SELECT * FROM unnest($1::uuid[], $2::int[], $3::uuid[], $4::text[], $5::text[], $6::timestamptz[], $7::smallint[], $8::text[], $9::json[])
     ), recent AS (
       INSERT INTO recent_calls (app_id, user_alias, call_id, ended_at)
       SELECT DISTINCT ($4::text[])[1], alias, ($1::uuid[])[1], $13::timestamptz FROM unnest($12::text[]) AS alias WHERE $13 IS NOT NULL
       ON CONFLICT (app_id, user_alias, call_id) DO UPDATE SET ended_at = excluded.ended_at
     )
     INSERT INTO calls (call_id, app_id, version, status, participants, ended_at)
     SELECT ($1::uuid[])[1], ($4::text[])[1], $10, $11, $12::text[], $13::timestamptz
     ON CONFLICT (call_id) DO UPDATE
     SET version = excluded.version, status = excluded.status, participants = excluded.participants, ended_at = excluded.ended_at`,
    [
      events.map(({ callid }) => callid),
      events.map(({ sequence }) => sequence),
      events.map(({ id }) => id),
      events.map(({ appid }) => appid),
      events.map(({ type }) => type),
      events.map(({ time }) => time),
      events.map(({ dataversion }) => dataversion),
      events.map(({ traceparent }) => traceparent ?? null),
      events.map(({ data }) => JSON.stringify(data)),
      call.sequence,
      call.status,
      call.participants.map(({ userAlias }) => userAlias),
      call.status === 'ended' ? call.endedAt : null,
    ],
  );
}

/**
 * Brings the tables beside the log up to date, in one statement: its parts touch no row twice. Lines are claimed after
 * it, so that what a call frees can be claimed by another in the same transaction.
 */
async function applyConsequences(tx: Sql, appId: AppId, before: CallState | undefined, call: CallState): Promise<void> {
  const { claim, free, startRinging, stopRinging, setDeadlines, clearDeadlines } = consequencesOf(before, call);
  await tx.query(
    `WITH freed AS (
       UPDATE lines SET active_call_id = NULL, active_device_id = NULL WHERE app_id = $1 AND user_alias = ANY($3) AND active_call_id = $2
     ), unwatched AS (
       DELETE FROM deadlines WHERE call_id = $2 AND kind = 'connection' AND user_alias = ANY($3)
     ), stopped AS (
       DELETE FROM rings WHERE app_id = $1 AND user_alias = ANY($4) AND call_id = $2
     ), started AS (
       INSERT INTO rings (app_id, user_alias, call_id) SELECT $1, alias, $2 FROM unnest($5::text[]) AS alias
     ), cleared AS (
       DELETE FROM deadlines USING unnest($6::text[], $7::text[]) AS gone(kind, user_alias)
       WHERE call_id = $2 AND deadlines.kind = gone.kind AND deadlines.user_alias = gone.user_alias
     )
     INSERT INTO deadlines (call_id, app_id, kind, user_alias, due_at)
     SELECT $2, $1, * FROM unnest($8::text[], $9::text[], $10::timestamptz[])
     ON CONFLICT (call_id, kind, user_alias) DO UPDATE SET due_at = excluded.due_at, extended = false`,
    [
      appId,
      call.callId,
      free,
      stopRinging,
      startRinging,
      clearDeadlines.map(({ kind }) => kind),
      clearDeadlines.map(({ userAlias }) => userAlias),
      setDeadlines.map(({ kind }) => kind),
      setDeadlines.map(({ userAlias }) => userAlias),
      setDeadlines.map(({ dueAt }) => dueAt),
    ],
  );
  if (claim.length > 0) await claimLines(tx, appId, call, claim);
}

async function claimLines(tx: Sql, appId: AppId, call: CallState, users: readonly UserAlias[]): Promise<void> {
  const devices = users.map((userAlias) => {
    const participant = participantOf(call, userAlias);
    return participant?.state === 'connected' ? participant.deviceId : null;
  });
  const { rowCount } = await tx.query(
    `UPDATE lines SET active_call_id = $4, active_device_id = claim.device_id
     FROM unnest($2::text[], $3::text[]) AS claim(user_alias, device_id)
     WHERE lines.app_id = $1 AND lines.user_alias = claim.user_alias AND active_call_id IS NULL`,
    [appId, users, devices, call.callId],
  );
  if (rowCount !== users.length) throw new Error(`Call ${call.callId} claims a line that is taken: ${users.join(', ')}`);
}
