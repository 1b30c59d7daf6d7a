import {
  type CallEvent,
  type CallState,
  callStateSchema,
  type DirectoryEvent,
  foldCallEvent,
  type SessionEvent,
} from '@communication-center/contracts';
import type { SendAhead, Sql } from '@communication-center/event-log';
import type { CallRow } from '../publish-changes/tell-of-calls.js';
import type { Changed } from './end-keys.js';
import type { FoldedLately } from './folded-lately.js';

/*
 * A batch of one topic takes a statement, calls that go on take two. Of several events of a session or user the newest is
 * written. All go in the order of their keys: a partition that changes its owner may be worked on by two for a moment.
 */

/** Calls that have gone on, as their rows, and who has, or had, a part in them. */
export interface Folded {
  rows: CallRow[];
  changed: Changed[];
}

/** @returns undefined where the database has to be asked what some of the calls were before. */
export function foldKnownCalls(events: readonly CallEvent[], lately: FoldedLately): Folded | undefined {
  const { before, unknown } = callsBefore(events, lately);
  return unknown.length > 0 ? undefined : fold(events, before);
}

/** @param lately what is known of calls already. */
export async function foldCalls(
  { tx, ahead }: { tx: Sql; ahead: SendAhead },
  events: readonly CallEvent[],
  lately: FoldedLately,
): Promise<Folded> {
  const { before, unknown } = callsBefore(events, lately);
  const folded = fold(events, new Map([...before, ...(await readCalls(tx, unknown))]));
  if (folded.rows.length > 0) ahead('SELECT save_calls($1)', [JSON.stringify(folded.rows)]);
  return folded;
}

/** @returns calls as they were before these events, where that is known, or nothing was; and which are to be asked about. */
function callsBefore(events: readonly CallEvent[], lately: FoldedLately): { before: Map<string, CallState>; unknown: string[] } {
  const firsts = [...Map.groupBy(events, ({ callid }) => callid).values()].flatMap(([first]) => first ?? []);
  const known = firsts.flatMap(({ callid, sequence }) => lately.before(callid, sequence) ?? []);
  const before = new Map(known.map((call) => [call.callId as string, call]));
  return { before, unknown: firsts.filter(({ callid, sequence }) => sequence > 1 && !before.has(callid)).map(({ callid }) => callid) };
}

function fold(events: readonly CallEvent[], before: ReadonlyMap<string, CallState>): Folded {
  const folded = [...Map.groupBy(events, ({ callid }) => callid)].flatMap(([callId, ofCall]) => {
    const call = ofCall.reduce<CallState | undefined>(foldCallEvent, before.get(callId));
    const last = ofCall.at(-1) as CallEvent;
    return call && call.sequence !== before.get(callId)?.sequence ? [{ call, last }] : [];
  });
  const changed = folded.flatMap(({ call, last: { appid, traceparent } }) =>
    call.participants.map(({ userAlias }) => ({ appId: appid, userAlias, traceparent })),
  );
  return { rows: folded.map(rowOf), changed };
}

/** @param callIds none of them is asked about where its first event is at hand: nothing came before. */
async function readCalls(tx: Sql, callIds: readonly string[]): Promise<Map<string, CallState>> {
  if (callIds.length === 0) return new Map();
  const { rows } = await tx.query<{ call_id: string; call: unknown }>(
    'SELECT call_id, call FROM current_calls WHERE call_id = ANY($1) ORDER BY call_id FOR UPDATE',
    [callIds],
  );
  return new Map(rows.map(({ call_id, call }) => [call_id, callStateSchema.parse(call)]));
}

function rowOf({ call, last }: { call: CallState; last: CallEvent }): CallRow {
  return {
    call_id: call.callId,
    app_id: last.appid,
    sequence: call.sequence,
    ended: call.status === 'ended',
    participants: call.participants.map(({ userAlias }) => userAlias),
    call,
  };
}

/** @returns whose sessions have changed, with the signs of life that they are. */
export async function foldSessions(tx: Sql, events: readonly SessionEvent[]): Promise<Changed[]> {
  if (events.length === 0) return [];
  const rows = newestOf(events, ({ data }) => data.sessionId).map(({ first, newest }) => ({
    session_id: newest.data.sessionId,
    app_id: newest.appid,
    user_alias: newest.data.userAlias,
    device_id: newest.data.deviceId,
    platform: newest.data.platform,
    sequence: newest.sequence,
    opened_at: first.data.openedAt ?? first.time,
    closed_at: newest.type === 'session.closed' ? newest.time : null,
    away: newest.type === 'session.went_away',
    seen_at: newest.time,
    traceparent: newest.traceparent,
  }));
  const { rows: written } = await tx.query<{ session_id: string }>(
    `INSERT INTO device_sessions (session_id, app_id, user_alias, device_id, platform, sequence, opened_at, closed_at, away)
     SELECT * FROM json_to_recordset($1) AS told(session_id uuid, app_id text, user_alias text, device_id text, platform text, sequence int,
                                                 opened_at timestamptz, closed_at timestamptz, away boolean)
     ORDER BY session_id
     ON CONFLICT (session_id) DO UPDATE SET sequence = excluded.sequence, closed_at = excluded.closed_at, away = excluded.away
     WHERE device_sessions.sequence < excluded.sequence
     RETURNING session_id`,
    [JSON.stringify(rows)],
  );
  const changed = new Set(written.map(({ session_id }) => session_id));
  return rows
    .filter(({ session_id }) => changed.has(session_id))
    .map(({ app_id, user_alias, device_id, platform, seen_at, traceparent }) => ({
      appId: app_id,
      userAlias: user_alias,
      traceparent,
      seen: { deviceId: device_id, platform, at: seen_at },
    }));
}

/** @returns who was made, changed or deleted. */
export async function foldUsers(tx: Sql, events: readonly DirectoryEvent[]): Promise<Changed[]> {
  const ofUsers = events.flatMap((event) => (event.type === 'app.saved' ? [] : [event]));
  if (ofUsers.length === 0) return [];
  const rows = newestOf(ofUsers, ({ subject }) => subject).map(({ newest }) => ({
    app_id: newest.appid,
    user_alias: newest.data.userAlias,
    sequence: newest.sequence,
    deleted: newest.type === 'user.deleted',
    do_not_disturb: newest.type === 'user.saved' && newest.data.doNotDisturb,
    groups: newest.type === 'user.saved' ? newest.data.groups : [],
    traceparent: newest.traceparent,
  }));
  const { rows: written } = await tx.query<Changed>(
    `INSERT INTO known_users AS k (app_id, user_alias, sequence, deleted, do_not_disturb, groups)
     SELECT * FROM json_to_recordset($1) AS told(app_id text, user_alias text, sequence bigint, deleted boolean, do_not_disturb boolean, groups text[])
     ORDER BY app_id, user_alias
     ON CONFLICT (app_id, user_alias) DO UPDATE
     SET sequence = excluded.sequence, deleted = excluded.deleted, do_not_disturb = excluded.do_not_disturb, groups = excluded.groups
     WHERE k.sequence < excluded.sequence
     RETURNING app_id AS "appId", user_alias AS "userAlias"`,
    [JSON.stringify(rows)],
  );
  const traces = new Map(rows.map(({ app_id, user_alias, traceparent }) => [`${app_id}/${user_alias}`, traceparent]));
  return written.map((user) => ({ ...user, traceparent: traces.get(`${user.appId}/${user.userAlias}`) }));
}

/** @returns the first and the newest event of each subject: after a crash some come again, behind newer ones. */
function newestOf<E extends { sequence: number }>(events: readonly E[], subjectOf: (event: E) => string): { first: E; newest: E }[] {
  return [...Map.groupBy(events, subjectOf).values()].map((ofOne) => ({
    first: ofOne[0] as E,
    newest: ofOne.reduce((newest, event) => (event.sequence > newest.sequence ? event : newest)),
  }));
}
