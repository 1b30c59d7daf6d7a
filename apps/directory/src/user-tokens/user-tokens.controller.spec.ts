import type { AppId, Subject, UserAlias, UserTokenView } from '@communication-center/contracts';
import { expect, test } from 'vitest';
import type { AppStore } from '../apps/app-store.js';
import type { FrequentActs } from '../audit/frequent-acts.js';
import type { UserStore } from '../users/user-store.js';
import { UserTokensController } from './user-tokens.controller.js';
import type { UserTokens } from './user-tokens.js';

const body = { appId: 'demo' as AppId, userAlias: 'ann' as UserAlias, expiresInSeconds: 3600 };

interface Minting {
  appTrusts?: boolean;
  isAllowed?: boolean;
  most?: number;
  subject?: Subject;
}

function minting({ appTrusts = false, isAllowed = false, most = 86_400, subject = { kind: 'nobody' } }: Minting): Promise<UserTokenView> {
  const apps = { get: async () => ({ trustsBareAlias: appTrusts }) } as unknown as AppStore;
  const users = { ensure: async () => undefined } as unknown as UserStore;
  const tokens = { mint: () => ({ token: 'a token' }) } as unknown as UserTokens;
  const acts = { note: () => undefined } as unknown as FrequentActs;
  return new UserTokensController(apps, users, tokens, acts, { ALLOW_BARE_ALIAS: isAllowed, MAX_TOKEN_SECONDS: most }).mint(subject, body);
}

test('a bare alias is trusted where both the app and the Center do', async () => {
  await expect(minting({ appTrusts: true, isAllowed: true })).resolves.toEqual({ token: 'a token' });
});

test.each([
  ['the app does not', { appTrusts: false, isAllowed: true }],
  ['the Center does not, whatever the app was once made to do', { appTrusts: true, isAllowed: false }],
])('nobody is signed in by a bare alias where %s', async (_what, trusts) => {
  await expect(minting(trusts)).rejects.toMatchObject({ code: 'unauthenticated' });
});

test('a token that would last longer than any may is refused by the name of the field', async () => {
  await expect(minting({ appTrusts: true, isAllowed: true, most: 3599 })).rejects.toMatchObject({
    code: 'invalid_request',
    fields: [{ field: 'expiresInSeconds' }],
  });
});

test('a key that manages users mints tokens where a gateway of the first release speaks for it, as it always did there', async () => {
  await expect(minting({ subject: key(['users']) })).resolves.toEqual({ token: 'a token' });
  await expect(minting({ subject: key(['calls']) })).rejects.toMatchObject({ code: 'forbidden' });
});

const key = (scopes: string[], laterScopes?: string[]) => ({ kind: 'key', appId: 'demo', keyId: 'k', scopes, laterScopes }) as Subject;

test('a key mints tokens that is for that, or is an admin’s, and no other', async () => {
  for (const subject of [key([], ['tokens']), key(['users'], ['tokens']), key(['admin'], [])])
    await expect(minting({ subject })).resolves.toEqual({ token: 'a token' });
  const others = [key(['users'], []), key(['users', 'calls', 'presence', 'webhooks'], []), { kind: 'operator' } as Subject];
  for (const subject of others) await expect(minting({ subject })).rejects.toMatchObject({ code: 'forbidden' });
});
