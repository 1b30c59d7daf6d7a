/*
 * Each user gets TURN credentials of his own, that end soon, and that a server which knows the secret can check by itself.
 */
import { createHmac } from 'node:crypto';
import type { AppId, UserAlias } from '@communication-center/contracts';
import { expect, test } from 'vitest';
import { settings as schema } from '../settings.js';
import { turnServersFor } from './turn-servers.js';

const now = Date.parse('2026-03-01T12:00:00.900Z');
const [secret, before] = ['north-wind-and-sun-0123456789abcdef', 'of-last-year-0123456789abcdefghijkl'];
const { TURN_URLS, TURN_SECRET, TURN_CREDENTIAL_SECONDS } = schema.shape;
const read = (urls?: string, secrets?: string, seconds?: string) => ({
  TURN_URLS: TURN_URLS.parse(urls),
  TURN_SECRET: TURN_SECRET.parse(secrets),
  TURN_CREDENTIAL_SECONDS: TURN_CREDENTIAL_SECONDS.parse(seconds),
});
const settings = read('turn:turn.example.com:3478?transport=udp, turns:turn.example.com:5349', `${secret},${before}`, '600');
const given = (userAlias = 'ann', of = settings) =>
  turnServersFor({ appId: 'demo' as AppId, userAlias: userAlias as UserAlias }, of, now)[0];

/** As coturn does it: the number before the first colon is the expiry, the password the HMAC of the whole by any of its secrets. */
function letsIn({ username = '', credential = '' }: { username?: string; credential?: string }, secrets: string[], at: number): boolean {
  const isRight = secrets.some((one) => createHmac('sha1', one).update(username).digest('base64') === credential);
  return isRight && Number.parseInt(username, 10) * 1000 > at;
}

test('a user gets credentials that say who and until when, for all servers', () => {
  expect(given()).toEqual({
    urls: ['turn:turn.example.com:3478?transport=udp', 'turns:turn.example.com:5349'],
    username: `${Date.parse('2026-03-01T12:10:00Z') / 1000}:demo/ann`,
    // Of openssl: printf '1772367000:demo/ann' | openssl dgst -sha1 -hmac … -binary | base64
    credential: 'T/USFhVAUJ40rX1t91T7HPwnGes=',
  });
});

test('they are good until they end, and with the secret alone', () => {
  const one = given() ?? {};
  expect(letsIn(one, [secret], now + 599_000)).toBe(true);
  expect(letsIn(one, [secret], now + 600_000)).toBe(false);
  expect(letsIn(one, [before], now)).toBe(false);
  expect(letsIn({ ...one, username: one.username?.replace('ann', 'ben') }, [secret], now)).toBe(false);
});

test('the secret is rotated without a gap: a server that has both lets in who got credentials before and after', () => {
  const after = read(settings.TURN_URLS.join(), before, '600');
  for (const of of [settings, after]) expect(letsIn(given('ann', of) ?? {}, [before, secret], now)).toBe(true);
});

test('nobody gets the credentials of another, however the alias is written', () => {
  const aliases = ['ann', 'Ann', 'an:n', 'an/n', 'ann ben', 'Änn', '安', 'x'.repeat(128), '安'.repeat(42)];
  const names = aliases.map((alias) => given(alias)?.username ?? '');
  expect(new Set(names).size).toBe(aliases.length);
  for (const name of names) {
    expect(name).toMatch(/^\d{10}:demo\/[\x21-\x7e]+$/);
    // RFC 8489 §14.3: a name has fewer than 509 bytes.
    expect(name.length).toBeLessThan(509);
  }
});

test('without a secret, or without a server, there are none', () => {
  expect(given('ann', read())).toBeUndefined();
  expect(given('ann', read(undefined, secret))).toBeUndefined();
  expect(given('ann', read('turn:turn.example.com'))).toBeUndefined();
});

test('a setting that no browser or server would take is refused', () => {
  for (const urls of ['https://turn.example.com', 'stun:stun.example.com', 'turn:a.example,'])
    expect(TURN_URLS.safeParse(urls).success).toBe(false);
  for (const secrets of ['', 'short', `${secret},`]) expect(TURN_SECRET.safeParse(secrets).success).toBe(false);
});
