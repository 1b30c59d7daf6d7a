/*
 * Each device confirms its own ring: one whose open socket says nothing is pushed to as well, one that rings is not. A phone that a push
 * wakes takes part in its ring by what the push brought, whatever has become of its user's token, and in nothing when the ring is over.
 */
import { answerWithRingToken, declineWithRingToken, type PushedRingToken } from '@communication-center/client';
import type { PushTarget } from '@communication-center/contracts';
import { endOf, eventually, Fleet, holds, Phones, PushServices, RawSocket, ringOf, type TestApp } from '@communication-center/testing';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { signed } from './roles/askers.js';

const fleet = new Fleet();
const phones = new Phones(fleet);
let services: PushServices;
let app: TestApp;
let made = 0;

beforeAll(async () => {
  services = await PushServices.start(fleet);
});
afterAll(() => services.stop());

beforeEach(async () => {
  app = await fleet.makeApp({ options: { callWaiting: true, mediaSetupSeconds: 0 } });
  await services.letPush(app);
  await fleet.makeUser(app, 'bob');
});
afterEach(() => phones.closeAll());

/** Registers a device of bob. @returns what it is pushed. */
async function registered(deviceId: string): Promise<() => Record<string, string>[]> {
  made += 1;
  const target: PushTarget = { kind: 'fcm', token: `fcm-of-${deviceId}-${app.appId}-${made}` };
  const { status } = await fleet.rest('POST', '/v1/push-registrations', app.key, { userAlias: 'bob', deviceId, target });
  expect(status).toBe(200);
  return () => services.fcm.pushes.filter(({ token }) => token === target.token).map(({ data }) => data);
}

async function silentSocket(deviceId: string): Promise<RawSocket> {
  const socket = await RawSocket.open(fleet);
  socket.send({ type: 'connect', id: 'c', appId: app.appId, userAlias: 'bob', deviceId, token: await fleet.tokenOf(app, 'bob') });
  await socket.frame('connected');
  return socket;
}

const known = (count: number) =>
  eventually('bob’s sessions being known', async () => {
    const text = 'SELECT 1 FROM live_sessions WHERE app_id = $1 AND user_alias = $2 AND closed_at IS NULL';
    return (await fleet.query('notifications', text, [app.appId, 'bob'])).length === count;
  });

const expired = () => signed('bob', app.secret, [-7200, -3600]);

test('a closed device is pushed at once, one with a silent socket after two seconds, and those that ring are not', async () => {
  const [closed, silent, first, second] = [
    await registered('closed'),
    await registered('silent'),
    await registered('one'),
    await registered('two'),
  ];
  const socket = await silentSocket('silent');
  const devices = [await phones.connect(app, 'bob', { deviceId: 'one' }), await phones.connect(app, 'bob', { deviceId: 'two' })];
  await known(3);
  const alice = await phones.connect(app, 'alice');
  const began = Date.now();
  const call = await alice.center.call(['bob']);
  for (const device of devices) await ringOf(device);
  await eventually('the closed one being pushed', () => closed().length === 1);
  expect(silent()).toEqual([]);
  await eventually('the silent one being pushed', () => silent().length === 1);
  expect(Date.now() - began).toBeGreaterThan(1900);
  await holds('no push to those that ring', () => first().length + second().length === 0 && closed().length + silent().length === 2, 800);
  expect(closed()[0]).toMatchObject({ callId: call.callId, deviceId: 'closed' });
  // Told once of the call, however many ring.
  const { body } = await fleet.rest<{ events: { type: string }[] }>('GET', `/v1/calls/${call.callId}/timeline`, app.key);
  expect(body.events.filter(({ type }) => type === 'call.ringing')).toHaveLength(1);
  socket.close();
});

test('a phone with an expired token connects by its push, rings, answers, and stays while the call goes on', async () => {
  const pushed = await registered('phone');
  const alice = await phones.connect(app, 'alice');
  const call = await alice.center.call(['bob'], { ringSeconds: 5 });
  const [push] = await eventually('the push', () => pushed().length > 0 && pushed());
  const ring = push as unknown as PushedRingToken;
  await expect(phones.connect(app, 'bob', { deviceId: 'phone', token: expired() })).rejects.toMatchObject({ code: 'unauthenticated' });
  const bob = await phones.connect(app, 'bob', { token: expired(), ring });
  const incoming = await ringOf(bob);
  expect(bob.center.deviceId).toBe('phone');
  await eventually('alice hearing that it rings', () => call.state.participants.some((one) => one.state === 'ringing' && one.confirmed));
  await incoming.answer();
  await eventually('both talking', () => call.state.status === 'connected');
  await expect(bob.center.call(['alice'])).rejects.toMatchObject({ code: 'forbidden' });
  await holds(
    'the call going on beyond the ring',
    () => bob.center.connectionState === 'connected',
    Date.parse(ring.deadline) + 500 - Date.now(),
  );
  // Beyond the deadline it is worth nothing to whoever is not in the call.
  await expect(declineWithRingToken(fleet.url, ring)).rejects.toMatchObject({ code: 'unauthenticated' });
  await incoming.hangUp();
  await eventually('the end of the call', () => call.end);
  await eventually('it being put out', () => bob.center.connectionState === 'closed', 15_000);
}, 60_000);

test('one request answers or declines', async () => {
  const pushed = await registered('phone');
  const alice = await phones.connect(app, 'alice');
  const first = await alice.center.call(['bob'], { ringSeconds: 30 });
  await eventually('the push', () => pushed().length === 1);
  await declineWithRingToken(fleet.url, pushed()[0] as unknown as PushedRingToken, { reason: 'do_not_disturb' });
  expect(await endOf(first)).toBe('declined');
  const second = await alice.center.call(['bob'], { ringSeconds: 30 });
  const ring = await eventually('the second push', () => pushed().find(({ callId }) => callId === second.callId));
  const { media, call } = await answerWithRingToken(fleet.url, ring as unknown as PushedRingToken);
  expect([call.status, typeof media?.token]).toEqual(['connected', 'string']);
  await second.hangUp();
});

test('a phone whose user token is good goes on with that; a call that waits is pushed as such', async () => {
  const pushed = await registered('phone');
  const bob = await phones.connect(app, 'bob', { deviceId: 'laptop' });
  const [alice, carol] = [await phones.connect(app, 'alice'), await phones.connect(app, 'carol')];
  await alice.center.call(['bob']);
  const first = await ringOf(bob);
  // Answered sooner, it would not be pushed at all.
  await eventually('the first push', () => pushed().length > 0);
  await first.answer();
  const waiting = await carol.center.call(['bob']);
  const ring = await eventually('the second push', () => pushed().find(({ callId, type }) => callId === waiting.callId && type === 'ring'));
  expect(ring).toMatchObject({ waiting: 'true' });
  const phone = await phones.connect(app, 'bob', { ring: ring as unknown as PushedRingToken });
  await ringOf(phone);
  await eventually('the phone being told of all', async () => {
    await phone.center.profiles(['alice']);
    return phone.center.connectionState === 'connected' && phone.center.callsElsewhere.length === 1;
  });
});
