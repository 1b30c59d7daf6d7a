/*
 * A device in a call that has no socket left is given the grace, whatever happens at the same moment: two transactions that
 * overlap in any way, one of them sees the other.
 */
import type { CallState, SessionEvent } from '@communication-center/contracts';
import type { Sql } from '@communication-center/event-log';
import { eventually, Fleet } from '@communication-center/testing';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { chances, phoneOf, Store, user } from '../decide-in-groups/store.fixture.js';
import { DeviceSessionsProjection } from './device-sessions.projection.js';

const fleet = new Fleet();
const ids = ['00000000-0000-4000-8000-000000000001', '00000000-0000-4000-8000-000000000002'] as const;
let store: Store;
const stillBegun: (() => Promise<void>)[] = [];
let projection: DeviceSessionsProjection;

beforeEach(async () => {
  store = await Store.make(fleet);
  projection = new DeviceSessionsProjection({ CONNECTION_GRACE_MS: chances.connectionGraceMs } as never);
});
afterEach(async () => {
  for (const end of stillBegun.splice(0)) await end();
  await store.end();
});

function told(sessionId: string, sequence: number, what: 'opened' | 'closed'): SessionEvent {
  const data = { sessionId, userAlias: 'bob', deviceId: phoneOf('bob'), platform: 'web' };
  return {
    specversion: '1.0',
    id: `${sessionId}-${sequence}`,
    source: '/gateway',
    type: `session.${what}`,
    time: new Date().toISOString(),
    subject: sessionId,
    appid: 'app',
    sequence,
    dataversion: 1,
    data: what === 'closed' ? { ...data, reason: 'connection_lost' } : data,
  } as never;
}

const apply = (tx: Sql, ...events: SessionEvent[]) =>
  projection.apply({ topic: 'sessions.events', events, tombstones: [], tx, isRebuild: false, afterCommit: () => undefined });
const open = (...sessions: string[]) => store.schema.transaction((tx) => apply(tx, ...sessions.map((id) => told(id, 1, 'opened'))));
const answer = ({ callId }: CallState) =>
  store.carryOut({ type: 'AnswerCall', callId, userAlias: user('bob'), deviceId: phoneOf('bob') }).then(([reply]) => reply?.call?.status);

async function watched(): Promise<string[]> {
  const { rows } = await store.schema.query<{ user_alias: string }>(
    "SELECT user_alias FROM deadlines WHERE kind = 'connection' AND user_alias = 'bob'",
  );
  return rows.map(({ user_alias }) => user_alias);
}

/** Begins a transaction that stands still after its work, until it is told to commit. */
async function begun(work: (tx: Sql) => Promise<unknown>): Promise<() => Promise<void>> {
  const connection = await store.schema.connect();
  stillBegun.push(() => connection.end());
  await connection.query('BEGIN');
  await work(connection);
  return async () => {
    await connection.query('COMMIT');
  };
}

const isWaiting = (count: number) =>
  eventually('a transaction waiting for another', async () => {
    const { rows } = await store.schema.query("SELECT FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND application_name = $1", [
      store.schema.schema,
    ]);
    return rows.length >= count;
  });

test('a socket that is closing while its device answers is seen by the answer', async () => {
  await open(ids[0]);
  const call = await store.dial('ann', ['bob']);
  const commit = await begun((tx) => apply(tx, told(ids[0], 2, 'closed')));
  const answered = answer(call);
  await isWaiting(1);
  await commit();
  expect(await answered).toBe('connected');
  expect(await watched()).toEqual(['bob']);
});

test('an answer that is under way is seen by the socket that closes meanwhile', async () => {
  await open(ids[0]);
  const call = await store.dial('ann', ['bob']);
  // The answer has locked the session, and cannot write the call yet.
  const commit = await begun((tx) => tx.query('LOCK TABLE recent_calls IN ACCESS EXCLUSIVE MODE'));
  const answered = answer(call);
  await isWaiting(1);
  const closed = store.schema.transaction((tx) => apply(tx, told(ids[0], 2, 'closed')));
  await isWaiting(2);
  await commit();
  await closed;
  expect(await answered).toBe('connected');
  expect(await watched()).toEqual(['bob']);
});

test('of two sockets that close at the same moment in two batches, one is the last', async () => {
  await open(...ids);
  const call = await store.dial('ann', ['bob']);
  await answer(call);
  expect(await watched()).toEqual([]);
  const commit = await begun((tx) => apply(tx, told(ids[0], 2, 'closed')));
  const closed = store.schema.transaction((tx) => apply(tx, told(ids[1], 2, 'closed')));
  await isWaiting(1);
  await commit();
  await closed;
  expect(await watched()).toEqual(['bob']);
});

test('a socket that opens takes the grace away, one that opens and closes in one batch does not', async () => {
  const call = await store.dial('ann', ['bob']);
  await answer(call);
  expect(await watched()).toEqual(['bob']);
  await store.schema.transaction((tx) => apply(tx, told(ids[0], 1, 'opened'), told(ids[0], 2, 'closed')));
  expect(await watched()).toEqual(['bob']);
  await open(ids[1]);
  expect(await watched()).toEqual([]);
});

test.each([
  ['as long as the installation waits, where its app says nothing', {}, chances.connectionGraceMs],
  ['as long as its app says', { connectionGraceSeconds: 7 }, 7000],
  ['no longer than the installation waits', { connectionGraceSeconds: 600 }, chances.connectionGraceMs],
])('a lost device is waited for %s', async (_how, options, graceMs) => {
  await store.schema.query(
    `INSERT INTO app_options (app_id, sequence, options) VALUES ('app', 1, $1)
     ON CONFLICT (app_id) DO UPDATE SET options = excluded.options`,
    [JSON.stringify(options)],
  );
  await open(ids[0]);
  await answer(await store.dial('ann', ['bob']));
  await store.schema.transaction((tx) => apply(tx, told(ids[0], 2, 'closed')));
  const { rows } = await store.schema.query<{ ms: number }>(
    "SELECT (extract(epoch FROM due_at - now()) * 1000)::float8 AS ms FROM deadlines WHERE kind = 'connection' AND user_alias = 'bob'",
  );
  expect(rows[0]?.ms).toBeGreaterThan(graceMs - 2000);
  expect(rows[0]?.ms).toBeLessThanOrEqual(graceMs);
});

test('of a device of which nothing ever came through, who is in the call on it is taken out, and why is in events and state', async () => {
  const call = await store.dial('ann', ['bob'], { mediaSetupSeconds: 60 });
  await answer(call);
  const left = (callId: string, deviceId: string) =>
    ({
      ...told(ids[0], 2, 'closed'),
      type: 'media.left',
      time: new Date(Date.now() + 50).toISOString(),
      data: { mediaSessionId: ids[0], callId, userAlias: 'bob', deviceId, failed: 'ice_failed' },
    }) as never;
  const hear = (event: never) =>
    store.schema.transaction((tx) =>
      projection.apply({ topic: 'media.events', events: [event], tombstones: [], tx, isRebuild: false, afterCommit: () => undefined }),
    );
  const due = async () =>
    (await store.schema.query("SELECT FROM deadlines WHERE kind = 'media' AND failed_device IS NOT NULL")).rows.length;
  await hear(left(call.callId, 'another-device'));
  await hear(left(ids[1], phoneOf('bob')));
  expect(await due(), 'of another device, and of another call').toBe(0);
  await hear(left(call.callId, phoneOf('bob')));
  await hear(left(call.callId, phoneOf('bob')));
  expect(await due()).toBe(1);
  const sweep = store.sweep();
  await eventually('it being decided', async () => {
    await sweep.look();
    return (await due()) === 0;
  });
  await sweep.stop();
  const { rows } = await store.schema.query<{ type: string; data: object }>(
    "SELECT type, data FROM events WHERE type IN ('call.left', 'call.ended') ORDER BY version",
  );
  expect(rows).toMatchObject([
    { type: 'call.left', data: { userAlias: 'bob', reason: 'media_failed', mediaFailure: 'ice_failed' } },
    { type: 'call.ended', data: { reason: 'media_failed', mediaFailure: 'ice_failed' } },
  ]);
});
