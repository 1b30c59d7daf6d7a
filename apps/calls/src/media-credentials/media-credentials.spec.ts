/*
 * A device in a call gets media credentials at once, by nobody's leave, and only for itself; what a door of any service must know to
 * believe them is in them.
 */
import { generateKeyPairSync } from 'node:crypto';
import type { AppId, CallState, DeviceId, UserAlias } from '@communication-center/contracts';
import { mediaCredentialKind, mediaGrantSchema } from '@communication-center/contracts/media-grant';
import { Identity } from '@communication-center/service';
import { expect, test } from 'vitest';
import type { CallsSettings } from '../settings.js';
import { MediaCredentialsOffice } from './media-credentials.js';

const { publicKey, privateKey } = generateKeyPairSync('ed25519');
const kid = 'calls-1';
const jwks = { keys: [{ ...publicKey.export({ format: 'jwk' }), kid }] };
const identity = new Identity('calls', { ...privateKey.export({ format: 'jwk' }), kid }, jwks);
const door = new Identity('media', { ...privateKey.export({ format: 'jwk' }), kid: 'media' }, jwks);

const settings = {
  MEDIA_PUBLIC_URL: ['wss://one.example.com', 'wss://two.example.com'],
  MEDIA_CREDENTIAL_SECONDS: 60,
  ICE_SERVERS: [{ urls: ['stun:stun.example.com'] }],
} as unknown as CallsSettings;

const callId = '019b7777-0000-7000-8000-000000000001';
const call = {
  status: 'connected',
  callId,
  sequence: 3,
  participants: [
    { userAlias: 'ann', state: 'connected', deviceId: 'desk' },
    { userAlias: 'ben', state: 'ringing' },
    { userAlias: 'cat', state: 'gone', deviceId: 'sofa' },
  ],
} as unknown as CallState;

const told: unknown[] = [];
const options: { maxCameras?: number; maxScreens?: number } = {};
const directory = { optionsOf: async () => options } as never;
const office = new MediaCredentialsOffice(identity, settings, (error) => told.push(error), directory);
const issue = (userAlias = 'ann', deviceId = 'desk', of = call) =>
  office.issue(of, { appId: 'demo' as AppId, userAlias: userAlias as UserAlias, deviceId: deviceId as DeviceId });

test('a credential says by which token its bearer is signed in, so that it ends with that', async () => {
  const held = { kid: 'first', issuedAt: 1_700_000_000, expiresAt: 1_700_003_600 };
  const asking = { appId: 'demo' as AppId, userAlias: 'ann' as UserAlias, deviceId: 'desk' as DeviceId, token: held };
  const { grant } = await door.verifyCredential(mediaCredentialKind, (await office.issue(call, asking)).token);
  expect(mediaGrantSchema.parse(grant).token).toEqual({ kid: 'first', issuedAt: 1_700_000_000 });
});

test('whoever knows the public keys reads in a credential who may do what, in which call as of when', async () => {
  const { token } = await issue();
  const { grant, exp, iat } = await door.verifyCredential(mediaCredentialKind, token);
  expect(mediaGrantSchema.parse(grant)).toEqual({
    appId: 'demo',
    callId,
    userAlias: 'ann',
    deviceId: 'desk',
    sequence: 3,
    rights: ['publish', 'subscribe'],
  });
  expect(Number(exp) - Number(iat)).toBe(60);
  expect(JSON.parse(Buffer.from(token.split('.')[0] ?? '', 'base64url').toString())).toEqual({
    alg: 'EdDSA',
    kid,
    typ: 'media-credential+jwt',
  });
});

test('what a moderator forbade its bearer is in a credential', async () => {
  const bans = { forbidden: { video: { by: null, since: '2026-01-01T00:00:00.000Z' } } };
  const moderated = { ...call, participants: [{ ...call.participants[0], ...bans }] } as CallState;
  const { grant } = await door.verifyCredential(mediaCredentialKind, (await issue('ann', 'desk', moderated)).token);
  expect(mediaGrantSchema.parse(grant).forbidden).toEqual(['video']);
  const later = { ...(grant as object), forbidden: ['video', 'something of a later release'] };
  expect(mediaGrantSchema.parse(later).forbidden).toEqual(['video']);
});

test('each names one of the doors, and what clients of earlier releases look for', async () => {
  const given = await Promise.all(Array.from({ length: 60 }, () => issue()));
  expect(new Set(given.map(({ url }) => url))).toEqual(new Set(settings.MEDIA_PUBLIC_URL));
  expect(given[0]).toMatchObject({ generation: 1, iceServers: settings.ICE_SERVERS });
  expect(Date.parse(given[0]?.expiresAt ?? '')).toBeGreaterThan(Date.now() + 50_000);
});

test.each([
  ['a stranger', 'dan', 'desk', call, 'not_a_participant'],
  ['who rings', 'ben', 'desk', call, 'forbidden'],
  ['who has left', 'cat', 'sofa', call, 'already_ended'],
  ['another device of who is in the call', 'ann', 'phone', call, 'forbidden'],
  ['anybody in a call that has ended', 'ann', 'desk', { ...call, status: 'ended' } as CallState, 'already_ended'],
])('%s gets none', async (_who, userAlias, deviceId, of, code) => {
  await expect(issue(userAlias, deviceId, of)).rejects.toMatchObject({ code });
});

test('a command stands where there are none to give', async () => {
  expect(
    await office.issueIfPossible(call, { appId: 'demo' as AppId, userAlias: 'ben' as UserAlias, deviceId: 'desk' as DeviceId }),
  ).toBeNull();
  expect(told).toHaveLength(1);
});

test('how many pictures a call carries is in a credential where that is not as by default: none of a call of voice alone', async () => {
  const streamsOf = async (callType: string) => {
    const { grant } = await door.verifyCredential(
      mediaCredentialKind,
      (await issue('ann', 'desk', { ...call, callType } as CallState)).token,
    );
    return mediaGrantSchema.parse(grant).streams;
  };
  expect([await streamsOf('audio_video'), await streamsOf('audio_only')]).toEqual([undefined, { cameras: 0, screens: 0 }]);
  options.maxScreens = 1;
  expect(await streamsOf('audio_upgradable')).toEqual({ screens: 1 });
  Object.assign(options, { maxScreens: undefined });
});
