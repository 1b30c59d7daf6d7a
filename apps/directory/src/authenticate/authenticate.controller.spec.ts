/*
 * Whose credential is it? The operator's key, an app's key and a user's token are told apart, each names its own app alone, and what
 * is none of them is nobody's.
 */
import type { AppId, AppState, UserAlias } from '@communication-center/contracts';
import { ProblemError, UnopenedError } from '@communication-center/service';
import { expect, test } from 'vitest';
import type { ApiKeyStore } from '../api-keys/api-key-store.js';
import type { AppStore } from '../apps/app-store.js';
import type { FrequentActs } from '../audit/frequent-acts.js';
import type { RingTokens } from '../ring-tokens/ring-tokens.js';
import type { DirectorySettings } from '../settings.js';
import type { UserTokens } from '../user-tokens/user-tokens.js';
import type { UserStore } from '../users/user-store.js';
import { AuthenticateController } from './authenticate.controller.js';
import { OperatorKeys } from './operator-keys.js';

const demo = 'demo' as AppId;
const operatorKey = 'op_of-a-test-long-enough-to-be-one';
const annasKey = 'op_of-anna-who-runs-the-center-too';
const key = { appId: demo, keyId: 'k1', scopes: ['calls' as const] };
const ann = { appId: demo, userAlias: 'ann' as UserAlias };
const ringing = { kind: 'ring', ...ann, deviceId: 'phone', callId: 'c', sequence: 1, token: { kid: 'r', issuedAt: 5, expiresAt: 9 } };
const ringToken = `${Buffer.from(JSON.stringify({ alg: 'EdDSA', typ: 'ring-token+jwt' })).toString('base64url')}.e30.sig`;

/** A directory with one app, one key, and one user's token. @returns it, and which users it was told to know. */
function directory(appState: AppState = 'active') {
  const ensured: string[] = [];
  const onRecord: string[] = [];
  const apps = {
    require: async (appId: AppId) => {
      if (appId !== demo && appId !== 'other') throw new ProblemError('unknown_app');
    },
  };
  const users = { ensure: async (appId: AppId, userAlias: UserAlias) => ensured.push(`${appId}/${userAlias}`) };
  const keys = { find: async (credential: string) => (credential === 'cc_good' ? { ...key, appState } : undefined) };
  const acts = { note: (...noted: string[]) => onRecord.push(noted.join(' ')) };
  const tokens = {
    appOf: async (credential: string) => (credential === 'a.bad.token' ? demo : undefined),
    verify: async (credential: string) => {
      if (credential === 'a.token.of-an-outage') throw new Error('the database is away');
      if (credential === 'a.token.under-a-lost-key') throw new UnopenedError('the key 2026-11, which it names, is not here');
      if (credential !== 'a.good.token') throw new ProblemError('unauthenticated', 'token: it cannot be read');
      return ann;
    },
  };
  const controller = new AuthenticateController(
    apps as unknown as AppStore,
    users as unknown as UserStore,
    keys as unknown as ApiKeyStore,
    tokens as unknown as UserTokens,
    { verify: async () => ringing } as unknown as RingTokens,
    acts as unknown as FrequentActs,
    { OPERATOR_KEY: new OperatorKeys([{ key: operatorKey }, { holder: 'anna', key: annasKey }]) } as DirectorySettings,
    (error) => onRecord.push(String(error)),
  );
  const whose = (credential: string, appId?: string) => controller.whose({ body: { credential, ...(appId && { appId: appId as AppId }) } });
  const whoseEach = async (...asked: [credential: string, appId?: string][]) => {
    const bodies = asked.map(([credential, appId]) => ({ credential, ...(appId && { appId: appId as AppId }) }));
    return (await controller.whoseEach({ body: { asked: bodies } })).answers;
  };
  return { ensured, onRecord, whose, whoseEach };
}

test('a ring token is its ring’s, of a user who must be there and whose tokens have not ended', async () => {
  const { whose, ensured } = directory();
  expect(await whose(ringToken, 'demo')).toEqual(ringing);
  expect(ensured).toEqual(['demo/ann']);
  await expect(whose(ringToken, 'other')).rejects.toMatchObject({ code: 'forbidden' });
});

test('each kind of credential is known for what it is', async () => {
  const { whose } = directory();
  await expect(whose(operatorKey)).resolves.toEqual({ kind: 'operator' });
  await expect(whose(annasKey)).resolves.toEqual({ kind: 'operator', holder: 'anna' });
  await expect(whose('cc_good')).resolves.toEqual({ kind: 'key', ...key });
  await expect(whose('a.good.token')).resolves.toEqual({ kind: 'user', ...ann });
});

test('who signs in with a token becomes known, and nobody else does', async () => {
  const { whose, ensured } = directory();
  await whose('a.good.token');
  await whose('cc_good');
  await whose(operatorKey);
  await whose('a.good.token', 'other').catch(() => undefined);
  expect(ensured).toEqual(['demo/ann']);
});

test.each([
  ['a key that is revoked', 'cc_gone'],
  ["the operator's key without its end", operatorKey.slice(0, -1)],
  ["the operator's key with more behind it", `${operatorKey}x`],
  ['a token that is wrong', 'a.bad.token'],
])('%s is nobody', async (_what, credential) => {
  await expect(directory().whose(credential)).rejects.toMatchObject({ code: 'unauthenticated' });
});

test.each([
  ['suspended', 'app_suspended'],
  ['deleted', 'unknown_app'],
] as const)('the key of an app that is %s opens nothing', async (state, code) => {
  await expect(directory(state).whose('cc_good')).rejects.toMatchObject({ code });
  await expect(directory(state).whose(operatorKey)).resolves.toEqual({ kind: 'operator' });
});

test('a credential opens its own app alone, and the operator none of them', async () => {
  const { whose } = directory();
  await expect(whose('a.good.token', 'demo')).resolves.toMatchObject({ kind: 'user' });
  await expect(whose('cc_good', 'demo')).resolves.toMatchObject({ kind: 'key' });
  for (const credential of ['a.good.token', 'cc_good', operatorKey])
    await expect(whose(credential, 'other')).rejects.toMatchObject({ code: 'forbidden' });
});

test('an app that does not exist is said to be unknown, whatever the credential', async () => {
  for (const credential of ['a.good.token', 'nonsense'])
    await expect(directory().whose(credential, 'gone')).rejects.toMatchObject({ code: 'unknown_app' });
});

test('several that are asked for together are each answered as if alone, in their order', async () => {
  const { whoseEach, ensured } = directory();
  const answers = await whoseEach(
    ['a.good.token', 'demo'],
    ['a.bad.token'],
    ['cc_good'],
    ['a.good.token', 'other'],
    ['nonsense', 'gone'],
    [operatorKey],
  );
  expect(answers).toEqual([
    { holder: { kind: 'user', ...ann } },
    { refused: 'unauthenticated', detail: 'token: it cannot be read' },
    { holder: { kind: 'key', ...key } },
    { refused: 'forbidden', detail: 'token: it is not of app other' },
    { refused: 'unknown_app', detail: expect.anything() },
    { holder: { kind: 'operator' } },
  ]);
  expect(ensured).toEqual(['demo/ann']);
});

test('where one cannot be decided, none of those asked for together is: they are asked again', async () => {
  await expect(directory().whoseEach(['a.good.token'], ['a.token.of-an-outage'])).rejects.toThrow('the database is away');
});

test('who is refused in an app is put on record there; who comes in, or is of no app, is not', async () => {
  const { whose, onRecord } = directory();
  await whose('a.good.token');
  for (const [credential, appId] of [['a.bad.token'], ['nonsense'], ['cc_gone', 'demo'], ['cc_good', 'other'], ['x', 'gone']] as const)
    await expect(whose(credential, appId)).rejects.toThrow();
  expect(onRecord).toEqual([
    'demo nobody sign_in.refused unauthenticated',
    'demo nobody sign_in.refused unauthenticated',
    'other nobody sign_in.refused forbidden',
  ]);
});

test('one whose secret no key here opens is told to ask again, and what was asked with it is answered', async () => {
  const { whoseEach, onRecord } = directory();
  expect(await whoseEach(['a.good.token', 'demo'], ['a.token.under-a-lost-key', 'demo'], ['cc_good'])).toEqual([
    { holder: { kind: 'user', ...ann } },
    { refused: 'service_unavailable' },
    { holder: { kind: 'key', ...key } },
  ]);
  // It is no sign-in that was refused, and whoever runs this hears which key it is.
  expect(onRecord).toEqual(['UnopenedError: the key 2026-11, which it names, is not here']);
});
