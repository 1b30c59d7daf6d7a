/*
 * A replica that is killed while it pushes loses nobody's ring: another, or its successor, pushes once more at most, and never after the
 * deadline; what was dialed while nobody ran rings all the same, unless it is over.
 */
import type { NotificationList, PushTarget } from '@communication-center/contracts';
import { eventually, Fleet, holds, Phones, PushServices, RawSocket, type TestApp } from '@communication-center/testing';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';

const fleet = new Fleet();
const phones = new Phones(fleet);
let services: PushServices;
let app: TestApp;
let target: PushTarget & { token: string };

beforeAll(async () => {
  services = await PushServices.start(fleet);
});

afterAll(() => services.stop());

beforeEach(async () => {
  app = await fleet.makeApp();
  await services.letPush(app);
  await fleet.makeUser(app, 'bob');
  target = { kind: 'fcm', token: `fcm-of-bob-${app.appId}` };
  const body = { userAlias: 'bob', deviceId: 'android', target };
  expect((await fleet.rest('POST', '/v1/push-registrations', app.key, body)).status).toBe(200);
});

afterEach(async () => {
  services.fcm.delayMs = 0;
  phones.closeAll();
  await fleet.ready('notifications');
});

const pushes = () => services.fcm.pushes.filter(({ token }) => token === target.token);
const rings = () => pushes().filter(({ data }) => data.type === 'ring');
const recordOf = async (callId: string) =>
  (await fleet.rest<NotificationList>('GET', `/v1/notifications?callId=${callId}`, app.key)).body.notifications.find(
    ({ deviceId }) => deviceId === 'android',
  );

test('killed between the push and its record, and while it waits for a silent device: pushed once more at most, in time, and recorded', async () => {
  const tablet = { kind: 'fcm', token: `fcm-of-tablet-${app.appId}` };
  await fleet.rest('POST', '/v1/push-registrations', app.key, { userAlias: 'bob', deviceId: 'tablet', target: tablet });
  const silent = await RawSocket.open(fleet);
  silent.send({ type: 'connect', id: 'c', appId: app.appId, userAlias: 'bob', deviceId: 'tablet', token: await fleet.tokenOf(app, 'bob') });
  const open = 'SELECT 1 FROM live_sessions WHERE app_id = $1 AND closed_at IS NULL';
  await eventually('its session being known', async () => (await fleet.query('notifications', open, [app.appId])).length === 1);
  const toTablet = () => services.fcm.pushes.filter(({ token, data }) => token === tablet.token && data.type === 'ring');
  const alice = await phones.connect(app, 'alice');
  const asked = services.fcm.asked;
  services.fcm.delayMs = 1500;
  const call = await alice.center.call(['bob'], { ringSeconds: 60 });
  await eventually('the push being under way', () => services.fcm.asked > asked);
  await fleet.killAndAwait('notifications');
  services.fcm.delayMs = 0;
  await eventually('the record of it', async () => (await recordOf(call.callId))?.state === 'accepted');
  await eventually('the silent device being pushed', () => toTablet().length > 0);
  silent.close();
  await holds('no third push', () => rings().length <= 2 && toTablet().length === 1, 2000);
  expect(rings().length).toBeGreaterThanOrEqual(1);
  for (const { at, data } of rings()) expect(at).toBeLessThan(Date.parse(data.deadline ?? ''));
  await call.hangUp();
  await eventually('the device being told of the end', () => pushes().some(({ data }) => data.type === 'ring_ended'));
});

test('dialed while no replica runs: rung once one does; what is over by then rings nobody', async () => {
  const alice = await phones.connect(app, 'alice');
  for (const replica of fleet.replicasOf('notifications')) await fleet.control(replica, 'stop');
  const over = await alice.center.call(['bob'], { ringSeconds: 60 });
  await over.hangUp();
  const call = await alice.center.call(['bob'], { ringSeconds: 60 });
  for (const replica of fleet.replicasOf('notifications')) await fleet.control(replica, 'start');
  await eventually('the push', () => rings().length > 0, 40_000);
  await holds('no other push', () => rings().length === 1, 1500);
  expect(rings()[0]?.data.callId).toBe(call.callId);
});
