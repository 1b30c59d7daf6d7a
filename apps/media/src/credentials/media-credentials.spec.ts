/*
 * A credential lets one device into one call's media for a while. Only the calls service can give it, and it says all that is
 * needed to know whether it still holds.
 */
import { generateKeyPairSync } from 'node:crypto';
import { mediaCredentialKind } from '@communication-center/contracts/media-grant';
import { Identity } from '@communication-center/service';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { MediaCredentials } from './media-credentials.js';

function makeKey(kid: string) {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519');
  return { public: { ...publicKey.export({ format: 'jwk' }), kid }, private: { ...privateKey.export({ format: 'jwk' }), kid } };
}

const keys = { calls: makeKey('calls'), gateway: makeKey('gateway'), media: makeKey('media') };
const jwks = { keys: Object.values(keys).map((key) => key.public) };
const identityOf = (service: keyof typeof keys, key = keys[service]) => new Identity(service, key.private, jwks);
const credentials = new MediaCredentials(identityOf('media'));
const grant = {
  appId: 'demo',
  callId: '019b7777-0000-7000-8000-000000000001',
  userAlias: 'ann',
  deviceId: 'desk',
  sequence: 7,
  rights: ['publish', 'subscribe'],
};
const soon = () => new Date(Date.now() + 300_000);
const given = (claims: object = { grant }, { by = identityOf('calls'), kind = mediaCredentialKind as object } = {}) =>
  by.signCredential({ ...mediaCredentialKind, ...kind }, { ...claims }, soon());

beforeEach(() => void vi.useFakeTimers({ now: new Date('2026-03-01T12:00:00Z') }));
afterEach(() => void vi.useRealTimers());

test('what the calls service granted is read back, until it expires', async () => {
  const token = await given();
  await expect(credentials.verify(token)).resolves.toEqual({
    ...grant,
    token: { kid: '', issuedAt: Date.parse('2026-03-01T12:00:00Z') / 1000 },
  });
  vi.advanceTimersByTime(299_000);
  await expect(credentials.verify(token)).resolves.toMatchObject(grant);
  vi.advanceTimersByTime(1000);
  await expect(credentials.verify(token)).rejects.toMatchObject({ code: 'unauthenticated' });
});

test('it says by which token its bearer had signed in, where one did', async () => {
  const token = { kid: 'first', issuedAt: 1_700_000_000 };
  await expect(credentials.verify(await given({ grant: { ...grant, token } }))).resolves.toEqual({ ...grant, token });
});

test('while the key of the calls service is rotated, what either of its processes granted opens the door; where the next key is not known yet, new credentials are asked for', async () => {
  const next = makeKey('calls-2');
  const knowing = (...some: { public: object }[]) =>
    new MediaCredentials(new Identity('media', keys.media.private, { keys: some.map((key) => key.public) as never }));
  const [old, fresh] = [await given(), await given({ grant }, { by: identityOf('calls', next) })];
  for (const token of [old, fresh]) await expect(knowing(keys.calls, next).verify(token)).resolves.toMatchObject(grant);
  const refused = knowing(keys.calls).verify(fresh);
  await expect(refused).rejects.toMatchObject({ code: 'unauthenticated', message: expect.stringContaining('ask for new credentials') });
  await expect(knowing(keys.calls).verify(old)).resolves.toMatchObject(grant);
});

test('of rights that only a later release knows, nothing is made', async () => {
  const token = await given({ grant: { ...grant, rights: ['subscribe', 'whisper'] } });
  await expect(credentials.verify(token)).resolves.toMatchObject({ rights: ['subscribe'] });
});

test.each([
  ['by another service', () => given({ grant }, { by: identityOf('gateway') })],
  ['under the name of the calls service, with the key of another', () => given({ grant }, { by: identityOf('calls', keys.gateway) })],
  ['with a key of nobody', () => given({ grant }, { by: identityOf('calls', makeKey('calls')) })],
  ['for another door', () => given({ grant }, { kind: { audience: 'media' } })],
  ['as something else', () => given({ grant }, { kind: { typ: 'JWT' } })],
  ['without a grant', () => given({})],
  ['with a grant that lacks the call', () => given({ grant: { ...grant, callId: undefined } })],
  ['with a grant without how far the call was', () => given({ grant: { ...grant, sequence: undefined } })],
  ['with a grant without rights', () => given({ grant: { ...grant, rights: undefined } })],
  ['as an identity token', () => identityOf('calls').sign('media')],
  ['out of nothing', async () => 'x.y.z'],
])('a token made %s opens nothing', async (_how, make) => {
  await expect(credentials.verify(await make())).rejects.toMatchObject({ code: 'unauthenticated' });
});

test('a credential opens no door between services', async () => {
  for (const service of ['media', 'calls', 'gateway'] as const)
    await expect(identityOf(service).verify(`Bearer ${await given()}`)).rejects.toMatchObject({ code: 'unauthenticated' });
});
