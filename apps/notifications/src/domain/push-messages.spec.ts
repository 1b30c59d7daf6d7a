/*
 * Headers and bodies are what the providers ask for; nothing outlives the ring's deadline.
 */
import type { PushedRing, PushedStop } from '@communication-center/contracts';
import { expect, test } from 'vitest';
import { apnsRing, fcmMessage, webPushMessage } from './push-messages.js';

const ring = {
  type: 'ring',
  appId: 'demo',
  callId: '01a212f5-72f3-745f-9835-9b692595a83a',
  userAlias: 'bob',
  caller: 'alice',
  callerName: null,
  callType: 'audio_video',
  waiting: false,
  sentAt: '2026-11-28T10:00:00.000Z',
  deadline: '2026-11-28T10:00:59.900Z',
} as PushedRing;
const stop = { type: 'ring_ended', appId: 'demo', callId: ring.callId, userAlias: 'bob', reason: 'cancelled' } as PushedStop;

test('PushKit gets the .voip topic, push type voip, priority 10, and the deadline in the header and in the body', () => {
  const { payload, ...headers } = apnsRing('apns_voip', 'com.example.app', ring);
  expect(headers).toEqual({
    topic: 'com.example.app.voip',
    pushType: 'voip',
    priority: 10,
    expiry: Date.parse('2026-11-28T10:00:59.000Z') / 1000,
    collapseId: ring.callId,
  });
  expect(Buffer.byteLength(headers.collapseId)).toBeLessThanOrEqual(64);
  expect(payload).toMatchObject({ aps: {}, type: 'ring', deadline: ring.deadline, sentAt: ring.sentAt, userAlias: 'bob' });
});

test('an alert goes to the app itself, and is shown', () => {
  expect(apnsRing('apns_alert', 'com.example.app', ring)).toMatchObject({
    topic: 'com.example.app',
    pushType: 'alert',
    payload: { aps: { alert: { title: 'alice' } } },
  });
});

test('Firebase gets data alone, of texts, at high priority, for as long as the ring has left', () => {
  const message = fcmMessage('a-token', ring, 59_900.5);
  expect(message.android).toEqual({ priority: 'high', ttl: 59_900, collapseKey: ring.callId });
  expect(message.data).toMatchObject({ type: 'ring', callerName: '', waiting: 'false', deadline: ring.deadline });
  expect(message).not.toHaveProperty('notification');
  expect(fcmMessage('a-token', ring, -5).android.ttl).toBe(0);
});

test('a browser’s end of a ring takes the place of the ring', () => {
  const [first, second] = [webPushMessage(ring, 59_900), webPushMessage(stop, 10_000)];
  expect(first.options).toEqual({ TTL: 59, urgency: 'high', topic: ring.callId.replaceAll('-', '') });
  expect(first.options.topic).toMatch(/^[A-Za-z0-9_-]{1,32}$/);
  expect(second.options.topic).toBe(first.options.topic);
  expect(JSON.parse(second.payload)).toEqual(stop);
});
