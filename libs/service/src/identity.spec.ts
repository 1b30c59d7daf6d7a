/*
 * Who may say for whom a request is: only the gateway speaks for users, keys and the operator, to one service, for seconds.
 */
import { generateKeyPairSync } from 'node:crypto';
import type { Subject } from '@communication-center/contracts';
import { importJWK, type JWK, SignJWT } from 'jose';
import { afterEach, expect, test, vi } from 'vitest';
import { type CredentialKind, Identity } from './identity.js';
import { problemOf } from './problem-of.js';

function makeKey(kid: string) {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519');
  return { public: { ...publicKey.export({ format: 'jwk' }), kid }, private: { ...privateKey.export({ format: 'jwk' }), kid } };
}

const keys = { gateway: makeKey('gateway'), calls: makeKey('calls-2'), stranger: makeKey('gateway') };
const jwks = { keys: [keys.gateway.public, keys.calls.public] };
const gateway = new Identity('gateway', keys.gateway.private, jwks);
const calls = new Identity('calls', keys.calls.private, jwks);
const media = new Identity('media', makeKey('media').private, jwks);
const alice = { kind: 'user', appId: 'demo', userAlias: 'alice' } as Subject;

afterEach(() => void vi.useRealTimers());

const refusalOf = (token: string, at = media) =>
  at.verify(`Bearer ${token}`).then(
    () => 'let in',
    (error: unknown) => problemOf(error).code,
  );

test('the gateway speaks for a user, a service for itself', async () => {
  expect(await calls.verify(`Bearer ${await gateway.sign('calls', alice)}`)).toEqual(alice);
  expect(await media.verify(`Bearer ${await calls.sign('media')}`)).toEqual({ kind: 'service', service: 'calls' });
});

test('a token is said again for half its life, and another one after that', async () => {
  vi.useFakeTimers({ toFake: ['Date', 'performance'] });
  const said = await gateway.sign('calls', alice);
  vi.advanceTimersByTime(14_000);
  expect(await gateway.sign('calls', alice)).toBe(said);
  expect(await calls.verify(`Bearer ${said}`)).toEqual(alice);
  vi.advanceTimersByTime(1500);
  expect(await gateway.sign('calls', alice)).not.toBe(said);
});

test('a token is said again to nobody else, and for nobody else', async () => {
  const others: Subject[] = [
    { ...alice, userAlias: 'bob' } as Subject,
    { ...alice, appId: 'other' } as Subject,
    { ...alice, deviceId: 'd' } as Subject,
    { kind: 'service', service: 'gateway' },
  ];
  const tokens = await Promise.all([
    gateway.sign('media', alice),
    ...['calls', 'media'].flatMap((at) => others.map((who) => gateway.sign(at, who))),
  ]);
  expect(new Set(tokens).size).toBe(9);
  expect(await Promise.all(tokens.slice(5).map((token) => media.verify(`Bearer ${token}`)))).toEqual(others);
});

test('another token is made when the clock was set back, or the machine slept', async () => {
  vi.useFakeTimers({ toFake: ['Date', 'performance'] });
  const bob = { ...alice, userAlias: 'bob' } as Subject;
  const said = await gateway.sign('calls', bob);
  vi.setSystemTime(Date.now() - 60_000);
  const afterSet = await gateway.sign('calls', bob);
  expect(afterSet).not.toBe(said);
  vi.setSystemTime(Date.now() + 60_000);
  expect(await gateway.sign('calls', bob)).not.toBe(afterSet);
});

test('a token that was believed is believed no longer than it lives', async () => {
  vi.useFakeTimers({ toFake: ['Date', 'performance'] });
  const token = await gateway.sign('calls', { ...alice, userAlias: 'carol' } as Subject);
  expect(await refusalOf(token, calls)).toBe('let in');
  vi.advanceTimersByTime(29_000);
  expect(await refusalOf(token, calls)).toBe('let in');
  // A clock that is behind is borne with for five seconds, as before a token was remembered.
  vi.advanceTimersByTime(7000);
  expect(await refusalOf(token, calls)).toBe('unauthenticated');
});

test('what is remembered of tokens stays within bounds', async () => {
  vi.useFakeTimers({ toFake: ['Date', 'performance'] });
  const made = await Promise.all(
    Array.from({ length: 5000 }, (_, n) => gateway.sign('calls', { ...alice, userAlias: `user-${n}` } as Subject)),
  );
  // One made in the same second would be equal.
  vi.advanceTimersByTime(1100);
  expect(await gateway.sign('calls', { ...alice, userAlias: 'user-4999' } as Subject)).toBe(made[4999]);
  expect(await gateway.sign('calls', { ...alice, userAlias: 'user-0' } as Subject)).not.toBe(made[0]);
});

test('no other service speaks for a user, nor for another service', async () => {
  expect(await refusalOf(await calls.sign('media', alice))).toBe('unauthenticated');
  expect(await refusalOf(await calls.sign('media', { kind: 'service', service: 'gateway' }))).toBe('unauthenticated');
});

test('a token is for one service', async () => {
  expect(await refusalOf(await gateway.sign('calls', alice))).toBe('unauthenticated');
});

test('an unknown key is refused, whatever name it gives itself', async () => {
  const stranger = new Identity('gateway', keys.stranger.private, jwks);
  expect(await refusalOf(await stranger.sign('media', alice))).toBe('unauthenticated');
});

test('a stale token, one that says it lives longer, and none at all are refused', async () => {
  const key = await importJWK(keys.gateway.private as unknown as JWK, 'EdDSA');
  const sign = (issued: number, expires: number) =>
    new SignJWT({ subject: alice })
      .setProtectedHeader({ alg: 'EdDSA', kid: 'gateway' })
      .setIssuer('gateway')
      .setAudience('media')
      .setIssuedAt(issued)
      .setExpirationTime(expires)
      .sign(key);
  const now = Math.floor(Date.now() / 1000);
  expect(await refusalOf(await sign(now, now + 30))).toBe('let in');
  expect(await refusalOf(await sign(now - 60, now - 30))).toBe('unauthenticated');
  expect(await refusalOf(await sign(now - 60, now + 3600))).toBe('unauthenticated');
  expect(await refusalOf('')).toBe('unauthenticated');
});

test('a key is rotated without a gap: what either signed is believed while both are known; who knows one of them decides nothing by the other', async () => {
  const next = makeKey('gateway-2');
  const asking = (key = keys.gateway) =>
    new Identity('gateway', key.private, jwks).sign('calls', { ...alice, userAlias: 'dora' } as Subject);
  const knowing = (...some: { public: object }[]) =>
    new Identity('calls', keys.calls.private, { keys: some.map((key) => key.public) as never });
  const [before, during, after] = [knowing(keys.gateway), knowing(keys.gateway, next), knowing(next)];
  const [old, fresh] = [await asking(), await asking(next)];
  expect([await refusalOf(old, during), await refusalOf(fresh, during)]).toEqual(['let in', 'let in']);
  expect([await refusalOf(old, after), await refusalOf(fresh, after)]).toEqual(['service_unavailable', 'let in']);
  expect([await refusalOf(old, before), await refusalOf(fresh, before)]).toEqual(['let in', 'service_unavailable']);
  // It is said which key lacks, and that whoever asked may ask again; nobody is told that a user's own credential were wrong.
  await expect(before.verify(`Bearer ${fresh}`)).rejects.toThrow('signed with gateway-2, which is not in IDENTITY_PUBLIC_JWKS here');
  const refused = await before.verify(`Bearer ${fresh}`).catch((error: unknown) => problemOf(error));
  expect(refused).toMatchObject({ code: 'service_unavailable', isUndecided: true });
  // What only calls itself so is nobody's, whichever name it takes.
  for (const kid of ['gatekeeper', 'gateway', 'gateways-2', '']) {
    const made = new Identity('gateway', { ...makeKey(kid).private }, jwks);
    expect(await refusalOf(await made.sign('calls', { ...alice, userAlias: `of-${kid}` } as Subject), before)).toBe('unauthenticated');
  }
  const header = JSON.parse(Buffer.from(fresh.split('.')[0] ?? '', 'base64url').toString()) as { kid: string };
  expect(header.kid).toBe('gateway-2');
});

const pass: CredentialKind = { typ: 'pass+jwt', issuer: 'calls', audience: 'door' };
const inAMinute = () => new Date(Date.now() + 60_000);
const isRefused = (token: string, kind = pass) =>
  media.verifyCredential(kind, token).then(
    () => false,
    () => true,
  );

test('a credential is believed by every service, without asking who gave it', async () => {
  const token = await calls.signCredential(pass, { seat: 7 }, inAMinute());
  for (const service of [media, gateway]) expect(await service.verifyCredential(pass, token)).toMatchObject({ seat: 7, iss: 'calls' });
});

test('one of another giver, kind or door, or that has expired, is refused', async () => {
  expect(await isRefused(await gateway.signCredential(pass, {}, inAMinute()))).toBe(true);
  expect(await isRefused(await calls.signCredential({ ...pass, typ: 'ticket+jwt' }, {}, inAMinute()))).toBe(true);
  expect(await isRefused(await calls.signCredential({ ...pass, audience: 'gate' }, {}, inAMinute()))).toBe(true);
  expect(await isRefused(await calls.signCredential(pass, {}, new Date(Date.now() - 1000)))).toBe(true);
});

test("one that names the giver, under another service's key, is refused", async () => {
  const key = await importJWK(keys.gateway.private as unknown as JWK, 'EdDSA');
  const signed = (kid: string) =>
    new SignJWT({})
      .setProtectedHeader({ alg: 'EdDSA', typ: pass.typ, kid })
      .setIssuer('calls')
      .setAudience(pass.audience)
      .setExpirationTime('60s')
      .sign(key);
  for (const kid of ['gateway', 'calls-2']) expect(await isRefused(await signed(kid))).toBe(true);
});

test('one without an end is refused', async () => {
  const key = await importJWK(keys.calls.private as unknown as JWK, 'EdDSA');
  const header = { alg: 'EdDSA', typ: pass.typ, kid: 'calls-2' };
  const endless = new SignJWT({}).setProtectedHeader(header).setIssuer('calls').setAudience(pass.audience);
  expect(await isRefused(await endless.sign(key))).toBe(true);
});

test('a credential is no identity token, whatever it claims, and an identity token is no credential', async () => {
  const claims = { subject: { kind: 'service', service: 'calls' } };
  expect(await refusalOf(await calls.signCredential({ ...pass, audience: 'media' }, claims, new Date(Date.now() + 20_000)))).toBe(
    'unauthenticated',
  );
  expect(await isRefused(await calls.sign('media'), { ...pass, audience: 'media' })).toBe(true);
});

test.each(['door', 'elsewhere.example', '', 'constructor', 'calls/../media'])(
  'nobody gets a token for %j, which is no service',
  async (audience) => {
    await expect(gateway.sign(audience, alice)).rejects.toThrow('is no service of the registry');
  },
);
