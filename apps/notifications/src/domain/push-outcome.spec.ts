/*
 * What a provider says is never taken for more than it says: a token is dead only by its own word, and nothing is tried again
 * that would be refused again.
 */
import { expect, test } from 'vitest';
import { apnsOutcome, fcmOutcome, parseRetryAfter, webPushOutcome } from './push-outcome.js';

test('Apple’s 410 tells since when, and BadDeviceToken is no death', () => {
  expect(apnsOutcome({ status: 410, reason: 'Unregistered', timestamp: 1_700_000_000_000 })).toEqual({
    outcome: 'dead',
    reason: '410 Unregistered',
    since: new Date(1_700_000_000_000),
  });
  expect(apnsOutcome({ status: 400, reason: 'BadDeviceToken' })).toMatchObject({ outcome: 'refused', isOfCredentials: false });
});

test.each([
  [429, 'TooManyRequests'],
  [500, 'InternalServerError'],
  [503, 'Shutdown'],
  [403, 'ExpiredProviderToken'],
])('Apple’s %i %s is tried again', (status, reason) => {
  expect(apnsOutcome({ status, reason })).toMatchObject({ outcome: 'later', mayHaveArrived: false });
});

test('faults of credentials are told from faults of a push', () => {
  expect(apnsOutcome({ status: 403, reason: 'InvalidProviderToken' })).toMatchObject({ outcome: 'refused', isOfCredentials: true });
  expect(apnsOutcome({ status: 400, reason: 'TopicDisallowed' })).toMatchObject({ isOfCredentials: true });
  expect(fcmOutcome({ code: 'messaging/third-party-auth-error', message: '', status: 401 })).toMatchObject({ isOfCredentials: true });
  expect(webPushOutcome(403, null)).toMatchObject({ isOfCredentials: true });
  expect(webPushOutcome(413, null)).toMatchObject({ outcome: 'refused', isOfCredentials: false });
  expect(fcmOutcome({ code: 'app/invalid-credential', message: 'invalid_grant: Invalid JWT Signature.' })).toMatchObject({
    outcome: 'refused',
    isOfCredentials: true,
  });
  expect(fcmOutcome({ code: 'app/invalid-credential', message: 'connect ECONNREFUSED' })).toMatchObject({ outcome: 'later' });
});

test('without an answer a push may have arrived, but not on a stream that was never begun', () => {
  expect(apnsOutcome({ error: 'apn write timeout' })).toMatchObject({ outcome: 'later', mayHaveArrived: true });
  expect(apnsOutcome({ error: 'New streams cannot be created after receiving a GOAWAY' })).toMatchObject({ mayHaveArrived: false });
  expect(fcmOutcome({ code: 'app/network-error', message: 'reset' })).toMatchObject({ outcome: 'later', mayHaveArrived: true });
});

test('tokens that Firebase and browsers call dead are', () => {
  expect(fcmOutcome({ code: 'messaging/registration-token-not-registered', message: '', status: 404 }).outcome).toBe('dead');
  expect([404, 410].map((status) => webPushOutcome(status, null).outcome)).toEqual(['dead', 'dead']);
});

test('Retry-After is seconds or a date', () => {
  const now = Date.parse('2026-11-28T10:00:00Z');
  expect(parseRetryAfter('3', now)).toBe(3000);
  expect(parseRetryAfter('Sat, 28 Nov 2026 10:00:05 GMT', now)).toBe(5000);
  expect([undefined, '', 'soon'].map((text) => parseRetryAfter(text, now))).toEqual([null, null, null]);
  expect(webPushOutcome(429, 3000)).toMatchObject({ outcome: 'later', retryAfterMs: 3000 });
});
