/*
 * Whoever has no socket open is rung by push, at once and never after the ring's end; the real libraries push to stand-ins that refuse
 * what Apple, Google and browsers would refuse.
 */
import type { EndpointView, NotificationList, PushRegistrationList, PushTarget } from '@communication-center/contracts';
import {
  endOf,
  eventually,
  Fleet,
  holds,
  Phones,
  PushServices,
  ringOf,
  type TestApp,
  WebhookReceiver,
} from '@communication-center/testing';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';

const fleet = new Fleet();
const phones = new Phones(fleet);
let services: PushServices;
let app: TestApp;
let publicKey: string;
let bundleId: string;
let tokens = 0;

beforeAll(async () => {
  services = await PushServices.start(fleet);
});

afterAll(() => services.stop());

beforeEach(async () => {
  app = await fleet.makeApp();
  const let_ = await services.letPush(app);
  publicKey = let_.publicKey;
  bundleId = let_.apple.bundleId;
  await fleet.makeUser(app, 'alice', { name: 'Alice A.' });
  const named = "SELECT 1 FROM contacts WHERE app_id = $1 AND user_alias = 'alice' AND name IS NOT NULL";
  await eventually('her name being known', async () => (await fleet.query('notifications', named, [app.appId])).length === 1);
});

afterEach(() => phones.closeAll());

const newToken = () => {
  tokens += 1;
  return `${Date.now().toString(16)}${String(tokens).padStart(8, '0')}`.padStart(64, 'b');
};
const voip = (token = newToken()): PushTarget => ({ kind: 'apns_voip', token, environment: 'production' });
const fcm = (token = `fcm-${newToken()}`): PushTarget => ({ kind: 'fcm', token });

async function register(userAlias: string, deviceId: string, target: PushTarget): Promise<void> {
  const { status, body } = await fleet.rest('POST', '/v1/push-registrations', app.key, { userAlias, deviceId, target });
  expect(status, JSON.stringify(body)).toBe(200);
}

const registered = async (userAlias: string) => {
  const { body } = await fleet.rest<PushRegistrationList>('GET', `/v1/push-registrations?userAlias=${userAlias}`, app.key);
  return body.registrations.map(({ deviceId }) => deviceId).sort();
};
const appleOf = (token: string) => services.apns.pushes.filter((push) => push.token === token);
const googleOf = (token: string) => services.fcm.pushes.filter((push) => push.token === token);
const toBrowser = (endpoint: string) => services.browsers.pushes.filter((push) => push.endpoint === endpoint);
const tokenOf = (target: PushTarget) => (target.kind === 'web_push' ? target.endpoint : target.token);
const pushesOf = async (callId: string) =>
  (await fleet.rest<NotificationList>('GET', `/v1/notifications?callId=${callId}`, app.key)).body.notifications;

test('every device of somebody without a socket is pushed before the deadline; when the caller hangs up, those that can be told stop', async () => {
  await fleet.makeUser(app, 'bob');
  const [phone, android] = [voip(), fcm()];
  const browser: PushTarget = { kind: 'web_push', ...services.browsers.subscribe(publicKey) };
  await register('bob', 'iphone', phone);
  await register('bob', 'android', android);
  await register('bob', 'laptop', browser);
  const alice = await phones.connect(app, 'alice');
  const call = await alice.center.call(['bob'], { ringSeconds: 30 });
  const [toPhone] = await eventually('the iPhone being pushed', () => appleOf(tokenOf(phone)).length > 0 && appleOf(tokenOf(phone)));
  const [toAndroid] = await eventually(
    'the Android being pushed',
    () => googleOf(tokenOf(android)).length > 0 && googleOf(tokenOf(android)),
  );
  const [first] = await eventually('the browser being pushed', () => toBrowser(tokenOf(browser)).length > 0 && toBrowser(tokenOf(browser)));
  const told = { type: 'ring', callId: call.callId, caller: 'alice', callerName: 'Alice A.', userAlias: 'bob' };
  expect(toPhone?.headers).toMatchObject({ 'apns-push-type': 'voip', 'apns-topic': `${bundleId}.voip` });
  for (const [payload, at] of [
    [toPhone?.payload, toPhone?.at],
    [toAndroid?.data, toAndroid?.at],
    [first?.payload, first?.at],
  ] as const) {
    expect(payload).toMatchObject(told);
    expect(at).toBeLessThan(Date.parse(String(payload?.deadline)));
  }
  await call.hangUp();
  expect(await endOf(call)).toBe('cancelled');
  const ended = { type: 'ring_ended', callId: call.callId, reason: 'cancelled' };
  await eventually('the Android being told of the end', () => googleOf(tokenOf(android)).length === 2);
  await eventually('the browser being told of the end', () => toBrowser(tokenOf(browser)).length === 2);
  expect(googleOf(tokenOf(android))[1]?.data).toMatchObject(ended);
  expect(toBrowser(tokenOf(browser))[1]?.payload).toMatchObject(ended);
  expect(appleOf(tokenOf(phone))).toHaveLength(1);
  await eventually('the record telling of it', async () => {
    const all = await pushesOf(call.callId);
    return all.length === 3 && all.every(({ state }) => state === 'accepted') && all.filter(({ stop }) => stop === 'accepted').length === 2;
  });
});

test('what becomes of the push of a ring comes to a webhook, in its order and signed, where the app asks for it', async () => {
  const receiver = await WebhookReceiver.start();
  const wanted = { url: receiver.url, eventTypes: ['notification.*'] };
  receiver.secret = (await fleet.rest<EndpointView>('POST', '/v1/webhook-endpoints', app.key, wanted)).body.secret ?? '';
  expect((await fleet.rest('PUT', '/v1/notifications/log', app.key, { rings: true })).body).toEqual({ rings: true });
  const asked = Date.now();
  await fleet.makeUser(app, 'bob');
  const [good, dead] = [fcm(), fcm()];
  services.fcm.answers.set(tokenOf(dead), [{ status: 404, code: 'UNREGISTERED' }]);
  await register('bob', 'android', good);
  await register('bob', 'tablet', dead);
  const alice = await phones.connect(app, 'alice');
  // Every replica looks each second whether an app asks.
  await new Promise((resolve) => setTimeout(resolve, Math.max(0, asked + 1600 - Date.now())));
  const call = await alice.center.call(['bob'], { ringSeconds: 30 });
  const toldOf = (deviceId: string) =>
    receiver.received.filter(({ body }) => body.data.deviceId === deviceId).map(({ body }) => `${body.type} ${body.data.sequence}`);
  await eventually('both ends', () => toldOf('android').length === 2 && toldOf('tablet').length === 2);
  const [push] = (await pushesOf(call.callId)).filter(({ deviceId }) => deviceId === 'android');
  await fleet.rest('POST', `/v1/notifications/${push?.notificationId}/opened`, app.key);
  await eventually('its being opened', () => toldOf('android').length === 3);
  expect(toldOf('android')).toEqual(['notification.queued 1', 'notification.accepted 2', 'notification.opened 3']);
  expect(toldOf('tablet')).toEqual(['notification.queued 1', 'notification.failed 2']);
  for (const { body } of receiver.received) expect(body.data).toMatchObject({ channel: 'ring', callId: call.callId, userAlias: 'bob' });
  expect(receiver.badSignatures).toEqual([]);
  await call.hangUp();
  await receiver.stop();
});

test('who has a socket open is not pushed to; once it is closed, and not signed out, calls come by push', async () => {
  const target = fcm();
  const bob = await phones.connect(app, 'bob', { deviceId: 'phone' });
  await bob.center.push.register(target);
  const alice = await phones.connect(app, 'alice');
  const first = await alice.center.call(['bob']);
  await ringOf(bob);
  await holds('no push while the device rings by its socket', () => googleOf(tokenOf(target)).length === 0, 1000);
  await first.hangUp();
  bob.center.close();
  await eventually('bob being gone', async () => (await fleet.rest('GET', '/v1/presence/bob', app.key)).body.status === 'offline');
  await alice.center.call(['bob']);
  await eventually('the push', () => googleOf(tokenOf(target)).length === 1);
  expect(await registered('bob')).toEqual(['phone']);
});

test('after a sign-out nothing is pushed; a token is of the user who registered it last', async () => {
  await fleet.makeUser(app, 'carol');
  const [own, shared] = [fcm(), fcm()];
  const bob = await phones.connect(app, 'bob', { deviceId: 'phone' });
  await bob.center.push.register(own);
  await register('bob', 'tablet', shared);
  await register('carol', 'tablet', shared);
  await bob.center.signOut();
  expect([await registered('bob'), await registered('carol')]).toEqual([[], ['tablet']]);
  await eventually('bob being gone', async () => (await fleet.rest('GET', '/v1/presence/bob', app.key)).body.status === 'offline');
  const alice = await phones.connect(app, 'alice');
  await alice.center.call(['bob', 'carol']);
  await eventually('carol’s tablet being pushed', () => googleOf(tokenOf(shared)).length === 1);
  expect(googleOf(tokenOf(shared))[0]?.data.userAlias).toBe('carol');
  await holds('no push to bob', () => googleOf(tokenOf(own)).length === 0 && googleOf(tokenOf(shared)).length === 1, 700);
});

test('who does not want to be disturbed is not pushed to', async () => {
  await fleet.makeUser(app, 'dora', { doNotDisturb: true });
  await fleet.makeUser(app, 'bob');
  const [target, other] = [voip(), voip()];
  await register('dora', 'phone', target);
  await register('bob', 'phone', other);
  const alice = await phones.connect(app, 'alice');
  await alice.center.call(['dora', 'bob']);
  await eventually('bob being pushed', () => appleOf(tokenOf(other)).length === 1);
  expect(appleOf(tokenOf(target))).toEqual([]);
});

test('one who answers is rung no more elsewhere, and the others are told why', async () => {
  await fleet.makeUser(app, 'bob');
  const [phone, android] = [voip(), fcm()];
  await register('bob', 'iphone', phone);
  await register('bob', 'android', android);
  const alice = await phones.connect(app, 'alice');
  await alice.center.call(['bob']);
  await eventually('both being pushed', () => appleOf(tokenOf(phone)).length === 1 && googleOf(tokenOf(android)).length === 1);
  const bob = await phones.connect(app, 'bob', { deviceId: 'iphone' });
  // It rang before anybody could listen: what it found at once is the call.
  await bob.center.activeCalls[0]?.answer();
  await eventually('the other device being told', () => googleOf(tokenOf(android)).length === 2);
  expect(googleOf(tokenOf(android))[1]?.data).toMatchObject({ type: 'ring_ended', reason: 'answered_elsewhere' });
});

test('what a provider calls dead is forgotten, unless it was registered since', async () => {
  await fleet.makeUser(app, 'bob');
  const [dead, alive, gone] = [voip(), voip(), fcm()];
  await register('bob', 'old', dead);
  await register('bob', 'new', alive);
  await register('bob', 'android', gone);
  services.apns.answers.set(tokenOf(dead), [{ status: 410, reason: 'Unregistered', timestamp: Date.now() + 60_000 }]);
  services.apns.answers.set(tokenOf(alive), [{ status: 410, reason: 'Unregistered', timestamp: Date.now() - 3_600_000 }]);
  services.fcm.answers.set(tokenOf(gone), [{ status: 404, code: 'UNREGISTERED' }]);
  const alice = await phones.connect(app, 'alice');
  const call = await alice.center.call(['bob']);
  await eventually('the dead being forgotten', async () => (await registered('bob')).join() === 'new');
  await eventually('it being said', async () => {
    const all = await pushesOf(call.callId);
    return all.length === 3 && all.every(({ state, reason }) => state === 'failed' && reason);
  });
});

test('what a provider does not take at once goes through before the deadline', async () => {
  await fleet.makeUser(app, 'bob');
  const [phone, android] = [voip(), fcm()];
  await register('bob', 'iphone', phone);
  await register('bob', 'android', android);
  services.apns.answers.set(tokenOf(phone), [
    { status: 429, reason: 'TooManyRequests' },
    { status: 503, reason: 'Shutdown' },
    { status: 200, reason: '' },
  ]);
  services.fcm.answers.set(tokenOf(android), [{ status: 503, code: 'UNAVAILABLE', retryAfter: 60 }]);
  const alice = await phones.connect(app, 'alice');
  const call = await alice.center.call(['bob'], { ringSeconds: 10 });
  await eventually('the iPhone being pushed', () => appleOf(tokenOf(phone)).length === 1);
  // It asks for more time than there is.
  await eventually('the other being given up', async () => (await pushesOf(call.callId)).some(({ state }) => state === 'expired'));
  expect(googleOf(tokenOf(android))).toEqual([]);
});

test('credentials are verified, and nothing secret of them is told', async () => {
  const verify = async (provider: string) => (await fleet.rest('POST', `/v1/push-credentials/${provider}/verify`, app.key, {})).body;
  for (const provider of ['apns', 'fcm', 'web_push']) expect(await verify(provider)).toEqual({ works: true, reason: null });
  const { body } = await fleet.rest('GET', '/v1/push-credentials', app.key);
  expect(JSON.stringify(body)).not.toMatch(/PRIVATE|privateKey|private_key/);
  expect((await fleet.rest('DELETE', '/v1/push-credentials/fcm', app.key)).status).toBe(204);
  expect((await fleet.rest('POST', '/v1/push-credentials/fcm/verify', app.key, {})).status).toBe(404);
  const { body: audit } = await fleet.rest<{ entries: { act: string; target: string }[] }>('GET', `/v1/apps/${app.appId}/audit`, app.key);
  expect(audit.entries.map(({ act, target }) => `${act} ${target}`)).toEqual(
    expect.arrayContaining(['push_credential.saved notifications: apns', 'push_credential.deleted notifications: fcm']),
  );
});

test('a provider that is away for a while is pushed through once it is back', async () => {
  const token = `fcm-${newToken()}`;
  await fleet.makeUser(app, 'bob');
  await register('bob', 'android', fcm(token));
  const rings = () => services.fcm.pushes.filter((one) => one.token === token && one.data.type === 'ring');
  const alice = await phones.connect(app, 'alice');
  services.fcm.answers.set(token, [{ status: 503, code: 'UNAVAILABLE' }]);
  await alice.center.call(['bob'], { ringSeconds: 60 });
  await new Promise((resolve) => setTimeout(resolve, 4000));
  expect(rings()).toEqual([]);
  services.fcm.answers.delete(token);
  await eventually('the push', () => rings().length === 1, 15_000);
});
