/*
 * A user token says who its bearer is for as long as it lasts, and only one that is signed with a living secret of an app does.
 */
import type { AppId, UserAlias } from '@communication-center/contracts';
import fc from 'fast-check';
import { SignJWT, UnsecuredJWT } from 'jose';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { AppSecretStore, SigningSecret } from '../app-secrets/app-secret-store.js';
import { UserTokens } from './user-tokens.js';

const demo = 'demo' as AppId;
const ann = 'ann' as UserAlias;
const secretOf = (kid: string, appId = demo): SigningSecret => ({
  kid,
  appId,
  secret: Buffer.from(`${kid}: thirty-two bytes, and some more`),
});
let living: SigningSecret[];

beforeEach(() => {
  vi.useFakeTimers({ now: new Date('2026-03-01T12:00:00Z') });
  living = [secretOf('first'), secretOf('second'), secretOf('of another', 'other' as AppId)];
});
afterEach(() => void vi.useRealTimers());

const tokens = new UserTokens(
  {
    newest: async (appId: AppId) => living.findLast((one) => one.appId === appId) as SigningSecret,
    byKid: async (kid: string) => living.find((one) => one.kid === kid),
  } as AppSecretStore,
  { MAX_TOKEN_SECONDS: 86_400 },
);

/** A token as an app's own server makes it, from its secret. */
function signed(
  claims: { sub?: string; exp?: number; iat?: number; jti?: string },
  { kid = 'first', secret = secretOf(kid).secret, alg = 'HS256' } = {},
): Promise<string> {
  return new SignJWT({ iat: now(), ...claims }).setProtectedHeader({ alg, kid }).sign(secret);
}

const now = () => Math.floor(Date.now() / 1000);
const inAnHour = () => Math.floor(Date.now() / 1000) + 3600;

test('what is minted is good until it expires, and a few seconds for clocks that differ', async () => {
  const { token, expiresAt } = await tokens.mint(demo, ann, 60);
  expect(expiresAt).toBe('2026-03-01T12:01:00.000Z');
  await expect(tokens.verify(token)).resolves.toMatchObject({ appId: 'demo', userAlias: 'ann' });
  vi.advanceTimersByTime(64_000);
  await expect(tokens.verify(token)).resolves.toBeDefined();
  vi.advanceTimersByTime(2000);
  await expect(tokens.verify(token)).rejects.toMatchObject({ code: 'unauthenticated' });
});

test('an app is known by its secret: what one app signs is of that app, whatever else the token says', async () => {
  const token = await new SignJWT({ sub: 'ann', iat: now(), exp: inAnHour(), appId: 'demo', aud: 'demo' })
    .setProtectedHeader({ alg: 'HS256', kid: 'of another' })
    .sign(secretOf('of another').secret);
  await expect(tokens.verify(token)).resolves.toMatchObject({ appId: 'other', userAlias: 'ann' });
});

test('with a secret that is revoked, the tokens it signed are worth nothing, and the others go on', async () => {
  const [old, current] = [await signed({ sub: 'ann', exp: inAnHour() }), (await tokens.mint(demo, ann, 60)).token];
  living = living.filter(({ kid }) => kid !== 'first');
  await expect(tokens.verify(old)).rejects.toMatchObject({ code: 'unauthenticated', message: expect.stringContaining('kid') });
  await expect(tokens.verify(current)).resolves.toBeDefined();
});

test.each([
  ['of a secret that nobody has', () => signed({ sub: 'ann', exp: inAnHour() }, { kid: 'unknown' })],
  ['signed with another secret than it names', () => signed({ sub: 'ann', exp: inAnHour() }, { secret: secretOf('second').secret })],
  ['signed by nothing', async () => new UnsecuredJWT({ sub: 'ann', iat: now(), exp: inAnHour() }).encode()],
  ['of another algorithm', () => signed({ sub: 'ann', exp: inAnHour() }, { alg: 'HS384' })],
  ['that never expires', () => signed({ sub: 'ann' })],
  ['of nobody', () => signed({ exp: inAnHour() })],
  ['of what is no alias', () => signed({ sub: ' ann\n', exp: inAnHour() })],
  ['that is none', async () => 'three.little.words'],
  ['that is empty', async () => ''],
])('a token %s signs nobody in', async (_what, make) => {
  await expect(tokens.verify(await make())).rejects.toMatchObject({ code: 'unauthenticated', message: expect.stringContaining('token') });
});

test('it is told which token it was, so that what it lets in ends with it', async () => {
  const token = await signed({ sub: 'ann', exp: inAnHour(), jti: 'one' });
  await expect(tokens.verify(token)).resolves.toMatchObject({ token: { kid: 'first', issuedAt: now(), expiresAt: inAnHour() } });
});

test.each([
  ['that does not say when it was issued', { iat: undefined }, 'iat'],
  ['of the future', { iat: 6 }, 'iat is more than 5 seconds ahead'],
  ['of a longer life than is allowed', { exp: 86_401 }, 'longer than 86400 seconds'],
])('a token %s signs nobody in, and it is said why', async (_what, wrong, why) => {
  const at = Object.fromEntries(Object.entries(wrong).map(([name, seconds]) => [name, seconds && now() + seconds]));
  const token = await signed({ sub: 'ann', exp: inAnHour(), ...at });
  await expect(tokens.verify(token)).rejects.toMatchObject({ code: 'unauthenticated', message: expect.stringContaining(why) });
});

test('a clock may differ by five seconds, and a token may last a whole day', async () => {
  await expect(tokens.verify(await signed({ sub: 'ann', iat: now() + 5, exp: inAnHour() }))).resolves.toBeDefined();
  await expect(tokens.verify(await signed({ sub: 'ann', exp: now() + 86_400 }))).resolves.toBeDefined();
});

test('what is minted after the tokens of a user were ended is not of that second', async () => {
  const { token } = await tokens.mint(demo, ann, 60, now());
  await expect(tokens.verify(token)).resolves.toMatchObject({ token: { issuedAt: now() + 1 } });
});

test('no token that was tampered with is good', async () => {
  const { token } = await tokens.mint(demo, ann, 3600);
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.';
  await fc.assert(
    fc.asyncProperty(fc.nat(token.length - 2), fc.constantFrom(...alphabet), async (at, other) => {
      fc.pre(token[at] !== other);
      await expect(tokens.verify(token.slice(0, at) + other + token.slice(at + 1))).rejects.toMatchObject({ code: 'unauthenticated' });
    }),
  );
});
