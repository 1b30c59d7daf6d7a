/*
 * What is shown once is never kept as it was shown: of a key its digest, of a secret and of a password what only the Center can open.
 */
import { createHash, randomBytes } from 'node:crypto';
import type { AppId } from '@communication-center/contracts';
import type { Sql } from '@communication-center/event-log';
import { KeyRing, type Postgres } from '@communication-center/service';
import { beforeEach, expect, test } from 'vitest';
import { ApiKeyStore, keyPrefix } from './api-keys/api-key-store.js';
import { AppSecretStore } from './app-secrets/app-secret-store.js';
import type { DirectorySettings } from './settings.js';
import { SipAccountStore } from './sip-accounts/sip-account-store.js';

const demo = 'demo' as AppId;
const settings = { SECRETS_KEY: new KeyRing([{ id: 'a', bytes: randomBytes(32) }]) } as DirectorySettings;
const note = async () => undefined;

/** What is written, as text whatever its type, and rows that can be read back. */
let written: string;
let rows: Record<string, unknown>[];
const columns: Record<string, string[]> = {
  api_keys: ['key_id', 'app_id', 'name', 'hash', 'scopes', 'later_scopes'],
  app_secrets: ['kid', 'app_id', 'sealed'],
  sip_accounts: ['app_id', 'username', 'sealed'],
};

/** Keeps what is inserted, and finds a row again by whatever value of it is asked for. */
const database = {
  query: async (text: string, values: unknown[]) => {
    const table = /INSERT INTO (\w+)/.exec(text)?.[1];
    if (!table)
      return {
        rows: /count\(\*\)/.test(text)
          ? [{ count: 0 }]
          : rows.filter((row) => values.every((value) => [value].flat().some((one) => isIn(row, one)))),
      };
    for (const value of values) written += Buffer.isBuffer(value) ? `${value.toString('latin1')}\n` : `${JSON.stringify(value)}\n`;
    const row = { created_at: new Date(0), ...Object.fromEntries((columns[table] ?? []).map((name, index) => [name, values[index]])) };
    rows.push(row);
    return { rows: [row] };
  },
  transaction: async <T>(work: (tx: Sql) => Promise<T>) => work(database as unknown as Sql),
};

const isIn = (row: object, value: unknown) =>
  Object.values(row).some((one) => (Buffer.isBuffer(one) && Buffer.isBuffer(value) ? one.equals(value) : one === value));

beforeEach(() => {
  written = '';
  rows = [];
});

test('a key is found by itself alone, and is nowhere in what is kept', async () => {
  const keys = new ApiKeyStore(database as unknown as Postgres);
  const made = await keys.make(demo, 'test', ['calls'], () => note);
  const secret = made.secret ?? '';
  expect(secret.startsWith(keyPrefix)).toBe(true);
  expect(Buffer.from(secret.slice(keyPrefix.length), 'base64url')).toHaveLength(32);
  expect(written).not.toContain(secret.slice(keyPrefix.length));
  expect(await keys.find(secret)).toEqual({ appId: demo, keyId: made.keyId, scopes: ['calls'], laterScopes: [] });
  expect(await keys.find(`${secret}x`)).toBeUndefined();
  expect(await keys.list(demo)).toEqual([{ keyId: made.keyId, name: 'test', scopes: ['calls'], createdAt: new Date(0).toISOString() }]);
});

test('the scopes of a key are read by every release: those that the first one did not know lie apart', async () => {
  const keys = new ApiKeyStore(database as unknown as Postgres);
  const made = await keys.make(demo, 'test', ['tokens', 'users', 'calls'], () => note);
  expect(made.scopes).toEqual(['users', 'tokens', 'calls']);
  expect(rows[0]).toMatchObject({ scopes: ['users', 'calls'], later_scopes: ['tokens'] });
  expect(await keys.find(made.secret ?? '')).toMatchObject({ scopes: ['users', 'calls'], laterScopes: ['tokens'] });
  const least = await keys.make(demo, 'test', ['users'], () => note);
  expect(await keys.find(least.secret ?? '')).toMatchObject({ scopes: ['users'], laterScopes: [] });
});

test('a key of an earlier release that manages users goes on minting their tokens, and no other one begins to', async () => {
  const keys = new ApiKeyStore(database as unknown as Postgres);
  const users = await keys.make(demo, 'old', ['users'], () => note);
  const calls = await keys.make(demo, 'old', ['calls'], () => note);
  // As a replica of that release writes it while this one is rolled out.
  for (const row of rows) row.later_scopes = null;
  expect(await keys.find(users.secret ?? '')).toMatchObject({ scopes: ['users'], laterScopes: ['tokens'] });
  expect(await keys.find(calls.secret ?? '')).toMatchObject({ scopes: ['calls'], laterScopes: [] });
  expect((await keys.list(demo)).map(({ scopes }) => scopes)).toEqual([['users', 'tokens'], ['calls']]);
});

test('a signing secret is kept sealed, opens for its own row alone, and is listed without itself', async () => {
  const secrets = new AppSecretStore(database as unknown as Postgres, settings);
  const made = await secrets.make(demo, () => note);
  expect(written).not.toContain(made.secret);
  const found = await secrets.byKid(made.kid);
  expect(Buffer.from(found?.secret ?? '').toString()).toBe(made.secret);
  expect(await secrets.list(demo)).toEqual([{ kid: made.kid, createdAt: new Date(0).toISOString() }]);
  // As somebody who can write to the database would try: another row's secret under a kid of one's own.
  const other = await secrets.make(demo, () => note);
  const [first, second] = rows;
  Object.assign(second ?? {}, { sealed: first?.sealed });
  // Asked for together, only that one fails.
  const [mine, theirs] = await Promise.allSettled([secrets.byKid(made.kid), secrets.byKid(other.kid)]);
  expect([mine?.status, theirs?.status]).toEqual(['fulfilled', 'rejected']);
});

test('a kid that is no UUID reaches no statement', async () => {
  const secrets = new AppSecretStore({ query: async () => Promise.reject(new Error('asked')) } as unknown as Postgres, settings);
  for (const kid of ['', 'nope', "'; DROP TABLE app_secrets; --", '../../etc']) expect(await secrets.byKid(kid)).toBeUndefined();
});

test("a phone system's password is kept as the digests that SIP compares, sealed", async () => {
  const accounts = new SipAccountStore(database as unknown as Postgres, settings);
  const { password = '' } = await accounts.make(demo, { username: 'pbx' }, note);
  const digests = Object.fromEntries(
    ['md5', 'sha256'].map((algorithm) => [algorithm, createHash(algorithm).update(`pbx:demo:${password}`).digest('hex')]),
  );
  for (const shown of [password, ...Object.values(digests)]) expect(written).not.toContain(shown);
  expect(await accounts.secretsOf(demo, 'pbx')).toMatchObject(digests);
  expect(await accounts.secretsOf(demo, 'another')).toBeUndefined();
});
