/*
 * The library as it is published, against a stand-in that refuses what Apple would refuse.
 */
import { ApnsStandIn, type AppleApp, makeAppleApp } from '@communication-center/testing';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { ApnsChannel } from './apns-channel.js';
import { certificate, kept, pushOf, ring, settings } from './channels.fixture.js';

const token = 'a'.repeat(64);
const voip = { kind: 'apns_voip' as const, token, environment: 'production' as const };
let apns: ApnsStandIn;
let channel: ApnsChannel;
let app: AppleApp;
const credentials = (more: Partial<AppleApp> = {}, version = '1') => kept({ provider: 'apns', ...app, ...more }, version);

beforeEach(async () => {
  apns = await ApnsStandIn.start(certificate);
  app = makeAppleApp();
  apns.knows(app);
  channel = new ApnsChannel(settings({ APNS_HOST: apns.place, APNS_DEVELOPMENT_HOST: '127.0.0.1:9' }));
});

afterEach(async () => {
  await channel.close();
  await apns.stop();
});

test('a ring is a VoIP push that ends with the ring, over one session that is kept', async () => {
  const told = ring();
  for (let sent = 0; sent < 5; sent += 1) expect(await channel.send(pushOf(credentials(), voip, told))).toEqual({ outcome: 'accepted' });
  expect(apns.sessions).toBe(1);
  const { headers, payload } = apns.pushes[0] ?? expect.fail('nothing came');
  expect(headers).toMatchObject({
    'apns-topic': `${app.bundleId}.voip`,
    'apns-push-type': 'voip',
    'apns-priority': '10',
    'apns-expiration': String(Math.floor(Date.parse(told.deadline) / 1000)),
    'apns-collapse-id': told.callId,
  });
  expect(payload).toMatchObject({ type: 'ring', deadline: told.deadline, caller: 'alice', callerName: 'Alice' });
});

test('a dead token is told with the time of its death', async () => {
  apns.answers.set(token, [{ status: 410, reason: 'Unregistered', timestamp: 1_700_000_000_000 }]);
  expect(await channel.send(pushOf(credentials(), voip))).toEqual({
    outcome: 'dead',
    reason: '410 Unregistered',
    since: new Date(1_700_000_000_000),
  });
});

test.each([429, 503])('%i is for later, and asked once', async (status) => {
  apns.answers.set(token, [{ status, reason: 'TooManyRequests' }]);
  expect(await channel.send(pushOf(credentials(), voip))).toMatchObject({ outcome: 'later', mayHaveArrived: false });
  expect(apns.refusals).toHaveLength(1);
});

test('what a GOAWAY leaves unprocessed is for later, and goes through a new session', async () => {
  await channel.send(pushOf(credentials(), voip));
  apns.goAwayAfter(1);
  expect(await channel.send(pushOf(credentials(), voip))).toMatchObject({ outcome: 'later' });
  apns.goAwayAfter(1000);
  expect(await channel.send(pushOf(credentials(), voip))).toEqual({ outcome: 'accepted' });
  expect(apns.sessions).toBe(2);
});

test('Apple that does not answer in time, or is not there, is for later', async () => {
  apns.delayMs = 4000;
  expect(await channel.send(pushOf(credentials(), voip))).toMatchObject({ outcome: 'later', mayHaveArrived: true });
  const nowhere = { ...voip, environment: 'development' as const };
  expect(await channel.send(pushOf(credentials(), nowhere))).toMatchObject({ outcome: 'later', mayHaveArrived: false });
});

test('credentials are verified without a push to anybody', async () => {
  expect(await channel.verify(credentials())).toEqual({ outcome: 'accepted' });
  expect(apns.pushes).toEqual([]);
  const wrong = await channel.verify(credentials({ key: makeAppleApp().key }, '2'));
  expect(wrong).toEqual({ outcome: 'refused', reason: '403 InvalidProviderToken', isOfCredentials: true });
});

test('other credentials are another client', async () => {
  expect(await channel.send(pushOf(credentials({ teamId: 'TEAM000002' }), voip))).toMatchObject({ outcome: 'refused' });
  expect(await channel.send(pushOf(credentials({}, '2'), voip))).toEqual({ outcome: 'accepted' });
});
