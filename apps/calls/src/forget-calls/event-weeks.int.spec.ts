/*
 * Each week of calls has its partition before it begins, and goes as a whole once nothing of it is needed any more: no call
 * that goes on, no history, no event on its way to the log. Commands never wait for either longer than a moment.
 */
import type { CallId } from '@communication-center/contracts';
import type { Transaction } from '@communication-center/event-log';
import { eventually, Fleet } from '@communication-center/testing';
import { v7 as uuidv7 } from 'uuid';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { DecisionRoom } from '../decide-in-groups/decision-room.js';
import { app, dialOf, phoneOf, Store, user } from '../decide-in-groups/store.fixture.js';
import { eventsBetween, eventsOfCall, eventsOfCalls } from '../event-store/events.js';
import { neverGiven } from '../read-calls/never-given.js';
import { CallWeeks, lookAfterWeeks } from './call-weeks.js';
import { dropWeeks, eventWeeks, hasEventsWithoutWeek, makeWeeks } from './event-weeks.js';
import { letCallsBeOver } from './finished-calls.js';
import { dayMs, firstIdAt, tableOfWeek, weekMs, weekOf } from './weeks.js';

const fleet = new Fleet();
/** The first week with a partition of its own, the one after it, and a time at which both are long over. */
const first = weekOf(Date.now()) + 4 * weekMs;
const second = first + weekMs;
const muchLater = first + 20 * weekMs;
let store: Store;

beforeEach(async () => {
  store = await Store.make(fleet);
});
afterEach(() => store.end());

/** A call of a time, which ended. */
async function callAt(time: number, [initiator, callee]: [string, string] = ['ann', 'bob']): Promise<CallId> {
  const callId = uuidv7({ msecs: time }) as CallId;
  await store.dial(initiator, [callee], { callId });
  await store.carryOut({ type: 'HangUp', callId, userAlias: user(initiator), deviceId: phoneOf(initiator) });
  return callId;
}

async function tablesOf(callId: CallId): Promise<string[]> {
  const { rows } = await store.schema.query<{ table: string }>(
    'SELECT DISTINCT tableoid::regclass::text AS table FROM events WHERE call_id = $1',
    [callId],
  );
  return rows.map(({ table }) => table);
}

const goneOf = (week: number) => tableOfWeek(week).replace('events_', 'events_gone_');
const look = (now: number, keepDays = 30) => lookAfterWeeks({ database: store.schema, now, keepDays });
const weeks = async () => (await eventWeeks(store.schema)).map(({ table }) => table);
/** As the purge does once they are over. */
const forget = (callId: CallId) => store.schema.query('DELETE FROM calls WHERE call_id = $1', [callId]);
const published = () => store.schema.query('DELETE FROM outbox');

test('weeks have their partition long before they begin, and calls lie in that of theirs', async () => {
  await Promise.all([look(Date.now()), look(Date.now())]);
  await look(Date.now());
  const made = await eventWeeks(store.schema);
  expect(made.map(({ table }) => table)).toEqual(['events_before', ...[0, 1, 2, 3, 4].map((week) => tableOfWeek(first + week * weekMs))]);
  expect(made.slice(1).map(({ from }) => from)).toEqual(made.slice(0, -1).map(({ to }) => to));
  expect(await tablesOf(await callAt(Date.now()))).toEqual(['events_before']);
  expect(await tablesOf(await callAt(first))).toEqual([tableOfWeek(first)]);
  expect(await tablesOf(await callAt(second - 1))).toEqual([tableOfWeek(first)]);
  expect(await tablesOf(await callAt(second))).toEqual([tableOfWeek(second)]);
  expect(store.errors).toEqual([]);
});

test('replicas that make weeks at one moment leave no gap', async () => {
  await Promise.all([1, 2, 3, 4].map(() => makeWeeks(store.schema, muchLater)));
  await makeWeeks(store.schema, muchLater);
  const made = await eventWeeks(store.schema);
  expect(made.slice(1).map(({ from }) => from)).toEqual(made.slice(0, -1).map(({ to }) => to));
  expect(made.at(-1)?.to).toBe(firstIdAt(muchLater));
});

test('a call whose week has no partition yet is not lost, is said to be without, and moves into its week', async () => {
  const callId = await callAt(muchLater);
  const before = await eventsOfCall(store.schema, callId);
  expect(await tablesOf(callId)).toEqual(['events_rest']);
  expect(await hasEventsWithoutWeek(store.schema)).toBe(true);
  await makeWeeks(store.schema, muchLater + weekMs);
  expect(await tablesOf(callId)).toEqual([tableOfWeek(weekOf(muchLater))]);
  expect(await hasEventsWithoutWeek(store.schema)).toBe(false);
  expect(await eventsOfCall(store.schema, callId)).toEqual(before);
  expect(before).toHaveLength(4);
});

test('in a week, no event is there twice', async () => {
  await look(Date.now());
  const callId = await callAt(first);
  const again = (what: string) =>
    store.schema.query(
      `INSERT INTO events SELECT call_id, ${what}, app_id, type, occurred_at, dataversion, data, traceparent FROM events WHERE call_id = $1 AND version = 1`,
      [callId],
    );
  await expect(again('version, gen_random_uuid()')).rejects.toThrow('duplicate key');
  await expect(again('99, event_id')).rejects.toThrow('duplicate key');
});

test('a week goes as a whole when it is over and all its calls are gone; what lay in the table before goes the same way', async () => {
  await look(Date.now());
  const [past, gone, stays] = [await callAt(Date.now()), await callAt(first), await callAt(second)];
  await published();
  await look(muchLater);
  expect(await weeks()).toEqual(expect.arrayContaining(['events_before', tableOfWeek(first), tableOfWeek(second)]));
  await forget(past);
  await forget(gone);
  expect(await look(muchLater)).toEqual(expect.arrayContaining(['events_gone_before', goneOf(first)]));
  expect(await weeks()).not.toContain('events_before');
  expect((await eventsOfCalls(store.schema, [past, gone, stays])).size).toBe(1);
  expect(await tablesOf(stays)).toEqual([tableOfWeek(second)]);
  expect(await tablesOf(await callAt(muchLater))).toEqual([tableOfWeek(weekOf(muchLater))]);
});

test('a week is not over before its last call has been kept as long as calls are kept', async () => {
  await look(Date.now());
  await published();
  const over = second + 30 * dayMs;
  expect(await look(over + dayMs)).not.toContain(goneOf(first));
  expect(await look(over + 9 * dayMs)).toContain(goneOf(first));
});

test('where calls are kept for ever, no week goes', async () => {
  await look(Date.now(), 0);
  await forget(await callAt(first));
  await published();
  expect(await look(muchLater, 0)).toEqual([]);
  expect(await weeks()).toContain(tableOfWeek(first));
});

test('a week stays while a call goes on, its history is there, or an event of it waits for the log or may be sent to it again', async () => {
  await look(Date.now());
  const callId = uuidv7({ msecs: first }) as CallId;
  await store.dial('ann', ['bob'], { callId });
  const key = [callId];
  const needs: [why: string, needed: string, over: string][] = [
    ['goes on', "SELECT $1::uuid AS call, 'it is there'", 'DELETE FROM calls WHERE call_id = $1'],
    ['waits for the log', 'SELECT $1::uuid', 'DELETE FROM outbox WHERE key = $1::uuid::text'],
    [
      'may be sent again',
      `INSERT INTO sent (slot, id, topic, partition, log_offset, key) VALUES (0, 1, 'calls.events', 0, 0, $1::uuid::text)`,
      'DELETE FROM sent WHERE key = $1::uuid::text',
    ],
    [
      'is in the history',
      `INSERT INTO call_history (call_id, app_id, sequence, participants, dialed_at, call) VALUES ($1, 'app', 1, '{}', now(), '{}')`,
      'DELETE FROM call_history WHERE call_id = $1',
    ],
  ];
  for (const [why, needed, over] of needs) {
    await store.schema.query(needed, key);
    await look(muchLater);
    expect(await weeks(), why).toContain(tableOfWeek(first));
    await store.schema.query(over, key);
  }
  expect(await look(muchLater)).toContain(goneOf(first));
});

test('what a process left that died between taking a week out and dropping it is dropped by the next', async () => {
  await look(Date.now());
  for (const week of [first, second]) await store.schema.query(`ALTER TABLE events DETACH PARTITION ${tableOfWeek(week)}`);
  await store.schema.query(`ALTER TABLE ${tableOfWeek(first)} RENAME TO ${goneOf(first)}`);
  expect(await dropWeeks(store.schema, firstIdAt(0))).toEqual([goneOf(first)]);
  // The other one somebody took out by hand.
  expect((await store.schema.query('SELECT to_regclass($1) AS there', [tableOfWeek(second)])).rows).toEqual([
    { there: tableOfWeek(second) },
  ]);
});

test('who reads for long keeps a week from going, and commands from nothing', async () => {
  await look(Date.now());
  await letCallsBeOver(store.schema, muchLater, 30);
  const reader = await store.schema.connect();
  await reader.query('BEGIN');
  await reader.query('SELECT count(*) FROM events');
  const going = expect(look(muchLater)).rejects.toThrow('lock timeout');
  const began = performance.now();
  for (const name of ['cat', 'dan', 'eve', 'fay']) await store.dial(name, [`${name}-s-friend`]);
  expect(performance.now() - began).toBeLessThan(3000);
  await going;
  await reader.query('ROLLBACK');
  await reader.end();
  expect(await look(muchLater)).toContain(goneOf(first));
  expect(store.errors).toEqual([]);
});

test('a replica that starts looks after the weeks, and says what it could not do', async () => {
  const failed: string[] = [];
  const report = (error: unknown, doing: string) => void failed.push(`${doing}: ${error}`);
  const log = { info: () => undefined };
  const start = (database: unknown) =>
    new CallWeeks({ of: () => database, background: database } as never, { KEEP_FINISHED_CALLS_DAYS: 30 }, report, log as never);
  const replica = start(store.schema);
  replica.onApplicationBootstrap();
  await eventually('eight weeks', async () => (await weeks()).includes(tableOfWeek(weekOf(Date.now() + 7 * weekMs))));
  await eventually(
    'calls being over',
    async () =>
      (await store.schema.query("SELECT FROM kept_calls WHERE from_id > '01000000-0000-0000-0000-000000000000'")).rows.length === 1,
  );
  await replica.beforeApplicationShutdown();
  expect(failed).toEqual([]);
  const broken = start({ query: () => Promise.reject(new Error('away')) });
  broken.onApplicationBootstrap();
  await eventually('the failure', () => failed.length === 1);
  await broken.beforeApplicationShutdown();
  expect(failed[0]).toContain('looking after the weeks of calls');
});

test('a call is read in its own week alone, and appended to it with the locks of that week alone', async () => {
  await makeWeeks(store.schema, muchLater);
  const callId = await callAt(first);
  const plans: string[] = [];
  const explained = {
    query: async (text: string, values?: unknown[]) => {
      const { rows } = await store.schema.query<{ 'QUERY PLAN': string }>(`EXPLAIN ${text}`, values);
      plans.push(rows.map((row) => row['QUERY PLAN']).join('\n'));
      return { rows: [], rowCount: 0 };
    },
  };
  await eventsOfCall(explained, callId);
  await eventsOfCalls(explained, [callId]);
  await eventsBetween(explained, callId, { after: 0, before: 9, limit: 10 });
  const read = (plan: string) => [...new Set(plan.match(/ on events_(?:\d{8}|before|rest)\b/g))];
  expect(plans.map(read)).toEqual([1, 2, 3].map(() => [` on ${tableOfWeek(first)}`]));
  // Among the latest events, only weeks of calls that may go on are looked into.
  plans.splice(0);
  const at = (time: number) => new Date(time).toISOString();
  await neverGiven(explained as never, { after: at(first + 8 * weekMs), until: at(first + 8 * weekMs + 1000), limit: 1000 });
  expect(read(plans[0] ?? '')).not.toContain(` on ${tableOfWeek(first)}`);
  expect(read(plans[0] ?? '')).toContain(` on ${tableOfWeek(first + 8 * weekMs)}`);

  const locked = new Set<string>();
  const database = {
    query: store.schema.query.bind(store.schema),
    transaction: <T>(work: (tx: Transaction) => Promise<T>) =>
      store.schema.transaction(async (tx) => {
        const done = await work({ query: tx.query, last: tx.query });
        const { rows } = await tx.query<{ name: string }>(
          `SELECT relname AS name FROM pg_locks JOIN pg_class ON pg_class.oid = relation WHERE pid = pg_backend_pid() AND relname ~ '^events_' AND relkind = 'r'`,
        );
        for (const { name } of rows) locked.add(name);
        return done;
      }),
  };
  const room = new DecisionRoom(database, { committed: () => undefined }, { CONNECTION_GRACE_MS: 1000, DATABASE_POOL: 8 }, () => undefined);
  await store.know([user('gus'), user('hal')].map((userAlias) => ({ appId: app, userAlias })));
  const dial = dialOf('gus', ['hal'], { callId: uuidv7({ msecs: first }) as CallId });
  expect(await room.carryOut({ appId: app, command: dial })).toMatchObject({ call: { status: 'ringing' } });
  expect([...locked]).toEqual([tableOfWeek(first)]);
});
