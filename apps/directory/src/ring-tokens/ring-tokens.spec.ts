/*
 * A ring token lets in whom notifications gave it, until its ring's deadline; it is told from every other credential by its kind.
 */

import { ringTokenKind } from '@communication-center/contracts/ring-token';
import { Identity } from '@communication-center/service';
import { exportJWK, generateKeyPair } from 'jose';
import { expect, test } from 'vitest';
import { isRingToken, RingTokens } from './ring-tokens.js';

const pair = async (kid: string) => {
  const { privateKey, publicKey } = await generateKeyPair('EdDSA', { extractable: true });
  return { private: { ...(await exportJWK(privateKey)), kid }, public: { ...(await exportJWK(publicKey)), kid } };
};
const [mine, calls] = await Promise.all([pair('notifications-2026'), pair('calls')]);
const jwks = { keys: [mine.public, calls.public] };
const tokens = new RingTokens(new Identity('directory', calls.private, jwks));
const notifications = new Identity('notifications', mine.private, jwks);

const ring = {
  appId: 'demo',
  callId: '01a212f5-7b85-7226-9f5d-760b2fe053bd',
  userAlias: 'bob',
  deviceId: 'phone',
  sequence: 4,
  registeredAt: 1_700_000_000,
};
const inAMinute = () => new Date(Date.now() + 60_000);

test('it says whose ring it is, and counts as issued when the device registered', async () => {
  const expiresAt = inAMinute();
  const token = await notifications.signCredential(ringTokenKind, { ring }, expiresAt);
  const { registeredAt, ...of } = ring;
  const held = { kid: 'ring-token', issuedAt: registeredAt, expiresAt: Math.floor(expiresAt.getTime() / 1000) };
  expect(await tokens.verify(token)).toEqual({ kind: 'ring', ...of, token: held });
  expect([isRingToken(token), isRingToken('cc_a-key'), isRingToken('e30.e30.x')]).toEqual([true, false, false]);
});

test.each([
  ['that is over', () => notifications.signCredential(ringTokenKind, { ring }, new Date(Date.now() - 1000))],
  ['of another kind', () => notifications.signCredential({ ...ringTokenKind, typ: 'other+jwt' }, { ring }, inAMinute())],
  ['that another service signed', () => new Identity('calls', calls.private, jwks).signCredential(ringTokenKind, { ring }, inAMinute())],
  [
    'that another service signed in its name',
    () => new Identity('notifications', calls.private, jwks).signCredential(ringTokenKind, { ring }, inAMinute()),
  ],
  ['that names no ring', () => notifications.signCredential(ringTokenKind, { ring: { ...ring, callId: 'x' } }, inAMinute())],
])('one %s lets nobody in', async (_what, make) => {
  await expect(tokens.verify(await make())).rejects.toMatchObject({ code: 'unauthenticated' });
});
