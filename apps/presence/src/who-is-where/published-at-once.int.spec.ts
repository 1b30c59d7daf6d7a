/*
 * What a batch changes is published in the transaction that folds it: once for each person, of the newest that all have committed,
 * or not at all. Whoever cannot be published, and crowds, hold up nobody.
 */
import type { Presence, SessionEvent, UserAlias } from '@communication-center/contracts';
import { Fleet, TestSchema } from '@communication-center/testing';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { migrations } from '../migrations/index.js';
import { app, at, callEvent, dialed, newId, noting, replica as replicaOn, ringing, sessionEvent, trace } from './replica.fixture.js';
import { WhoIsWhereProjection } from './who-is-where.projection.js';

const fleet = new Fleet();
let schema: TestSchema;
let woken: unknown[][];
let statements: string[];

beforeEach(async () => {
  woken = [];
  statements = [];
  schema = await TestSchema.migrated(fleet, migrations);
});

afterEach(() => schema.drop());

const replica = (database: Parameters<typeof replicaOn>[0] = schema) => replicaOn(database, (rows) => woken.push(rows));

async function readings(): Promise<Record<string, Presence>> {
  const { rows } = await schema.query<{ user_alias: string; published: Presence }>(
    'SELECT user_alias, published FROM people WHERE published IS NOT NULL',
  );
  return Object.fromEntries(rows.map(({ user_alias, published }) => [user_alias, published]));
}

const told = async () =>
  (
    await schema.query<{ user_alias: UserAlias; version: number; traceparent: string }>(
      `SELECT event->'data'->>'userAlias' AS user_alias, (event->>'sequence')::int AS version, event->>'traceparent' AS traceparent
       FROM outbox ORDER BY id`,
    )
  ).rows;

const marks = async () =>
  (await schema.query<{ user_alias: string; tries: number }>('SELECT user_alias, tries FROM people_to_look_at ORDER BY 1')).rows;

test('a batch publishes each person once, with the trace of the newest event about them, and leaves no mark', async () => {
  const callId = newId();
  await replica().apply('calls.events', [dialed(callId, 'alice', 'bob'), ringing(callId, 'alice', 'bob')]);
  expect(await told()).toEqual([
    { user_alias: 'alice', version: 1, traceparent: trace('2') },
    { user_alias: 'bob', version: 1, traceparent: trace('2') },
  ]);
  expect(await readings()).toMatchObject({ alice: { status: 'busy', version: 1 }, bob: { status: 'busy', version: 1 } });
  expect(await marks()).toEqual([]);
  expect(woken, 'the relay is told the rows, after the commit').toMatchObject([[{ key: 'app/alice' }, { key: 'app/bob' }]]);
});

test('an event of a call that goes on takes one transaction of four statements, one that changes nobody three; a call unknown here is read', async () => {
  const callId = newId();
  const { apply } = replica(noting(schema, statements));
  await apply('calls.events', [dialed(callId, 'alice', 'bob')]);
  // The projection's lock, the call, the look, the word with the outbox.
  expect(statements).toHaveLength(4);
  statements.length = 0;
  await apply('calls.events', [ringing(callId, 'alice', 'bob')]);
  expect(statements, 'nobody is somewhere else').toHaveLength(3);
  statements.length = 0;
  await replica(noting(schema, statements)).apply('calls.events', [
    callEvent(callId, 3, 'call.answered', { audience: ['alice', 'bob'], userAlias: 'bob', deviceId: 'phone' }),
  ]);
  expect(statements).toHaveLength(5);
  expect(await readings()).toMatchObject({ bob: { calls: [{ state: 'connected' }] } });
});

test('nothing is told of a batch that is rolled back, until it comes again', async () => {
  const failing = {
    query: schema.query.bind(schema),
    transaction: ((work) =>
      schema.transaction(async (tx) => {
        const done = await work(tx);
        if (isFailing) throw new Error('the connection is lost at the commit');
        return done;
      })) as TestSchema['transaction'],
  };
  let isFailing = true;
  const { apply } = replica(failing as never);
  const events = [dialed(newId(), 'alice', 'bob')];
  await expect(apply('calls.events', events)).rejects.toThrow('lost');
  expect(await told()).toEqual([]);
  expect(await readings()).toEqual({});
  expect(woken).toEqual([]);
  isFailing = false;
  await apply('calls.events', events);
  expect(await told(), 'it is written when it comes again').toHaveLength(2);
});

test('batches side by side about one person: the last reading knows of all calls, and every version is told once, in order', async () => {
  const replicas = [replica(), replica()];
  const callIds = Array.from({ length: 24 }, newId);
  await Promise.all(
    callIds.map(async (callId, index) => {
      await replicas[index % 2]?.apply('calls.events', [dialed(callId, `caller-${index}`, 'bob')]);
      await replicas[index % 2]?.apply('calls.events', [ringing(callId, `caller-${index}`, 'bob')]);
    }),
  );
  const { bob } = await readings();
  expect(bob?.calls.map(({ callId }) => callId).sort()).toEqual([...callIds].sort());
  const versions = (await told()).filter(({ user_alias }) => user_alias === 'bob').map(({ version }) => version);
  expect(versions).toEqual(versions.map((_, index) => index + 1));
  expect(bob?.version).toBe(versions.length);
  const { rows } = await schema.query<{ version: number }>(
    "SELECT (presence->>'version')::int AS version FROM bucket_changes WHERE user_alias = 'bob' ORDER BY position",
  );
  expect(rows.map(({ version }) => version)).toEqual(versions);
});

test('whoever cannot be published fails the batch once; when it comes again they are marked, and then set aside alone', async () => {
  await schema.query(
    `INSERT INTO current_calls (call_id, app_id, sequence, ended, participants, call) VALUES (gen_random_uuid(), $1, 1, false, ARRAY['bob'], '{"no": "call"}')`,
    [app],
  );
  const { publisher, apply } = replica();
  const callId = newId();
  const batch = [dialed(callId, 'alice', 'bob')];
  await expect(apply('calls.events', batch)).rejects.toThrow();
  await apply('calls.events', batch);
  expect(await marks()).toEqual([
    { user_alias: 'alice', tries: 0 },
    { user_alias: 'bob', tries: 0 },
  ]);
  await publisher.publishMarked();
  expect(Object.keys(await readings())).toEqual(['alice']);
  expect(await marks()).toEqual([{ user_alias: 'bob', tries: 1 }]);

  // Another replica remembers nothing: it finds in the mark that bob is set aside, and publishes the others at once.
  await replica().apply('calls.events', [dialed(newId(), 'carol', 'bob')]);
  expect(Object.keys(await readings()).sort()).toEqual(['alice', 'carol']);
  expect(await marks()).toEqual([{ user_alias: 'bob', tries: 1 }]);
});

test('a crowd is only marked, and told from its queues', async () => {
  const { publisher, apply } = replica();
  const batch = Array.from({ length: 60 }, (_, index) => sessionEvent(newId(), 1, 'session.opened', `user-${index}`));
  await apply('sessions.events', batch);
  expect(await told()).toEqual([]);
  expect(await marks()).toHaveLength(60);
  await publisher.publishMarked();
  const all = await told();
  expect(all).toHaveLength(60);
  expect(new Set(all.map(({ traceparent }) => traceparent)), 'a mark keeps the trace').toEqual(new Set([trace('3')]));
});

test('crowds and single people, told side by side by two replicas: everybody is told each version once, the last as it is', async () => {
  const replicas = [replica(), replica()];
  const sessions = Array.from({ length: 60 }, (_, index) => ({ id: newId(), name: `user-${index}` }));
  const all = (sequence: number, type: string) => sessions.map(({ id, name }) => sessionEvent(id, sequence, type, name));
  const work = replicas.flatMap(({ publisher, apply }, half) => [
    (async () => {
      // Each replica has half of the sessions' partitions; two crowds, and between them one by one.
      const mine = (events: SessionEvent[]) => events.filter((_, index) => index % 2 === half);
      const more = Array.from({ length: 60 }, (_, index) => sessionEvent(newId(), 1, 'session.opened', `user-${index}`));
      await apply('sessions.events', [...mine(all(1, 'session.opened')), ...more]);
      for (const event of mine(all(2, 'session.went_away'))) await apply('sessions.events', [event]);
      await apply('sessions.events', [...mine(all(3, 'session.came_back')), ...more]);
      for (const event of mine(all(4, 'session.went_away'))) await apply('sessions.events', [event]);
    })(),
    (async () => {
      for (let round = 0; round < 20; round += 1) await publisher.publishMarked();
    })(),
  ]);
  await Promise.all(work);
  await replicas[0]?.publisher.publishMarked();
  expect(await marks()).toEqual([]);
  const versions = Map.groupBy(await told(), ({ user_alias }) => user_alias as string);
  for (const ofOne of versions.values()) expect(ofOne.map(({ version }) => version)).toEqual(ofOne.map((_, index) => index + 1));
  const last = Object.entries(await readings());
  expect(last).toHaveLength(60);
  for (const [name, { version, devices, status }] of last) {
    expect({ version, status }).toEqual({ version: versions.get(name)?.length, status: 'online' });
    expect(devices).toHaveLength(1);
  }
});

test('sessions folded in one batch, repeats among them, are as if each event had come alone', async () => {
  const [one, two] = [newId(), newId()];
  const events = [
    sessionEvent(one, 1, 'session.opened', 'alice'),
    sessionEvent(two, 1, 'session.opened', 'bob'),
    sessionEvent(one, 2, 'session.went_away', 'alice', '2026-11-27T12:00:01.000Z'),
    sessionEvent(two, 2, 'session.closed', 'bob', '2026-11-27T12:00:02.000Z'),
    sessionEvent(one, 1, 'session.opened', 'alice'),
    sessionEvent(two, 1, 'session.opened', 'bob'),
  ];
  await schema.query(
    "INSERT INTO known_users (app_id, user_alias, sequence, deleted) VALUES ('app', 'alice', 1, false), ('app', 'bob', 1, false)",
  );
  const rows = async () => (await schema.query('SELECT * FROM device_sessions ORDER BY session_id')).rows;
  await replica().apply('sessions.events', events);
  const together = await rows();
  expect(together).toMatchObject([
    { sequence: 1 + 1, away: true, closed_at: null, opened_at: new Date(at) },
    { sequence: 2, away: false, closed_at: new Date('2026-11-27T12:00:02.000Z') },
  ]);
  await schema.query('DELETE FROM device_sessions');
  for (const event of events) await replica().apply('sessions.events', [event]);
  expect(await rows()).toEqual(together);
  expect(await readings()).toMatchObject({ alice: { status: 'away' }, bob: { status: 'offline' } });
});

test('the past that is folded again publishes nothing and marks nobody', async () => {
  const callId = newId();
  const { publisher } = replica();
  const handler = new WhoIsWhereProjection(publisher, { letRest: () => undefined });
  await schema.transaction((tx) =>
    handler.apply({
      topic: 'calls.events',
      events: [dialed(callId, 'alice', 'bob')],
      tombstones: [],
      tx: tx as never,
      ahead: (text, values) => void tx.query(text, values),
      isRebuild: true,
      afterCommit: () => expect.unreachable(),
    }),
  );
  expect(await told()).toEqual([]);
  expect(await marks()).toEqual([]);
});
