/*
 * firebase-admin as it is published, led to a stand-in that refuses what Google would refuse. What it would try again by itself, minutes
 * later, is not tried.
 */
import { FcmStandIn, makeServiceAccount, type ServiceAccount } from '@communication-center/testing';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { FcmCredential } from '../domain/credential-facts.js';
import { certificate, kept, pushOf, ring, settings, silentLog } from './channels.fixture.js';
import { FcmChannel } from './fcm-channel.js';

const target = { kind: 'fcm' as const, token: 'a-token-of-a-device' };
let fcm: FcmStandIn;
let channel: FcmChannel;
let account: ServiceAccount;
const credentials = (more: Partial<FcmCredential> = {}, version = '1') =>
  kept(
    { provider: 'fcm', projectId: account.project_id, clientEmail: account.client_email, privateKey: account.private_key, ...more },
    version,
  );

beforeEach(async () => {
  fcm = await FcmStandIn.start(certificate);
  account = makeServiceAccount();
  fcm.knows(account);
  channel = new FcmChannel(settings({ GOOGLE_HOST: fcm.place }), silentLog);
});

afterEach(async () => {
  await channel.close();
  await fcm.stop();
});

test('a ring is data alone, at high priority, for as long as it has left; one token and few connections do for many', async () => {
  const told = ring(30);
  for (let sent = 0; sent < 5; sent += 1) expect(await channel.send(pushOf(credentials(), target, told))).toEqual({ outcome: 'accepted' });
  expect([fcm.tokensGiven, fcm.pushes.length]).toEqual([1, 5]);
  expect(fcm.connections).toBeLessThanOrEqual(2);
  const { data, android } = fcm.pushes[0] ?? expect.fail('nothing came');
  expect(data).toMatchObject({ type: 'ring', deadline: told.deadline, waiting: 'false' });
  expect(android).toMatchObject({ priority: 'high', collapse_key: told.callId });
  const ttl = Number(android.ttl?.slice(0, -1));
  expect(ttl).toBeGreaterThan(28);
  expect(ttl).toBeLessThanOrEqual(30);
});

test('a token that is not registered any more is dead', async () => {
  fcm.answers.set(target.token, [{ status: 404, code: 'UNREGISTERED' }]);
  expect(await channel.send(pushOf(credentials(), target))).toMatchObject({ outcome: 'dead' });
});

test.each([
  [429, 'QUOTA_EXCEEDED'],
  [503, 'UNAVAILABLE'],
] as const)('%i is for later at once, with what Retry-After asks, and the library tries nothing by itself', async (status, code) => {
  fcm.answers.set(target.token, [{ status, code, retryAfter: 1 }]);
  expect(await channel.send(pushOf(credentials(), target))).toMatchObject({ outcome: 'later', retryAfterMs: 1000, mayHaveArrived: false });
  expect(fcm.asked).toBe(1);
  await new Promise((resolve) => setTimeout(resolve, 1500));
  expect(fcm.asked).toBe(1);
});

test('Google that does not answer in time is for later, and is asked once', async () => {
  await channel.send(pushOf(credentials(), target));
  fcm.delayMs = 3000;
  expect(await channel.send(pushOf(credentials(), target))).toMatchObject({ outcome: 'later', mayHaveArrived: true });
  expect(fcm.asked).toBe(2);
});

test('credentials are verified without a push to anybody', async () => {
  expect(await channel.verify(credentials())).toEqual({ outcome: 'accepted' });
  expect(fcm.pushes).toEqual([]);
  const wrong = await channel.verify(credentials({ privateKey: makeServiceAccount().private_key }, '2'));
  expect(wrong).toMatchObject({ outcome: 'refused', isOfCredentials: true, reason: expect.stringContaining('invalid_grant') });
});
