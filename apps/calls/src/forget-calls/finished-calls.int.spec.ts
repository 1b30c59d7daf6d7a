/*
 * Calls that ended long ago are forgotten, with their history; a call that goes on never is. Who asks for one that is gone hears
 * that there is none, and nothing else changes for him.
 */
import type { AppId, CallEvent, CallId, CallListQuery, UserAlias } from '@communication-center/contracts';
import { purgeOnce, writeCursor } from '@communication-center/service';
import { eventually, Fleet, rowsReadBy } from '@communication-center/testing';
import { v7 as uuidv7 } from 'uuid';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { CallHistoryProjection } from '../call-history/call-history.projection.js';
import { listCalls } from '../call-history/list-calls.js';
import { keyOf, phoneOf, Store, user } from '../decide-in-groups/store.fixture.js';
import { eventsOfCall, eventsOfCalls } from '../event-store/events.js';
import { finishedCalls, letCallsBeOver, pruneHistory } from './finished-calls.js';
import { dayMs, firstIdAt } from './weeks.js';

const fleet = new Fleet();
const app = 'app' as AppId;
const daysAgo = (days: number) => Date.now() - days * dayMs;
const errors: unknown[] = [];
let store: Store;

beforeEach(async () => {
  errors.splice(0);
  store = await Store.make(fleet);
});
afterEach(() => store.end());

interface Past {
  people?: [string, string];
  isOver?: boolean;
  /** How long ago it ended. */
  endedDaysAgo?: number;
  /** Events that the history has not heard of. */
  unheard?: number;
}

async function callOf(
  days: number,
  { people = ['ann', 'bob'], isOver = true, endedDaysAgo = days, unheard = 0 }: Past = {},
): Promise<CallId> {
  const [initiator, callee] = people;
  const callId = uuidv7({ msecs: daysAgo(days) }) as CallId;
  await store.dial(initiator, [callee], { callId });
  await store.carryOut({ type: 'AnswerCall', callId, userAlias: user(callee), deviceId: phoneOf(callee) });
  if (isOver) await store.carryOut({ type: 'HangUp', callId, userAlias: user(initiator), deviceId: phoneOf(initiator) });
  await store.schema.query('UPDATE calls SET ended_at = ended_at - make_interval(days => $2) WHERE call_id = $1', [callId, endedDaysAgo]);
  const events = (await eventsOfCalls(store.schema, [callId])).get(callId) ?? [];
  await project(events.slice(0, events.length - unheard));
  return callId;
}

async function project(events: readonly CallEvent[], schemas?: string): Promise<void> {
  const projection = new CallHistoryProjection();
  await store.schema.transaction(async (tx) => {
    if (schemas) await tx.query("SELECT set_config('search_path', $1, true)", [schemas]);
    await projection.apply({
      topic: 'calls.events',
      events,
      tombstones: [],
      tx,
      last: tx.query,
      isRebuild: false,
      afterCommit: () => undefined,
    });
  });
}

async function forget(keepDays = 30): Promise<void> {
  await letCallsBeOver(store.schema, Date.now(), keepDays);
  const report = (error: unknown) => errors.push(error);
  await purgeOnce({ database: store.schema, purges: finishedCalls, report, goOn: () => true });
  expect(errors).toEqual([]);
}

const idsIn = async (table: string) =>
  (await store.schema.query<{ id: CallId }>(`SELECT DISTINCT call_id AS id FROM ${table} ORDER BY 1`)).rows.map(({ id }) => id);
const list = (query: Partial<CallListQuery>, who: string | null = 'bob') =>
  listCalls(store.schema, app, who as UserAlias | null, { limit: 20, ...query } as CallListQuery);
const statementOf = (table: string) => finishedCalls.find((one) => one.table === table)?.statement('true') ?? '';

test('what ended long ago goes from calls and history; what goes on, ended today, is not heard of yet, or is young, stays', async () => {
  const gone = [await callOf(60), await callOf(45)];
  const [goesOn, endedToday, unheard, young] = [
    await callOf(44, { people: ['cat', 'dan'], isOver: false }),
    await callOf(43, { endedDaysAgo: 0 }),
    await callOf(42, { unheard: 1 }),
    await callOf(30),
  ];
  await forget();
  expect(await idsIn('calls')).toEqual([goesOn, endedToday, young]);
  expect(await idsIn('call_history')).toEqual([goesOn, endedToday, unheard, young]);
  expect(await idsIn('call_parts')).toEqual([goesOn, endedToday, unheard, young]);
  expect((await list({})).calls.map(({ callId }) => callId)).toEqual([young, unheard, endedToday]);
  for (const callId of gone) expect(await eventsOfCall(store.schema, callId)).toEqual([]);
  expect(await eventsOfCall(store.schema, goesOn)).not.toEqual([]);
  // It hears of the end, and goes then.
  await project(((await eventsOfCalls(store.schema, [unheard])).get(unheard) ?? []).slice(-1));
  await forget();
  expect(await idsIn('call_parts')).toEqual([goesOn, endedToday, young]);
});

test('a call that goes on can be ended though all of its week are forgotten', async () => {
  const callId = await callOf(60, { isOver: false });
  await callOf(60, { people: ['cat', 'dan'] });
  await forget();
  const [reply] = await store.carryOut({ type: 'HangUp', callId, userAlias: user('ann'), deviceId: phoneOf('ann') });
  expect(reply).toMatchObject({ call: { status: 'ended' } });
});

test('what is over stays over, whatever the setting says later', async () => {
  await letCallsBeOver(store.schema, Date.now(), 30);
  const first = await letCallsBeOver(store.schema, Date.now(), 30);
  expect(await letCallsBeOver(store.schema, Date.now(), 300)).toBe(first);
  expect(first < firstIdAt(daysAgo(30))).toBe(true);
});

test('a late command is told that there is no such call; the repeat of an earlier one gets its first reply', async () => {
  const callId = await callOf(60, { isOver: false });
  const hangUp = { type: 'HangUp', callId, userAlias: user('ann'), deviceId: phoneOf('ann') } as const;
  const [first] = await store.carryOut({ appId: app, command: hangUp, key: keyOf('hang-up') });
  await store.schema.query("UPDATE calls SET ended_at = ended_at - interval '3 days'");
  await project(((await eventsOfCalls(store.schema, [callId])).get(callId) ?? []).slice(-2));
  await forget();
  expect(await idsIn('calls')).toEqual([]);
  expect(await store.carryOut({ appId: app, command: hangUp, key: keyOf('hang-up') })).toEqual([first]);
  expect(await store.carryOut({ appId: app, command: hangUp, key: keyOf('other') })).toEqual([{ problem: { code: 'call_not_found' } }]);
  expect(store.errors).toEqual([]);
});

test('a command and the forgetting of its call at one moment: whoever comes second finds what the first left', async () => {
  const callId = await callOf(60);
  await letCallsBeOver(store.schema, Date.now(), 30);
  const other = await store.schema.connect();
  const hangUp = { type: 'HangUp', callId, userAlias: user('ann'), deviceId: phoneOf('ann') } as const;
  await other.query('BEGIN');
  await other.query('SELECT FROM calls WHERE call_id = $1 FOR UPDATE', [callId]);
  await forget();
  expect(await idsIn('calls')).toEqual([callId]);
  await other.query('ROLLBACK');
  await other.query('BEGIN');
  expect((await other.query(statementOf('calls'))).rowCount).toBe(1);
  const replies = store.carryOut(hangUp);
  const { rows } = await other.query<{ pid: number }>('SELECT pg_backend_pid() AS pid');
  await eventually('the command waiting for it', async () => {
    const waiting = 'SELECT FROM pg_stat_activity WHERE $1 = ANY (pg_blocking_pids(pid))';
    return ((await store.schema.query(waiting, [rows[0]?.pid])).rowCount ?? 0) > 0;
  });
  await other.query('COMMIT');
  expect(await replies).toEqual([{ problem: { code: 'call_not_found' } }]);
  await other.end();
  expect(store.errors).toEqual([]);
});

test('a cursor into what is gone goes on with what is left, and ends where that does', async () => {
  const [oldest, older, young] = [await callOf(60), await callOf(50), await callOf(1)];
  for (const who of ['bob', null]) {
    const page = await list({ limit: 1 }, who);
    expect(page.calls.map(({ callId }) => callId)).toEqual([young]);
  }
  const cursors = await Promise.all(
    ['bob', null].flatMap((who) => [1, 2].map(async (limit) => [who, (await list({ limit }, who)).nextCursor] as const)),
  );
  const [, into] = (await list({ limit: 2 })).calls;
  expect(into?.callId).toBe(older);
  await forget();
  expect(await idsIn('calls')).not.toContain(oldest);
  for (const [who, cursor] of cursors) {
    expect(await list({ limit: 1, cursor: cursor ?? '' }, who)).toEqual({ calls: [], nextCursor: null });
    const later = writeCursor({ list: 'calls', appId: app, userAlias: who }, ['2999-01-01T00:00:00.000Z', oldest]);
    expect((await list({ limit: 1, cursor: later }, who)).calls).toHaveLength(1);
  }
});

test('a history that is made anew forgets what the service has forgotten, and nothing else', async () => {
  const [old, young] = [await callOf(60), await callOf(1)];
  const events = [...(await eventsOfCalls(store.schema, [old, young])).values()].flat();
  const goesOn = await callOf(60, { people: ['cat', 'dan'], isOver: false });
  await forget();
  const [service, shadow] = [store.schema.schema, `${store.schema.schema}_shadow`];
  await store.schema.query(`CREATE SCHEMA IF NOT EXISTS ${shadow}`);
  for (const table of ['call_history', 'call_parts']) {
    await store.schema.query(`CREATE TABLE ${shadow}.${table} (LIKE ${service}.${table} INCLUDING ALL)`);
  }
  await project([...events, ...(await eventsOfCall(store.schema, goesOn))], `${shadow}, ${service}`);
  expect(await idsIn(`${shadow}.call_history`)).toEqual([old, goesOn, young].sort());
  await store.schema.transaction(async (tx) => {
    await tx.query("SELECT set_config('search_path', $1, true)", [`${shadow}, ${service}`]);
    await tx.query(pruneHistory);
  });
  for (const table of ['call_history', 'call_parts']) {
    expect(await idsIn(`${shadow}.${table}`)).toEqual(await idsIn(table));
    expect(await idsIn(table)).toEqual([goesOn, young].sort());
  }
});

test('a batch reads little more than it deletes, by index, however many calls there are', async () => {
  const callId = await callOf(60);
  await store.schema.query(
    `WITH copy AS (
       INSERT INTO calls (call_id, app_id, version, status, participants, ended_at, state)
       SELECT ('${firstIdAt(daysAgo(60)).slice(0, 23)}-' || lpad(to_hex(number), 12, '0'))::uuid, app_id, version, status, participants, ended_at, state
       FROM calls, generate_series(1, 30000) AS number RETURNING call_id
     ), history AS (
       INSERT INTO call_history SELECT copy.call_id, app_id, sequence, participants, dialed_at, call, status, parts FROM call_history, copy
     ) INSERT INTO call_parts (app_id, user_alias, outcome, dialed_at, call_id, device_id)
       SELECT app_id, user_alias, outcome, dialed_at, copy.call_id, device_id FROM call_parts, copy WHERE call_parts.call_id = $1`,
    [callId],
  );
  const young = await callOf(1);
  await store.schema.analyze();
  await letCallsBeOver(store.schema, Date.now(), 30);
  for (const table of ['calls', 'call_history']) {
    const read = await rowsReadBy(store.schema, (sql) => sql.query(statementOf(table)));
    expect(
      read.wholeTables.filter((name) => name !== 'kept_calls'),
      table,
    ).toEqual([]);
    expect(read.rows, table).toBeLessThan(20_000);
    if (table === 'calls') await store.schema.query('DELETE FROM calls WHERE call_id <> $1', [young]);
    await store.schema.query('ANALYZE calls');
  }
  await forget();
  expect(await idsIn('call_history')).toEqual([young]);
  expect(await idsIn('call_parts')).toEqual([young]);
});
