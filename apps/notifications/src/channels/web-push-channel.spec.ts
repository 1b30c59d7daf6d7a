/*
 * What web-push makes is read by a stand-in of a browser; addresses that pages name are judged at every connect.
 */
import { WebPushStandIn } from '@communication-center/testing';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { newVapidPair } from '../credentials/key-faults.js';
import { certificate, kept, pushOf, ring, settings } from './channels.fixture.js';
import { WebPushChannel } from './web-push-channel.js';

const pair = newVapidPair();
const credentials = kept({ provider: 'web_push', subject: 'mailto:ops@example.com', ...pair });
let browsers: WebPushStandIn;
let channel: WebPushChannel;

beforeEach(async () => {
  browsers = await WebPushStandIn.start(certificate);
  channel = new WebPushChannel(settings({}));
});

afterEach(async () => {
  await channel.close();
  await browsers.stop();
});

const subscribed = (key = pair.publicKey) => ({ kind: 'web_push' as const, ...browsers.subscribe(key) });

test('a ring is signed, encrypted and urgent, and so is its end', async () => {
  const target = subscribed();
  const told = ring(30);
  expect(await channel.send(pushOf(credentials, target, told))).toEqual({ outcome: 'accepted' });
  const { appId, callId, userAlias } = told;
  const stop = { type: 'ring_ended' as const, appId, callId, userAlias, reason: 'cancelled' as const };
  expect(await channel.send(pushOf(credentials, target, stop))).toEqual({ outcome: 'accepted' });
  expect(browsers.pushes.map(({ payload }) => payload)).toEqual([told, stop]);
  expect(browsers.pushes[0]?.headers).toMatchObject({ urgency: 'high', topic: callId.replaceAll('-', '') });
  expect(Number(browsers.pushes[0]?.headers.ttl)).toBeLessThanOrEqual(30);
});

test('who subscribed with another key refuses it', async () => {
  expect(await channel.send(pushOf(credentials, subscribed(newVapidPair().publicKey)))).toMatchObject({
    outcome: 'refused',
    isOfCredentials: true,
  });
  expect(browsers.refusals).toEqual(['VAPID']);
});

test('404 and 410 are death, 429 is for later with its Retry-After', async () => {
  const [gone, busy] = [subscribed(), subscribed()];
  browsers.answers.set(gone.endpoint, [{ status: 410 }]);
  browsers.answers.set(busy.endpoint, [{ status: 429, retryAfter: 2 }]);
  expect(await channel.send(pushOf(credentials, gone))).toEqual({ outcome: 'dead', reason: 'answered 410' });
  expect(await channel.send(pushOf(credentials, busy))).toMatchObject({ outcome: 'later', retryAfterMs: 2000 });
  expect(await channel.send(pushOf(credentials, { ...gone, endpoint: `${gone.endpoint}x` }))).toMatchObject({ outcome: 'dead' });
});

test('an address inside the network is not connected to', async () => {
  const guarded = new WebPushChannel(settings({ ALLOW_PRIVATE_ADDRESSES: false }));
  expect(await guarded.send(pushOf(credentials, subscribed()))).toMatchObject({ outcome: 'refused', isOfCredentials: false });
  await guarded.close();
});

test('keys that no browser made are refused, and break nothing', async () => {
  const target = { ...subscribed(), keys: { p256dh: 'AAAA', auth: 'AAAA' } };
  expect(await channel.send(pushOf(credentials, target))).toMatchObject({ outcome: 'refused' });
});
