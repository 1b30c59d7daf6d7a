/*
 * What arrives while sessions are being opened or changed goes into the next transaction; each is told once, in its own trace, and
 * one that PostgreSQL does not take fails alone.
 */
import type { AppId, SessionId } from '@communication-center/contracts';
import { type Database, eventLogTables, outboxFunctions, outboxTables } from '@communication-center/event-log';
import { eventually, Fleet, TestSchema } from '@communication-center/testing';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { continueTrace, traceIdOf, withTrace } from '../trace.js';
import { SocketSessions } from './socket-sessions.js';
import { socketSessionChanges, socketSessionTables } from './tables.js';

type Reason = 'left' | 'lost' | 'drained';

const fleet = new Fleet();
let schema: TestSchema;
let sessions: SocketSessions<{ name: string }, Reason>;
let transactions: number;
/** Called once a transaction has committed, whose answer it may lose. */
let afterCommit: (() => void) | undefined;
let nextId = 0;

beforeEach(async () => {
  [transactions, afterCommit] = [0, undefined];
  schema = await TestSchema.make(fleet, [
    ...eventLogTables,
    ...outboxTables,
    ...outboxFunctions,
    ...socketSessionTables,
    socketSessionChanges,
  ]);
  const opens: Database = {
    schema: schema.schema,
    query: (text, values) => schema.query(text, values),
    connect: () => schema.connect(),
    transaction: async (work) => {
      transactions += 1;
      const done = await schema.transaction(work);
      afterCommit?.();
      return done;
    },
  };
  sessions = new SocketSessions<{ name: string }, Reason>({
    database: opens,
    closeOn: schema,
    relay: { committed: () => undefined, publishingAfter: (work) => work() },
    topic: 'sessions.events',
    leaseMs: 2000,
    lostReason: 'lost',
    tell: ({ about }, what) => ({ type: typeof what === 'string' ? `session.${what}` : 'session.closed', source: '/test', data: about }),
    onExpelled: () => undefined,
    onError: () => undefined,
  });
  await sessions.start();
});

afterEach(async () => {
  await sessions.stop('drained');
  await schema.drop();
});

const session = (name: string, appId = 'app') => ({
  sessionId: `00000000-0000-4000-8000-${String(++nextId).padStart(12, '0')}` as SessionId,
  appId: appId as AppId,
  about: { name },
});
const crowdOf = (count: number) => Array.from({ length: count }, (_, index) => session(`user-${index}`));
const left = async () => Number((await schema.query<{ count: string }>('SELECT count(*) FROM sessions')).rows[0]?.count);

interface Told {
  type: string;
  sequence: number;
  traceparent?: string;
  data: { name: string };
}

async function told(): Promise<Map<string, Told[]>> {
  const { rows } = await schema.query<{ key: string; event: Told }>('SELECT key, event FROM outbox WHERE event IS NOT NULL ORDER BY id');
  return new Map([...Map.groupBy(rows, ({ key }) => key)].map(([key, of]) => [key, of.map(({ event }) => event)]));
}

test('a crowd that comes at once is opened in few transactions, each told once in its own trace', async () => {
  const crowd = crowdOf(1000).map((one) => ({ one, trace: continueTrace() }));
  await Promise.all(crowd.map(({ one, trace }) => withTrace(trace, () => sessions.open(one))));
  expect(transactions).toBe(4);
  expect(await left()).toBe(1000);
  const all = await told();
  const heard = crowd.map(({ one }) =>
    all.get(one.sessionId)?.map(({ type, sequence, traceparent }) => [type, sequence, traceIdOf(traceparent)]),
  );
  expect(heard).toEqual(crowd.map(({ trace }) => [['session.opened', 1, traceIdOf(trace)]]));
});

test('one that PostgreSQL does not take fails alone', async () => {
  const [good, bad, other] = [session('good'), session('bad\u0000'), session('other', 'another-app')];
  const opened = await Promise.allSettled([good, bad, other].map((one) => sessions.open(one)));
  expect(opened.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
  // Of the one at fault nothing is left to be closed.
  sessions.close(bad.sessionId, 'left');
  expect([...(await told()).keys()].sort()).toEqual([good.sessionId, other.sessionId].sort());
});

test('none of a group is opened by a process that others took for dead', async () => {
  await schema.query(`UPDATE processes SET expires_at = '-infinity'`);
  const opened = await Promise.allSettled(crowdOf(3).map((one) => sessions.open(one)));
  expect(opened.map((one) => one.status === 'rejected' && (one.reason as { code: string }).code)).toEqual(
    Array(3).fill('service_unavailable'),
  );
  expect(await left()).toBe(0);
});

test('a group whose commit got no answer fails as a whole, is not tried again, and is closed', async () => {
  const crowd = crowdOf(3);
  afterCommit = () => {
    throw new Error('connection lost');
  };
  const opened = await Promise.allSettled(crowd.map((one) => sessions.open(one)));
  afterCommit = undefined;
  expect(opened.map(({ status }) => status)).toEqual(Array(3).fill('rejected'));
  expect(transactions).toBe(1);
  await eventually('all being closed', async () => (await left()) === 0);
  const all = await told();
  expect(crowd.map(({ sessionId }) => all.get(sessionId)?.map(({ type }) => type))).toEqual(
    Array(3).fill(['session.opened', 'session.closed']),
  );
});

test('changes go together, those of a session that is gone are left alone, and of two of one session the last is what it is', async () => {
  const [alice, bob] = [session('alice'), session('bob')];
  await Promise.all([alice, bob].map((one) => sessions.open(one)));
  const before = transactions;
  const changes = [session('gone'), { ...bob, about: { name: 'bob, away' } }, alice, { ...alice, about: { name: 'alice, away' } }];
  await Promise.all(changes.map((one) => sessions.change(one)));
  expect(transactions - before).toBe(1);
  const all = await told();
  expect(all.size).toBe(2);
  expect([alice, bob].map(({ sessionId }) => all.get(sessionId)?.map(({ sequence, data }) => [sequence, data.name]))).toEqual([
    [
      [1, 'alice'],
      [2, 'alice, away'],
    ],
    [
      [1, 'bob'],
      [2, 'bob, away'],
    ],
  ]);
});

test('groups that are changed and closed at the same time wait for each other in one order', async () => {
  const crowd = crowdOf(400);
  await Promise.all(crowd.map((one) => sessions.open(one)));
  const changing = Promise.all(crowd.toReversed().map((one) => sessions.change(one)));
  for (const { sessionId } of crowd) sessions.close(sessionId, 'left');
  await changing;
  await eventually('all being closed', async () => (await left()) === 0);
  for (const events of (await told()).values()) {
    expect(events.map(({ sequence }) => sequence)).toEqual(events.map((_, index) => index + 1));
    expect(events.at(-1)?.type).toBe('session.closed');
  }
});
