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

const tokens = new UserTokens({
  newest: async (appId: AppId) => living.findLast((one) => one.appId === appId) as SigningSecret,
  byKid: async (kid: string) => living.find((one) => one.kid === kid),
} as AppSecretStore);

/** A token as an app's own server makes it, from its secret. */
function signed(
  claims: { sub?: string; exp?: number },
  { kid = 'first', secret = secretOf(kid).secret, alg = 'HS256' } = {},
): Promise<string> {
  return new SignJWT(claims).setProtectedHeader({ alg, kid }).sign(secret);
}

const inAnHour = () => Math.floor(Date.now() / 1000) + 3600;

test('what is minted is good until it expires, and a few seconds for clocks that differ', async () => {
  const { token, expiresAt } = await tokens.mint(demo, ann, 60);
  expect(expiresAt).toBe('2026-03-01T12:01:00.000Z');
  await expect(tokens.verify(token)).resolves.toEqual({ appId: 'demo', userAlias: 'ann' });
  vi.advanceTimersByTime(64_000);
  await expect(tokens.verify(token)).resolves.toBeDefined();
  vi.advanceTimersByTime(2000);
  await expect(tokens.verify(token)).rejects.toMatchObject({ code: 'unauthenticated' });
});

test('an app is known by its secret: what one app signs is of that app, whatever else the token says', async () => {
  const token = await new SignJWT({ sub: 'ann', exp: inAnHour(), appId: 'demo', aud: 'demo' })
    .setProtectedHeader({ alg: 'HS256', kid: 'of another' })
    .sign(secretOf('of another').secret);
  await expect(tokens.verify(token)).resolves.toEqual({ appId: 'other', userAlias: 'ann' });
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
  ['signed by nothing', async () => new UnsecuredJWT({ sub: 'ann', exp: inAnHour() }).encode()],
  ['of another algorithm', () => signed({ sub: 'ann', exp: inAnHour() }, { alg: 'HS384' })],
  ['that never expires', () => signed({ sub: 'ann' })],
  ['of nobody', () => signed({ exp: inAnHour() })],
  ['of what is no alias', () => signed({ sub: ' ann\n', exp: inAnHour() })],
  ['that is none', async () => 'three.little.words'],
  ['that is empty', async () => ''],
])('a token %s signs nobody in', async (_what, make) => {
  await expect(tokens.verify(await make())).rejects.toMatchObject({ code: 'unauthenticated', message: expect.stringContaining('token') });
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
