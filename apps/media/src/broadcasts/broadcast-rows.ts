import type { AppId, BroadcastId, CallId } from '@communication-center/contracts';
import type { BroadcastFault, BroadcastState, PushFault, PushState } from '@communication-center/contracts/broadcasts';
import type { Sql } from '@communication-center/event-log';
import { type Claim, LeasedRows } from '@communication-center/service';
import type { Wanted } from './domain/next-act.js';

/** A broadcast as it is kept. */
export interface BroadcastRow {
  broadcast_id: BroadcastId;
  call_id: CallId;
  app_id: AppId;
  state: BroadcastState;
  wanted: Wanted;
  /** How many events of it were told. */
  told: number;
  /** How often some process began to make it. */
  run: number;
  started_at: Date;
  live_at: Date | null;
  stopped_at: Date | null;
  fault: BroadcastFault | null;
  viewers: number;
  most_viewers: number;
  latency_ms: number | null;
  push_id: string | null;
  push_server: string | null;
  push_sealed: Buffer | null;
  push_state: PushState | null;
  push_fault: PushFault | null;
  push_since: Date | null;
}

const columns = `broadcast_id, call_id, app_id, state, wanted, told, run, started_at, live_at, stopped_at, fault, viewers, most_viewers, latency_ms,
  push_id, push_server, push_sealed, push_state, push_fault, push_since`;
const ofAll = columns.replaceAll(/(\w+)/g, 'broadcasts.$1');

/** What the calls service decided about a broadcast. */
export interface Heard {
  broadcastId: BroadcastId;
  callId: CallId;
  appId: AppId;
  at: string;
}

/** Notes a broadcast that begins. @returns it; undefined where it was known. */
export async function noteBegun(tx: Sql, { broadcastId, callId, appId, at }: Heard): Promise<BroadcastRow | undefined> {
  const { rows } = await tx.query<BroadcastRow>(
    `INSERT INTO broadcasts (broadcast_id, call_id, app_id, started_at, look_at, told)
     VALUES ($1, $2, $3, $4, clock_timestamp(), 1) ON CONFLICT DO NOTHING RETURNING ${columns}`,
    [broadcastId, callId, appId, at],
  );
  return rows[0];
}

/** Notes that a broadcast is not wanted any more. Whoever makes it finds so when it next says that it lives. */
export async function noteUnwanted(sql: Sql, { broadcastId, at }: Heard): Promise<void> {
  await sql.query(
    "UPDATE broadcasts SET wanted = 'stopped', stopped_at = coalesce(stopped_at, $2) WHERE broadcast_id = $1 AND wanted = 'live'",
    [broadcastId, at],
  );
}

/** A broadcast that is to be made, and where the media of its call are. */
export interface Claimed extends BroadcastRow {
  node: string | null;
  generation: number | null;
  room_secret: string | null;
  pin: string | null;
  is_closed: boolean;
  seconds_old: number;
  /** How many others of its app go on, and began before. */
  before: number;
}

const withRoom = `node, generation, secret AS room_secret, pin, closed_at IS NOT NULL AS is_closed,
  extract(epoch FROM clock_timestamp() - mine.started_at)::float8 AS seconds_old`;

/** Each is made by one process at a time: a claim is another run of it. */
const unmade = new LeasedRows({ table: 'broadcasts', id: 'broadcast_id', due: 'look_at', only: 'look_at IS NOT NULL', fence: 'run' });
const claimOf = ({ broadcast_id: id, run: fence }: BroadcastRow): Claim => ({ id, fence });

/** @param before in SQL, how many others of its app go on, and began before. */
const claimedWith = (before: string) => `SELECT ${columns.replaceAll(/(\w+)/g, 'mine.$1')}, ${withRoom}, ${before} AS before
  FROM mine LEFT JOIN rooms ON rooms.call_id = mine.call_id`;
const countedBefore = `(SELECT count(*)::int FROM broadcasts AS other WHERE other.app_id = mine.app_id AND other.look_at IS NOT NULL
  AND (other.started_at, other.broadcast_id) < (mine.started_at, mine.broadcast_id))`;

/** Claims broadcasts that nobody makes, for so many seconds, the oldest first: each claim is another run. */
export async function claimUnmade(sql: Sql, most: number, seconds: number): Promise<Claimed[]> {
  return unmade.claim<Claimed>(sql, most, seconds, claimedWith(countedBefore));
}

/** @returns broadcasts that are due for so many seconds, and nobody makes. */
export async function overdue(sql: Sql, seconds: number): Promise<BroadcastRow[]> {
  const { rows } = await sql.query<BroadcastRow>(
    `SELECT ${columns} FROM broadcasts WHERE look_at <= clock_timestamp() - make_interval(secs => $1) ORDER BY look_at LIMIT 20`,
    [seconds],
  );
  return rows;
}

/** @returns in how many milliseconds the next broadcast is due; null where none is, or goes on. */
export const nextDueIn = (sql: Sql): Promise<number | null> => unmade.nextIn(sql);

/** What a process that makes a broadcast measures of it. */
export interface Measured {
  viewers: number;
  latencyMs: number | null;
}

/**
 * Says that a run of a broadcast goes on, for so many seconds more.
 * @returns the broadcast as it is now, and where its call is carried; undefined where the run is not the newest: another process makes it, or it is over.
 */
export async function renew(sql: Sql, row: BroadcastRow, seconds: number, { viewers, latencyMs }: Measured): Promise<Claimed | undefined> {
  const also = {
    set: 'viewers = $4::int, most_viewers = greatest(most_viewers, $4::int), latency_ms = coalesce($5::int, latency_ms)',
    values: [viewers, latencyMs],
  };
  return unmade.renew<Claimed>(sql, claimOf(row), seconds, also, claimedWith('0'));
}

/** Gives a broadcast back: another process may make it at once. */
export const giveBack = (sql: Sql, row: BroadcastRow): Promise<void> => unmade.release(sql, claimOf(row));

/**
 * Notes a new state, unless it is another than was thought, or another process has it in hand.
 * @param keptSeconds of what is over: from now on, in seconds.
 * @returns the broadcast as it is then.
 */
export async function noteState(
  tx: Sql,
  { broadcast_id, state: before, run }: BroadcastRow,
  { state, fault }: { state: BroadcastState; fault?: BroadcastFault },
  keptSeconds: number,
): Promise<BroadcastRow | undefined> {
  const isOver = state === 'stopped' || state === 'failed';
  const { rows } = await tx.query<BroadcastRow>(
    `UPDATE broadcasts SET state = $4::text, told = told + 1, fault = $5::text, viewers = CASE WHEN $6::boolean THEN 0 ELSE viewers END,
       live_at = CASE WHEN $4::text = 'live' THEN coalesce(live_at, clock_timestamp()) ELSE live_at END,
       stopped_at = CASE WHEN $6::boolean THEN coalesce(stopped_at, clock_timestamp()) END,
       look_at = CASE WHEN $6::boolean THEN NULL ELSE look_at END,
       is_told_to_call = $5::text IS NULL OR wanted = 'stopped', wanted = CASE WHEN $6::boolean THEN 'stopped' ELSE wanted END,
       push_sealed = CASE WHEN $6::boolean THEN NULL ELSE push_sealed END, push_id = CASE WHEN $6::boolean THEN NULL ELSE push_id END,
       files_until = CASE WHEN $6::boolean THEN clock_timestamp() + interval '60 seconds' END,
       expires_at = CASE WHEN $6::boolean THEN clock_timestamp() + make_interval(secs => $7::float8) END
     WHERE broadcast_id = $1 AND state = $2 AND run = $3 RETURNING ${ofAll}`,
    [broadcast_id, before, run, state, fault ?? null, isOver, keptSeconds],
  );
  return rows[0];
}

/** Failed broadcasts whose call still shows that it is broadcast. */
export async function notToldToCall(sql: Sql): Promise<Pick<BroadcastRow, 'broadcast_id' | 'call_id' | 'app_id'>[]> {
  const { rows } = await sql.query<Pick<BroadcastRow, 'broadcast_id' | 'call_id' | 'app_id'>>(
    'SELECT broadcast_id, call_id, app_id FROM broadcasts WHERE NOT is_told_to_call LIMIT 20',
  );
  return rows;
}

export async function noteToldToCall(sql: Sql, broadcastId: BroadcastId): Promise<void> {
  await sql.query('UPDATE broadcasts SET is_told_to_call = true WHERE broadcast_id = $1', [broadcastId]);
}

/** Notes where a broadcast is to be pushed to, in place of what was before. @returns it; undefined where it is over. */
export async function savePush(
  sql: Sql,
  {
    broadcastId,
    appId,
    pushId,
    server,
    sealed,
  }: { broadcastId: BroadcastId; appId: AppId; pushId: string; server: string; sealed: Buffer },
): Promise<BroadcastRow | undefined> {
  const { rows } = await sql.query<BroadcastRow>(
    `UPDATE broadcasts SET push_id = $3, push_server = $4, push_sealed = $5, push_state = 'connecting', push_fault = NULL, push_since = clock_timestamp()
     WHERE broadcast_id = $1 AND app_id = $2 AND wanted = 'live' AND NOT is_erased RETURNING ${columns}`,
    [broadcastId, appId, pushId, server, sealed],
  );
  return rows[0];
}

export async function leavePush(sql: Sql, appId: AppId, broadcastId: BroadcastId): Promise<void> {
  await sql.query(
    `UPDATE broadcasts SET push_id = NULL, push_server = NULL, push_sealed = NULL, push_state = NULL, push_fault = NULL, push_since = NULL
     WHERE broadcast_id = $1 AND app_id = $2`,
    [broadcastId, appId],
  );
}

/** Notes what became of a push, unless another is wished by now. @returns the broadcast as it is then. */
export async function notePush(
  tx: Sql,
  { broadcastId, pushId, state, fault }: { broadcastId: BroadcastId; pushId: string; state: PushState; fault?: PushFault },
): Promise<BroadcastRow | undefined> {
  const { rows } = await tx.query<BroadcastRow>(
    `UPDATE broadcasts SET push_state = $3::text, push_fault = $4, push_since = clock_timestamp(), told = told + 1,
       push_sealed = CASE WHEN $3::text = 'failed' THEN NULL ELSE push_sealed END
     WHERE broadcast_id = $1 AND push_id = $2 AND push_state <> $3::text AND wanted = 'live' RETURNING ${columns}`,
    [broadcastId, pushId, state, fault ?? null],
  );
  return rows[0];
}

/** @returns a broadcast, of the app's where one is named. */
export async function broadcastOf(sql: Sql, broadcastId: BroadcastId, appId?: AppId): Promise<BroadcastRow | undefined> {
  const { rows } = await sql.query<BroadcastRow>(
    `SELECT ${columns} FROM broadcasts WHERE broadcast_id = $1 AND ($2::text IS NULL OR app_id = $2) AND NOT is_erased`,
    [broadcastId, appId ?? null],
  );
  return rows[0];
}

/** @returns the broadcasts of a call of the app's, in their order. */
export async function broadcastsOfCall(sql: Sql, appId: AppId, callId: CallId): Promise<BroadcastRow[]> {
  const { rows } = await sql.query<BroadcastRow>(
    `SELECT ${columns} FROM broadcasts WHERE call_id = $1 AND app_id = $2 AND NOT is_erased ORDER BY started_at`,
    [callId, appId],
  );
  return rows;
}

/** @returns broadcasts of the app's, the newest first, those after another one where that is given. */
export async function broadcastsOfApp(
  sql: Sql,
  appId: AppId,
  { limit, after }: { limit: number; after: { startedAt: string; broadcastId: string } | undefined },
): Promise<BroadcastRow[]> {
  const { rows } = await sql.query<BroadcastRow>(
    `SELECT ${columns} FROM broadcasts WHERE app_id = $1 AND NOT is_erased
       AND ($2::timestamptz IS NULL OR (started_at, broadcast_id) < ($2::timestamptz, $3::uuid))
     ORDER BY started_at DESC, broadcast_id DESC LIMIT $4`,
    [appId, after?.startedAt ?? null, after?.broadcastId ?? null, limit],
  );
  return rows;
}
