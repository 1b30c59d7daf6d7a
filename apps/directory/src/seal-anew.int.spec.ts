/*
 * What services keep sealed is sealed anew by npm run rotate while they serve: what an earlier release sealed names its key afterwards,
 * everything still opens, and whoever used it notices nothing.
 */
import { execFile } from 'node:child_process';
import { createCipheriv, randomBytes, randomUUID } from 'node:crypto';
import { promisify } from 'node:util';
import type { EndpointView, SipAccountView } from '@communication-center/contracts';
import type { SealedView } from '@communication-center/contracts/operations';
import { KeyRing, SealedBox } from '@communication-center/service';
import { Fleet, serviceNames, type TestApp } from '@communication-center/testing';
import { beforeEach, expect, test } from 'vitest';

const fleet = new Fleet();
const operator = fleet.state.secrets.operatorKey;
const ring = KeyRing.parse((fleet.state.secrets as unknown as { secretsKey: string }).secretsKey);
const box = new SealedBox(ring);
let app: TestApp;
let endpointId: string;

interface Kept {
  schema: 'directory' | 'webhooks' | 'notifications';
  table: string;
  column: string;
  where: string;
  values: string[];
  owner: string;
}

beforeEach(async () => {
  app = await fleet.makeApp();
  await fleet.rest<SipAccountView>('PUT', `/v1/apps/${app.appId}/sip-accounts/desk`, app.key);
  const endpoint = { url: 'http://127.0.0.1:9/sealed', authentication: { type: 'bearer', token: 'sealed-token' } };
  const made = await fleet.rest<EndpointView>('POST', '/v1/webhook-endpoints', app.key, endpoint);
  endpointId = made.body.endpointId;
  await fleet.rest('PUT', '/v1/push-credentials', app.key, { provider: 'web_push', subject: 'mailto:sealed@example.com' });
  const mail = { provider: 'smtp', host: '127.0.0.1', port: 9, security: 'none', from: 'sealed@example.com' };
  await fleet.rest('PUT', '/v1/channel-credentials', app.key, mail);
  // A storage is tried before it is taken, and there is none here.
  const storage = box.seal(`recordings/${app.appId}`, '{}');
  await fleet.query(
    'media',
    "INSERT INTO recording_storages (storage_id, app_id, place, is_current, sealed) VALUES ($1, $2, 'sealed', true, $3)",
    [randomUUID(), app.appId, storage],
  );
  await fleet.query(
    'media',
    "INSERT INTO broadcasts (broadcast_id, call_id, app_id, state, wanted, started_at, push_sealed) VALUES ($1, $1, $2, 'stopped', 'stopped', now(), $3)",
    [randomUUID(), app.appId, box.seal(`broadcasts/${app.appId}`, '{}')],
  );
});

/** What this app has sealed. */
const kept = (): Kept[] => [
  { schema: 'directory', table: 'app_secrets', column: 'sealed', where: 'kid = $1', values: [app.secret.kid], owner: app.secret.kid },
  {
    schema: 'directory',
    table: 'sip_accounts',
    column: 'sealed',
    where: 'app_id = $1 AND username = $2',
    values: [app.appId, 'desk'],
    owner: `${app.appId}/desk`,
  },
  { schema: 'webhooks', table: 'endpoints', column: 'sealed_secret', where: 'endpoint_id = $1', values: [endpointId], owner: endpointId },
  {
    schema: 'webhooks',
    table: 'endpoints',
    column: 'sealed_private',
    where: 'endpoint_id = $1',
    values: [endpointId],
    owner: `${endpointId}:private`,
  },
  {
    schema: 'notifications',
    table: 'push_credentials',
    column: 'sealed',
    where: 'app_id = $1',
    values: [app.appId],
    owner: `${app.appId}/web_push`,
  },
  {
    schema: 'notifications',
    table: 'channel_credentials',
    column: 'sealed',
    where: 'app_id = $1',
    values: [app.appId],
    owner: `${app.appId}/smtp`,
  },
  {
    schema: 'media',
    table: 'recording_storages',
    column: 'sealed',
    where: 'app_id = $1',
    values: [app.appId],
    owner: `recordings/${app.appId}`,
  },
  {
    schema: 'media',
    table: 'broadcasts',
    column: 'push_sealed',
    where: 'app_id = $1',
    values: [app.appId],
    owner: `broadcasts/${app.appId}`,
  },
];

async function sealedOf({ schema, table, column, where, values }: Kept): Promise<Buffer> {
  const [row] = await fleet.query<{ sealed: Buffer }>(schema, `SELECT ${column} AS sealed FROM ${table} WHERE ${where}`, values);
  return row?.sealed ?? Buffer.alloc(0);
}

/** Seals it as a release did whose values named no key. @returns the secret. */
async function sealAsBefore(one: Kept): Promise<string> {
  const secret = box.open(one.owner, await sealedOf(one));
  const nonce = randomBytes(12);
  const cipher = createCipheriv('aes-256-gcm', ring.current.bytes, nonce).setAAD(Buffer.from(one.owner));
  const text = Buffer.concat([cipher.update(secret), cipher.final()]);
  const sealed = Buffer.concat([nonce, cipher.getAuthTag(), text]);
  const place = `$${one.values.length + 1}`;
  await fleet.query(one.schema, `UPDATE ${one.table} SET ${one.column} = ${place} WHERE ${one.where}`, [...one.values, sealed]);
  return secret;
}

const rotate = (...args: string[]) =>
  promisify(execFile)(process.execPath, [new URL('../../../tools/rotate.mjs', import.meta.url).pathname, ...args], {
    env: { ...process.env, CENTER_URL: fleet.url, OPERATOR_KEY: operator },
  });

const namesKey = (sealed: Buffer) =>
  sealed.subarray(0, 5 + ring.current.id.length).toString() === `cck1${String.fromCharCode(ring.current.id.length)}${ring.current.id}`;

test('everything names its key afterwards, opens for whom it did, and serves all the time', async () => {
  const token = await fleet.tokenOf(app, 'ann');
  const secrets = await Promise.all(kept().map(sealAsBefore));
  for (const one of kept()) expect(namesKey(await sealedOf(one))).toBe(false);
  const signsIn = async () => (await fleet.rest('GET', '/v1/users/ann', token)).status;
  expect(await signsIn()).toBe(200);

  const status = (await rotate('status')).stdout;
  for (const service of ['directory', 'webhooks', 'notifications', 'media'])
    expect(status).toMatch(new RegExp(`^${service}: seals with dev; has `, 'm'));
  const { stdout } = await rotate('secrets');
  expect(stdout).toMatch(/directory: \d+ sealed anew, 0 left\n/);
  expect(stdout).toMatch(/webhooks: \d+ sealed anew, 0 left\n/);
  expect(stdout).toContain('Everything is sealed with the first key');

  for (const [index, one] of kept().entries()) {
    const sealed = await sealedOf(one);
    expect(namesKey(sealed), one.table).toBe(true);
    expect(box.open(one.owner, sealed)).toBe(secrets[index]);
  }
  expect(await signsIn()).toBe(200);
  // Nothing is left: again it is done at once.
  expect((await rotate('secrets')).stdout).not.toContain('sealed anew');
});

test('whatever a service keeps sealed is sealed anew: no column is forgotten', async () => {
  const found = await fleet.query<{ place: string }>(
    'directory',
    `SELECT table_schema || '.' || table_name || '.' || column_name AS place FROM information_schema.columns
     WHERE data_type = 'bytea' AND column_name LIKE '%sealed%' AND table_schema = ANY($1) ORDER BY 1`,
    [serviceNames],
  );
  expect(found.map(({ place }) => place)).toEqual(
    kept()
      .map(({ schema, table, column }) => `${schema}.${table}.${column}`)
      .sort(),
  );
});

test('it is for the operator alone, for services that keep something sealed, and with the key that comes first', async () => {
  const of = (service: string) => `/v1/operations/${service}/secrets`;
  expect((await fleet.rest('GET', of('directory'), app.key)).status).toBe(403);
  expect((await fleet.rest('POST', `${of('directory')}/reseal`, app.key, {})).status).toBe(403);
  expect((await fleet.rest('GET', of('calls'), operator)).status).toBe(404);
  const seen = await fleet.rest<SealedView>('GET', of('webhooks'), operator);
  expect(seen.body).toMatchObject({ keyId: ring.current.id, left: expect.any(Number) });
  const refused = await fleet.rest('POST', `${of('webhooks')}/reseal`, operator, { keyId: 'another' });
  expect([refused.status, refused.body.code]).toEqual([409, 'conflict']);
  expect((await fleet.rest('POST', `${of('webhooks')}/reseal`, operator, { keyId: 'No Key' })).status).toBe(400);
});
