/*
 * Nobody rings, and is in no call, once deleted: neither who was when it was told, nor who was being dialed at that very moment.
 * And an app that is closed ends all its calls, a batch of its users after the other, wherever whoever does it is killed.
 */
import type { AppId, CallId, DirectoryEvent } from '@communication-center/contracts';
import type { AnyProjectionBatch } from '@communication-center/event-log';
import { eventually, Fleet, holds } from '@communication-center/testing';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { endSomeCalls } from '../close-apps/closing-apps.js';
import { app, dialOf, phoneOf, Store, user } from '../decide-in-groups/store.fixture.js';
import { UserSettingsProjection } from './user-settings.projection.js';

const fleet = new Fleet();
const projection = new UserSettingsProjection();
let store: Store;

beforeEach(async () => {
  store = await Store.make(fleet);
});
afterEach(() => store.end());

async function told(...events: object[]): Promise<void> {
  await store.schema.transaction((tx) =>
    projection.apply({ topic: 'directory.events', events, tombstones: [], tx, isRebuild: false } as unknown as never),
  );
}
const deleted = (userAlias: string, sequence = 2) => ({ type: 'user.deleted', appid: app, sequence, data: { userAlias } });
const saved = (userAlias: string, sequence: number) => ({
  type: 'user.saved',
  appid: app,
  sequence,
  data: { userAlias, doNotDisturb: false },
});
const appSaved = (state: string, sequence: number) => ({ type: 'app.saved', appid: app, sequence, data: { options: {}, state } });

async function sweepUntil(what: string, check: () => Promise<boolean>): Promise<void> {
  const sweep = store.sweep();
  await eventually(
    what,
    async () => {
      await sweep.look();
      return check();
    },
    20_000,
  );
}
const stateOf = async (callId: CallId) =>
  (await store.schema.query<{ state: { status: string; reason?: string } }>('SELECT state FROM calls WHERE call_id = $1', [callId])).rows[0]
    ?.state;
const hasEnded = async (callId: CallId) => (await stateOf(callId))?.status === 'ended';

test('a ring at a user that is deleted ends, and so does the call that one is in', async () => {
  const [ring, talk] = [await store.dial('alice', ['bob']), await store.dial('carol', ['dave'])];
  await store.carryOut({ type: 'AnswerCall', callId: talk.callId, userAlias: user('dave'), deviceId: phoneOf('dave') });
  await told(deleted('bob'), deleted('carol'));
  await sweepUntil('both calls being over', async () => (await hasEnded(ring.callId)) && hasEnded(talk.callId));
  expect([(await stateOf(ring.callId))?.reason, (await stateOf(talk.callId))?.reason]).toEqual(['kicked', 'hung_up']);
  expect(await store.count('rings')).toBe(0);
  await expect(store.carryOut(dialOf('alice', ['bob']))).rejects.toThrow('bob');
});

test('who is dialed at the moment in which the deletion is told is either not rung, or taken out', async () => {
  for (let round = 0; round < 20; round += 1) {
    const [caller, callee] = [`caller-${round}`, `callee-${round}`];
    await store.know([caller, callee].map((name) => ({ appId: app, userAlias: user(name) })));
    await store.schema.query('INSERT INTO lines (app_id, user_alias) VALUES ($1, $2), ($1, $3)', [app, caller, callee]);
    const dial = dialOf(caller, [callee]);
    const [dialed] = await Promise.allSettled([store.room.carryOut({ appId: app, command: dial }), told(deleted(callee))]);
    if (dialed.status === 'fulfilled') await sweepUntil('the ring being over', () => hasEnded(dial.callId));
  }
  expect(await store.count('rings')).toBe(0);
});

test('who was made again before an old deletion is told once more stays in the call', async () => {
  await told(saved('bob', 3));
  const ring = await store.dial('alice', ['bob']);
  await told(deleted('bob', 2));
  const sweep = store.sweep();
  await sweep.look();
  const goesOn = async () => {
    await sweep.look();
    return !(await hasEnded(ring.callId));
  };
  await holds('the ring going on', goesOn, 300);
});

test('with an app that is closed all its calls end, batch by batch, and those of no other', async () => {
  const count = 1500;
  const calls = await Promise.all(Array.from({ length: 20 }, (_, index) => store.dial(`caller-${index}`, [`callee-${index}`])));
  await store.schema.query(
    `INSERT INTO lines (app_id, user_alias) SELECT $1, 'idle-' || lpad(number::text, 5, '0') FROM generate_series(1, ${count}) AS number`,
    [app],
  );
  const other = { appId: 'other' as AppId, command: dialOf('alice', ['bob']) };
  await store.carryOut(other);
  await told(appSaved('active', 1), appSaved('suspended', 2));
  const step = () => store.schema.transaction((tx) => endSomeCalls(tx as never));
  // Whoever is killed leaves what it did not commit to the next.
  await expect(
    store.schema.transaction(async (tx) => {
      await endSomeCalls(tx as never);
      throw new Error('killed');
    }),
  ).rejects.toThrow('killed');
  let steps = 0;
  while ((await step()) === 0) steps += 1;
  expect(steps).toBeGreaterThanOrEqual(2);
  await sweepUntil('all calls being over', async () => (await Promise.all(calls.map(({ callId }) => hasEnded(callId)))).every(Boolean));
  expect(await Promise.all(calls.map(async ({ callId }) => (await stateOf(callId))?.reason))).toEqual(calls.map(() => 'ended_by_server'));
  expect(await hasEnded(other.command.callId)).toBe(false);
  // A call that begins now, on what was known before, ends too.
  const late = await store.dial('late', ['later']);
  await eventually('the next look', async () => (await step()) === 0, 3000);
  await eventually(
    'the late call being found',
    async () => {
      await step();
      return (await store.count("deadlines WHERE kind = 'closed'")) === 1;
    },
    5000,
  );
  await sweepUntil('the late call being over', () => hasEnded(late.callId));
  await store.schema.query('UPDATE closing_apps SET until = now(), look_at = now()');
  while ((await step()) === 0) steps += 1;
  expect(await store.count('closing_apps')).toBe(0);
});

test('an app that is resumed is looked at no more, and an event of before does not close it again', async () => {
  await told(appSaved('active', 1), appSaved('suspended', 2));
  expect(await store.count('closing_apps')).toBe(1);
  await told(appSaved('active', 3));
  await told(appSaved('suspended', 2));
  expect(await store.count('closing_apps')).toBe(0);
});

test('what a rebuild folds again takes nobody out', async () => {
  const ring = await store.dial('alice', ['bob']);
  const batch = {
    topic: 'directory.events',
    events: [deleted('bob'), appSaved('deleted', 9)] as unknown as DirectoryEvent[],
    tombstones: [],
  };
  await store.schema.transaction((tx) => projection.apply({ ...batch, tx, isRebuild: true } as unknown as AnyProjectionBatch as never));
  expect([await store.count("deadlines WHERE kind = 'deleted'"), await store.count('closing_apps')]).toEqual([0, 0]);
  expect(await hasEnded(ring.callId)).toBe(false);
});
