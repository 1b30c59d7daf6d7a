/*
 * A media token lets one device into one call for a while, and says all that is needed to know whether it still may.
 */
import { randomBytes } from 'node:crypto';
import type { AppId, CallId, DeviceId, UserAlias } from '@communication-center/contracts';
import { SignJWT } from 'jose';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { MediaSettings } from '../settings.js';
import { type Grant, MediaTokens } from './media-tokens.js';

const key = randomBytes(32).toString('base64');
const tokensWith = (of: Partial<MediaSettings> = {}) =>
  new MediaTokens({ MEDIA_TOKEN_KEY: key, MEDIA_TOKEN_SECONDS: 300, ...of } as MediaSettings);
const grant: Grant = {
  appId: 'demo' as AppId,
  callId: '019b7777-0000-7000-8000-000000000001' as CallId,
  userAlias: 'ann' as UserAlias,
  deviceId: 'desk' as DeviceId,
  generation: 2,
  sequence: 7,
};

beforeEach(() => void vi.useFakeTimers({ now: new Date('2026-03-01T12:00:00Z') }));
afterEach(() => void vi.useRealTimers());

test('what was granted is read back by every replica, until it expires', async () => {
  const { token, expiresAt } = await tokensWith().mint(grant);
  expect(expiresAt).toBe('2026-03-01T12:05:00.000Z');
  await expect(tokensWith().verify(token)).resolves.toEqual(grant);
  vi.advanceTimersByTime(299_000);
  await expect(tokensWith().verify(token)).resolves.toEqual(grant);
  vi.advanceTimersByTime(1000);
  await expect(tokensWith().verify(token)).rejects.toMatchObject({ code: 'unauthenticated' });
});

/** A token as somebody makes it who has the key, but not the right to grant this. */
const made = (claims: object, { audience = 'media', alg = 'HS256' } = {}) =>
  new SignJWT({ ...claims }).setProtectedHeader({ alg }).setAudience(audience).setExpirationTime('1h').sign(Buffer.from(key, 'base64'));

test.each([
  ['with another key', async () => (await tokensWith({ MEDIA_TOKEN_KEY: randomBytes(32).toString('base64') }).mint(grant)).token],
  ['for another door', () => made({ grant }, { audience: 'gateway' })],
  ['by another algorithm', () => made({ grant }, { alg: 'HS512' })],
  ['without a grant', () => made({})],
  ['with a grant that lacks the call', () => made({ grant: { ...grant, callId: undefined } })],
  ['with a grant without how far the call was', () => made({ grant: { ...grant, sequence: undefined } })],
  ['out of nothing', async () => 'x.y.z'],
])('a token made %s opens nothing', async (_how, make) => {
  await expect(tokensWith().verify(await make())).rejects.toMatchObject({ code: 'unauthenticated' });
});
