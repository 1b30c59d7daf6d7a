/*
 * With a long history of acts, keys and secrets, a page or a check of one reads what belongs to its answer.
 */
import type { AppId, UserAlias } from '@communication-center/contracts';
import { KeyRing } from '@communication-center/service';
import { Fleet, rowsReadBy, TestSchema } from '@communication-center/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ApiKeyStore } from './api-keys/api-key-store.js';
import { AppSecretStore } from './app-secrets/app-secret-store.js';
import { AppStore } from './apps/app-store.js';
import { auditOf } from './audit/audit.js';
import { requireRoom } from './limits.js';
import { directory } from './migrations/1-directory.js';
import { auditAndSipAccounts } from './migrations/2-audit-and-sip-accounts.js';
import { lists } from './migrations/3-lists.js';
import { liveSecrets } from './migrations/5-live-secrets.js';
import { allowedOrigins } from './migrations/8-allowed-origins.js';
import { ends } from './migrations/10-ends.js';
import { laterScopes } from './migrations/12-later-scopes.js';
import { appStates } from './migrations/13-app-states.js';
import { UserStore } from './users/user-store.js';

const fleet = new Fleet();
const app = 'app-1' as AppId;
let schema: TestSchema;

beforeAll(async () => {
  schema = await TestSchema.migrated(fleet, [
    directory,
    auditAndSipAccounts,
    lists,
    liveSecrets,
    allowedOrigins,
    ends,
    laterScopes,
    appStates,
  ]);
  const statements = [
    `INSERT INTO apps (app_id, name, trusts_bare_alias, options, sequence) SELECT 'app-' || number, '', false, '{}', 1 FROM generate_series(0, 9) AS number`,
    `INSERT INTO audit (entry_id, app_id, actor, act, target)
     SELECT gen_random_uuid(), 'app-' || number % 10, 'operator', 'key.made', '' FROM generate_series(1, 60000) AS number`,
    `INSERT INTO api_keys (key_id, app_id, name, hash, scopes, revoked_at)
     SELECT gen_random_uuid(), 'app-' || number % 10, '', sha256(number::text::bytea), '{}', CASE WHEN number % 500 > 9 THEN now() END
     FROM generate_series(1, 20000) AS number`,
    `INSERT INTO users (app_id, user_alias, sequence) SELECT 'app-' || number % 10, 'user-' || number / 10, 1 FROM generate_series(0, 39999) AS number`,
    `INSERT INTO app_secrets (kid, app_id, sealed, revoked_at)
     SELECT gen_random_uuid(), 'app-' || number % 10, '', CASE WHEN number > 10 THEN now() END FROM generate_series(1, 20000) AS number`,
    `INSERT INTO apps (app_id, name, trusts_bare_alias, options, sequence)
     SELECT 'shop-' || number, '', false, jsonb_build_object('allowedOrigins', jsonb_build_array('https://shop-' || number || '.example')), 1
     FROM generate_series(1, 10000) AS number`,
  ];
  for (const statement of statements) await schema.query(statement);
  await schema.analyze();
}, 60_000);

afterAll(() => schema.drop());

const keys = (sql: unknown) => new ApiKeyStore(sql as never);
const apps = (sql: unknown) => new AppStore(sql as never, undefined as never);
const secrets = (sql: unknown) =>
  new AppSecretStore(sql as never, { SECRETS_KEY: new KeyRing([{ id: 'a', bytes: Buffer.alloc(32) }]) } as never);

test.each([
  ['a page of the acts on record', (sql: never) => auditOf(sql, app, null, 200)],
  ['the page after it', (sql: never) => auditOf(sql, app, 'ffffffff-ffff-4fff-bfff-ffffffffffff', 200)],
  ['the keys of an app', (sql: never) => keys(sql).list(app)],
  ['whose key this is', (sql: never) => keys(sql).find('cc_unknown')],
  ['who signs in', (sql: never) => new UserStore(sql, undefined as never, { PROFILE: 'production' }).ensure(app, 'user-7' as UserAlias)],
  ['the secrets of an app', (sql: never) => secrets(sql).list(app)],
  ['the secret a token names', (sql: never) => secrets(sql).byKid('0199aaaa-0000-7000-8000-000000000000')],
  ['whether any app allows an origin', (sql: never) => apps(sql).isOriginOfAny('https://shop-7.example')],
  ['whether there is room for a key', (sql: never) => requireRoom(sql, app, 'apiKeys')],
])('%s: by an index, fewer than 1,000 rows', async (_what, ask) => {
  const read = await rowsReadBy(schema, (sql) => ask(sql as never));
  expect(read.wholeTables).toEqual([]);
  expect(read.rows).toBeLessThan(1000);
});

test('an origin is an app’s when the app names it as it is', async () => {
  expect(await apps(schema).isOriginOfAny('https://shop-7.example')).toBe(true);
  expect(await apps(schema).isOriginOfAny('https://shop-7.example.com')).toBe(false);
});

test('a token whose kid is no UUID names no secret', async () => {
  expect(await secrets(schema).byKid("'; DROP TABLE app_secrets")).toBeUndefined();
});

test('an app that has as many keys as it may makes no more', async () => {
  await schema.query(
    `INSERT INTO api_keys (key_id, app_id, name, hash, scopes)
     SELECT gen_random_uuid(), 'app-2', '', sha256(('more' || number)::bytea), '{}' FROM generate_series(1, 500) AS number`,
  );
  await expect(requireRoom(schema, 'app-2' as AppId, 'apiKeys')).rejects.toMatchObject({ code: 'conflict' });
});
