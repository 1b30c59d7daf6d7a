/*
 * Several replicas at the same rows of one PostgreSQL: each push is one's at a time, nothing is left by whoever dies, and nobody is
 * rung for a ring that is over.
 */
import { randomUUID } from 'node:crypto';
import type { AppId, CallId, DeviceId, PushTarget, UserAlias } from '@communication-center/contracts';
import { eventually, Fleet, TestSchema } from '@communication-center/testing';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { RegistrationStore } from '../devices/registration-store.js';
import type { Ring, RingEnd } from '../domain/rings.js';
import { notifications } from '../migrations/1-notifications.js';
import { push } from '../migrations/11-push.js';
import { toldRings } from '../migrations/20-told-rings.js';
import { pushReplicas } from '../migrations/21-push-replicas.js';
import { ringsBegun } from '../migrations/23-begin-rings.js';
import { type RingPush, RingRows } from './ring-rows.js';

const fleet = new Fleet();
const silent = { tells: () => false, relay: { committed: () => undefined } };
let schema: TestSchema;
let registrations: RegistrationStore;
let one: RingRows;
let other: RingRows;

beforeEach(async () => {
  schema = await TestSchema.migrated(fleet, [notifications, push, toldRings, pushReplicas, ringsBegun]);
  registrations = new RegistrationStore(schema as never);
  [one, other] = [new RingRows(schema, randomUUID(), silent), new RingRows(schema, randomUUID(), silent)];
});

afterEach(() => schema.drop());

const app = 'demo' as AppId;
const bob = 'bob' as UserAlias;
const fcm = (token: string): PushTarget => ({ kind: 'fcm', token: token.padEnd(20, '.') });
const voip = (letter: string): PushTarget => ({ kind: 'apns_voip', token: letter.repeat(64), environment: 'production' });

const register = (userAlias: string, deviceId: string, target: PushTarget) =>
  registrations.register(app, userAlias as UserAlias, { deviceId: deviceId as DeviceId, target });

const ringOf = (more: Partial<Ring> = {}): Ring => ({
  callId: randomUUID() as CallId,
  sequence: 1,
  appId: app,
  userAlias: bob,
  caller: 'alice' as UserAlias,
  callType: 'audio_video',
  waiting: false,
  began: new Date().toISOString(),
  deadline: new Date(Date.now() + 30_000).toISOString(),
  traceparent: null,
  ...more,
});

const endOf = (ring: Ring, deviceId: string | null = null): RingEnd => ({
  ...ring,
  sequence: ring.sequence + 1,
  part: deviceId
    ? { state: 'connected', userAlias: bob, since: '', deviceId: deviceId as DeviceId }
    : { state: 'gone', userAlias: bob, at: '', reason: 'cancelled', deviceId: null },
});

const accepted = ({ pushId, appId }: RingPush) => {
  const carried = { state: 'accepted' as const, reason: null, attempts: 1, sentAt: new Date(), mayRing: true };
  return { pushId, appId, ...carried, isTold: true };
};
const devicesOf = (pushes: readonly RingPush[]) => pushes.map(({ deviceId }) => deviceId).sort();
const goesBy = () => new Promise((resolve) => setTimeout(resolve, 1100));

test('of replicas that hear of a ring at once, one has each push', async () => {
  await register('bob', 'android', fcm('a'));
  await register('bob', 'iphone', voip('b'));
  await schema.query("INSERT INTO contacts (app_id, user_alias, sequence, name) VALUES ('demo', 'alice', 1, 'Alice')");
  const ring = ringOf();
  const heard = await Promise.all([one.begin([ring]), other.begin([ring]), one.begin([ring])]);
  expect(devicesOf(heard.flatMap(({ mine }) => mine))).toEqual(['android', 'iphone']);
  for (const { calls } of heard) expect([...calls]).toEqual([ring.callId]);
  expect(heard.flatMap(({ mine }) => mine)[0]).toMatchObject({ caller: 'alice', callerName: 'Alice', state: 'queued', wasTaken: false });
});

test('a device that has a socket open is not written before nothing is heard of it, nor who has no device; an alert rings only where there is no PushKit', async () => {
  await register('bob', 'iphone', voip('b'));
  await register('bob', 'iphone', { kind: 'apns_alert', token: 'c'.repeat(64), environment: 'production' });
  await register('bob', 'ipad', { kind: 'apns_alert', token: 'd'.repeat(64), environment: 'production' });
  const { mine } = await one.begin([ringOf(), ringOf({ userAlias: 'nobody' as UserAlias })]);
  expect(mine.map(({ kind, deviceId }) => `${deviceId} ${kind}`).sort()).toEqual(['ipad apns_alert', 'iphone apns_voip']);
  await schema.query("INSERT INTO live_sessions VALUES (gen_random_uuid(), 'demo', 'bob', 'ipad', 1, NULL)");
  const ring = ringOf();
  const begun = await one.begin([ring]);
  expect([devicesOf(begun.mine), begun.withSocket]).toEqual([['iphone'], [{ ring, devices: ['ipad'] }]]);
  // Of whom nothing is heard is pushed to all the same, and once.
  const silent = { ...ring, silent: ['ipad' as DeviceId] };
  const [first, second] = await Promise.all([one.begin([silent]), other.begin([silent])]);
  expect(devicesOf([...first.mine, ...second.mine])).toEqual(['ipad']);
  expect([...first.withSocket, ...second.withSocket]).toEqual([]);
  expect((await one.begin([ringOf({ deadline: new Date(Date.now() - 1).toISOString() })])).mine).toEqual([]);
});

test('what a dead replica had is taken over once, after a second, and a claim that is renewed is not', async () => {
  await register('bob', 'android', fcm('a'));
  const { mine } = await one.begin([ringOf()]);
  expect(await other.takeOver(10)).toEqual([]);
  const ids = mine.map(({ pushId }) => pushId);
  for (let kept = 0; kept < 3; kept += 1) {
    await new Promise((resolve) => setTimeout(resolve, 500));
    expect((await one.renew(ids)).size).toBe(1);
    expect(await other.takeOver(10)).toEqual([]);
  }
  await goesBy();
  const taken = await other.takeOver(10);
  expect(taken).toMatchObject([{ pushId: ids[0], wasTaken: true, state: 'queued' }]);
  expect((await one.renew(ids)).size).toBe(0);
  // What the first one says after that counts no more.
  await one.finish(mine.map(accepted));
  expect((await schema.query('SELECT state FROM ring_pushes')).rows).toEqual([{ state: 'queued' }]);
  await goesBy();
  expect(await one.takeOver(10)).toEqual([]);
  expect((await schema.query('SELECT state, claimed_until FROM ring_pushes')).rows).toEqual([{ state: 'expired', claimed_until: null }]);
});

test('nobody takes what a replica has that says that it lives, however long ago it claimed it; once it is silent for a second others do, and it learns that', async () => {
  await register('bob', 'android', fcm('a'));
  const ring = ringOf();
  const { mine } = await one.begin([ring]);
  for (let said = 0; said < 3; said += 1) {
    await one.live();
    await new Promise((resolve) => setTimeout(resolve, 600));
    expect(await other.takeOver(10)).toEqual([]);
  }
  await one.live();
  // Who is at it tells its device of the end.
  expect(await other.end([endOf(ring)])).toEqual([]);
  await goesBy();
  expect(await other.takeOver(10)).toMatchObject([{ wasTaken: true, ringEnded: { reason: 'cancelled' } }]);
  await one.live();
  expect((await one.renew(mine.map(({ pushId }) => pushId))).size).toBe(0);
});

test('what is left for want of room does not count as a push', async () => {
  await register('bob', 'android', fcm('a'));
  const { mine } = await one.begin([ringOf()]);
  await one.leave(mine.map(({ pushId }) => pushId));
  const taken = await eventually('it being taken', async () => {
    const found = await other.takeOver(10);
    return found.length > 0 && found;
  });
  expect(taken[0]).toMatchObject({ wasTaken: false });
});

test('the end of a ring is told by one replica to each device that can be told, except the one that acted', async () => {
  await register('bob', 'android', fcm('a'));
  await register('bob', 'tablet', fcm('b'));
  await register('bob', 'iphone', voip('c'));
  const ring = ringOf();
  const { mine } = await one.begin([ring]);
  await one.finish(mine.map(accepted));
  const told = await Promise.all([one.end([endOf(ring, 'tablet')]), other.end([endOf(ring, 'tablet')])]);
  expect(devicesOf(told.flat())).toEqual(['android']);
  expect(told.flat()[0]).toMatchObject({ ringEnded: { reason: 'answered_elsewhere' }, target: fcm('a') });
  expect((await Promise.all([one.end([endOf(ring)]), other.end([endOf(ring)])])).flat()).toEqual([]);
});

test('of several ends that come together the first is told, and a ring that comes twice is one', async () => {
  await register('bob', 'android', fcm('a'));
  const ring = ringOf();
  const { mine } = await one.begin([ring, ring]);
  expect(mine).toHaveLength(1);
  await one.finish(mine.map(accepted));
  const declined: RingEnd = { ...endOf(ring), sequence: 3, part: { ...endOf(ring).part, reason: 'no_answer' } as RingEnd['part'] };
  expect(await one.end([declined, endOf(ring)])).toMatchObject([{ ringEnded: { reason: 'cancelled' } }]);
});

test('who is at a push when its ring ends tells the device itself', async () => {
  await register('bob', 'android', fcm('a'));
  const ring = ringOf();
  const { mine } = await one.begin([ring]);
  expect(await other.end([endOf(ring)])).toEqual([]);
  const reasons = await one.finish(mine.map(accepted));
  expect([...reasons.values()]).toEqual(['cancelled']);
  await one.told(mine.map(({ pushId }) => ({ pushId, stop: 'accepted' })));
  expect((await schema.query('SELECT state, stop, claimed_until FROM ring_pushes')).rows).toEqual([
    { state: 'accepted', stop: 'accepted', claimed_until: null },
  ]);
});

test('the end of a ring whose replica has died is told all the same, and nobody is rung', async () => {
  await register('bob', 'android', fcm('a'));
  const ring = ringOf();
  await one.begin([ring]);
  await goesBy();
  expect(await other.end([endOf(ring)])).toMatchObject([{ state: 'cancelled', ringEnded: { reason: 'cancelled' } }]);
});

test('an end that comes again ends no later ring of the same call', async () => {
  await register('bob', 'android', fcm('a'));
  const first = ringOf();
  await one.begin([first]);
  await one.end([endOf(first)]);
  const again = { ...first, sequence: 5 };
  const { mine } = await one.begin([again]);
  expect(mine).toHaveLength(1);
  await one.end([endOf(first)]);
  expect((await one.finish(mine.map(accepted))).size).toBe(0);
});

test('a token is of who registered it last; what died before it was registered again is not forgotten', async () => {
  const [shared, own] = [fcm('shared'), fcm('own')];
  await register('bob', 'phone', shared);
  await Promise.all([register('carol', 'phone', shared), register('dave', 'tablet', shared), register('bob', 'phone', own)]);
  const { rows } = await schema.query("SELECT user_alias FROM push_registrations WHERE target->>'token' = $1", [
    (shared as { token: string }).token,
  ]);
  expect(rows).toHaveLength(1);
  const [mine] = await registrations.list(app, bob, {});
  const id = mine?.registrationId ?? '';
  expect(await registrations.removeDead(id, own, new Date(Date.now() - 60_000))).toBe(false);
  expect(await registrations.removeDead(id, shared, new Date(Date.now() + 1000))).toBe(false);
  expect(await registrations.removeDead(id, own, new Date(Date.now() + 1000))).toBe(true);
});
