import { type AppId, type CallEvent, type CallState, foldVersion } from '@communication-center/contracts';
import { type Sql, writeOutbox } from '@communication-center/event-log';
import { type Consequences, consequencesOf } from '../domain/consequences.js';
import type { CallChange, InTurn, MovedLine } from '../domain/in-turn.js';
import { newEvent } from '../event-store/events.js';
import { type Device, withoutSocket } from '../follow-sessions/connection-deadlines.js';
import { CommandMemory } from './command-memory.js';
import type { Held } from './hold.js';

/** What the outbox must be told of after the commit. */
export type Published = Awaited<ReturnType<typeof writeOutbox>>;

interface Change extends CallChange<string | undefined> {
  appId: AppId;
  consequences: Consequences;
}

/**
 * Writes all that commands have made of what is held: events, calls, lines, rings, deadlines, replies, outbox; in as many
 * statements for a hundred commands as for one.
 * @param graceMs how long a device that came into a call without a socket has to get one.
 * @returns what the relay is told of once the transaction has committed.
 * @throws a unique violation when the same command was carried out meanwhile.
 */
export async function save(
  tx: Sql,
  held: Held,
  { memory = new CommandMemory(), graceMs }: { memory?: CommandMemory; graceMs: number },
): Promise<Published> {
  const changes = held.apps().flatMap(([appId, inTurn]) => changesIn(appId, inTurn));
  const moved = held.apps().flatMap(([appId, inTurn]) => inTurn.movedLines.map((line) => ({ appId, ...line })));
  const events = changes.flatMap((change) => eventsOf(change, held.now));
  if (events.length > 0 || memory.rows.length > 0) {
    // Sessions are locked before deadlines are written: their projection takes the two in the same order.
    const unheard = await withoutSocket(tx, moved.filter(isOnDevice));
    const dueAt = new Date(held.now.getTime() + graceMs).toISOString();
    const connections = unheard.map(({ appId, activeCall, userAlias }) => [activeCall, appId, 'connection', userAlias, dueAt]);
    await write(tx, { changes, events, memory, moved, connections });
  }
  return writeOutbox(
    tx,
    events.map((event) => ({ topic: 'calls.events', key: event.callid, event })),
  );
}

type Moved = MovedLine & { appId: AppId };

function isOnDevice(line: Moved): line is Moved & Device {
  return line.activeCall !== null && line.deviceId !== null;
}

function changesIn(appId: AppId, inTurn: InTurn<string | undefined>): Change[] {
  return inTurn.changes.map((change) => ({ ...change, appId, consequences: consequencesOf(change.before, change.after) }));
}

function eventsOf({ appId, callId, before, facts }: Change, now: Date): CallEvent[] {
  const first = (before?.sequence ?? 0) + 1;
  return facts.map(({ fact, cause }, index) => newEvent(fact, { appId, callId, sequence: first + index, now, traceparent: cause }));
}

interface Written {
  changes: readonly Change[];
  events: readonly CallEvent[];
  memory: CommandMemory;
  moved: readonly Moved[];
  connections: readonly unknown[][];
}

/** One statement: its parts touch no row twice. */
async function write(tx: Sql, written: Written): Promise<void> {
  const { changes, events, memory, moved } = written;
  const rings = (which: 'startRinging' | 'stopRinging') =>
    changes.flatMap(({ appId, callId, consequences }) => consequences[which].map((userAlias) => [appId, userAlias, callId]));
  const lines = moved.map(({ appId, userAlias, activeCall, deviceId }) => [appId, userAlias, activeCall, deviceId]);
  const { set, cleared } = deadlinesIn(written);
  await tx.query(statement, [
    JSON.stringify(events.map(eventRow)),
    JSON.stringify(changes.map(callRow)),
    JSON.stringify(memory.rows),
    ...columns(4, lines),
    ...columns(3, rings('stopRinging')),
    ...columns(3, rings('startRinging')),
    ...columns(3, cleared),
    ...columns(5, set),
  ]);
}

function deadlinesIn({ changes, moved, connections }: Written): { set: unknown[][]; cleared: unknown[][] } {
  // Whoever came or went with a device is watched anew.
  const isMoved = new Set(moved.map(({ appId, userAlias }) => `${appId} ${userAlias}`));
  const unwatched = changes.flatMap(({ appId, callId, after }) =>
    after.participants.flatMap(({ userAlias }) => (isMoved.has(`${appId} ${userAlias}`) ? [[callId, 'connection', userAlias]] : [])),
  );
  const due = changes.flatMap(({ appId, callId, consequences }) =>
    consequences.setDeadlines.map(({ kind, userAlias, dueAt }) => [callId, appId, kind, userAlias, dueAt]),
  );
  const over = changes.flatMap(({ callId, consequences }) =>
    consequences.clearDeadlines.map(({ kind, userAlias }) => [callId, kind, userAlias]),
  );
  const set = [...due, ...connections];
  const isSet = new Set(set.map(([callId, , kind, userAlias]) => `${callId} ${kind} ${userAlias}`));
  return { set, cleared: [...over, ...unwatched].filter((key) => !isSet.has(key.join(' '))) };
}

/** What is only written comes as JSON; what is looked for, as arrays, of which the planner knows how long they are. */
const statement = `WITH call AS MATERIALIZED (
     SELECT * FROM json_to_recordset($2::json)
       AS c(call_id uuid, app_id text, version int, status text, participants text[], ended_at timestamptz, state jsonb)
   ), event AS (
     INSERT INTO events (call_id, version, event_id, app_id, type, occurred_at, dataversion, traceparent, data)
     SELECT * FROM json_to_recordset($1::json) AS e(call_id uuid, version int, event_id uuid, app_id text, type text,
       occurred_at timestamptz, dataversion smallint, traceparent text, data json)
   ), command AS (
     INSERT INTO commands (app_id, actor, command_id, fingerprint, reply)
     SELECT * FROM json_to_recordset($3::json) AS m(app_id text, actor text, command_id text, fingerprint text, reply json)
   ), recent AS (
     INSERT INTO recent_calls (app_id, user_alias, call_id, ended_at)
     SELECT DISTINCT app_id, alias, call_id, ended_at FROM call, unnest(participants) AS alias WHERE ended_at IS NOT NULL
     ON CONFLICT (app_id, user_alias, call_id) DO UPDATE SET ended_at = excluded.ended_at
   ), line AS (
     UPDATE lines SET active_call_id = moved.call_id, active_device_id = moved.device_id
     FROM unnest($4::text[], $5::text[], $6::uuid[], $7::text[]) AS moved(app_id, user_alias, call_id, device_id)
     WHERE lines.app_id = moved.app_id AND lines.user_alias = moved.user_alias
   ), stopped AS (
     DELETE FROM rings USING unnest($8::text[], $9::text[], $10::uuid[]) AS gone(app_id, user_alias, call_id)
     WHERE rings.app_id = gone.app_id AND rings.user_alias = gone.user_alias AND rings.call_id = gone.call_id
   ), started AS (
     INSERT INTO rings (app_id, user_alias, call_id) SELECT * FROM unnest($11::text[], $12::text[], $13::uuid[])
   ), cleared AS (
     DELETE FROM deadlines USING unnest($14::uuid[], $15::text[], $16::text[]) AS gone(call_id, kind, user_alias)
     WHERE deadlines.call_id = gone.call_id AND deadlines.kind = gone.kind AND deadlines.user_alias = gone.user_alias
   ), due AS (
     INSERT INTO deadlines (call_id, app_id, kind, user_alias, due_at)
     SELECT * FROM unnest($17::uuid[], $18::text[], $19::text[], $20::text[], $21::timestamptz[])
     ON CONFLICT (call_id, kind, user_alias) DO UPDATE SET due_at = excluded.due_at, extended = false
   )
   INSERT INTO calls (call_id, app_id, version, status, participants, ended_at, fold, state)
   SELECT call_id, app_id, version, status, participants, ended_at, ${foldVersion}, state FROM call
   ON CONFLICT (call_id) DO UPDATE SET version = excluded.version, status = excluded.status, participants = excluded.participants,
     ended_at = excluded.ended_at, fold = excluded.fold, state = excluded.state`;

function eventRow({ callid, sequence, id, appid, type, time, dataversion, traceparent, data }: CallEvent): object {
  return {
    call_id: callid,
    version: sequence,
    event_id: id,
    app_id: appid,
    type,
    occurred_at: time,
    dataversion,
    traceparent,
    data,
  };
}

function callRow({ appId, callId, after }: Change): object {
  return {
    call_id: callId,
    app_id: appId,
    version: after.sequence,
    status: after.status,
    participants: after.participants.map(({ userAlias }) => userAlias),
    ended_at: endedAt(after),
    state: after,
  };
}

function endedAt(call: CallState): string | null {
  return call.status === 'ended' ? call.endedAt : null;
}

/** @returns rows of so many values, turned into so many columns. */
function columns(count: number, rows: readonly (readonly unknown[])[]): unknown[][] {
  return Array.from({ length: count }, (_, column) => rows.map((row) => row[column]));
}
