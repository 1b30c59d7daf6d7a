/*
 * What an endpoint's owner says of it is kept as it was said, secrets sealed, and changed field by field; secrets overlap for as long as
 * they were given, and an app never has more endpoints than it may.
 */
import { type AppId, type EndpointView, endpointBodySchema, endpointPatchSchema } from '@communication-center/contracts';
import { KeyRing } from '@communication-center/service';
import { Fleet, TestSchema } from '@communication-center/testing';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { migrations } from '../migrations/index.js';
import { EndpointStore } from './endpoint-store.js';

const fleet = new Fleet();
const app = 'app-1' as AppId;
const ring = new KeyRing([{ id: 'a', bytes: Buffer.alloc(32, 7) }]);
const url = 'https://example.com/hook';
let schema: TestSchema;
let store: EndpointStore;

beforeEach(async () => {
  schema = await TestSchema.migrated(fleet, migrations);
  store = new EndpointStore(schema as never, { SECRETS_KEY: ring, MAX_ENDPOINTS: 3 } as never);
});
afterEach(() => schema.drop());

const make = (body: object = {}, appId = app): Promise<EndpointView> => store.make(appId, endpointBodySchema.parse({ url, ...body }));
const wishes = {
  description: 'd',
  eventTypes: ['*'],
  filters: { userAliases: ['bob'], callTypes: ['audio_only'], customData: { order: 1, note: null } },
  headers: { 'X-Tenant': 'blue' },
  authentication: { type: 'basic', username: 'ann', password: 'a-long-password' },
  timeoutMs: 2500,
  ratePerSecond: 0.5,
  concurrency: 3,
  ordering: 'strict',
  bodyFormat: 'cloudevents',
  signature: 'v1a',
};

test('every wish is shown as it was said, less what is secret, and reaches whoever delivers', async () => {
  const made = await make(wishes);
  const { authentication, ...shown } = wishes;
  expect(made).toMatchObject({ ...shown, url, authentication: { type: 'basic', username: 'ann' }, payloadVersion: '2026-11-28' });
  expect(made.secret, 'the private key of v1a is nobody else’s').toBeUndefined();
  expect(made.publicKey).toMatch(/^whpk_/);
  expect(await store.get(app, made.endpointId)).toEqual(made);
  expect(await store.list(app)).toEqual([made]);
  const [delivered] = await store.enabledOf([app]);
  const { signature: _, description: __, ...kept } = wishes;
  expect(delivered).toMatchObject({ ...kept, url, authentication });
  const { rows } = await schema.query<Record<string, unknown>>('SELECT * FROM endpoints');
  const written = JSON.stringify(rows, (_key, value) => (value?.type === 'Buffer' ? Buffer.from(value.data).toString('latin1') : value));
  for (const secret of ['a-long-password', 'whsk_', 'blue']) expect(written).not.toContain(secret);
});

test('an endpoint of a release before is as it was, and has what is told by default', async () => {
  const made = await make();
  expect(made.secret).toMatch(/^whsec_/);
  // What such a release writes.
  const { rows } = await schema.query<{ endpoint_id: string }>(
    `WITH before AS (DELETE FROM endpoints RETURNING *)
     INSERT INTO endpoints (endpoint_id, app_id, url, description, event_types, sealed_secret)
     SELECT endpoint_id, app_id, url, description, event_types, sealed_secret FROM before RETURNING endpoint_id`,
  );
  expect(rows).toHaveLength(1);
  const { secret, createdAt: _, ...others } = made;
  expect(await store.get(app, made.endpointId)).toMatchObject(others);
  expect((await store.enabledOf([app]))[0]).toMatchObject({
    secrets: [{ text: secret, until: null }],
    headers: {},
    ordering: 'per_subject',
  });
});

test.each([
  [{ url: 'https://example.com/other' }],
  [{ description: 'other' }],
  [{ eventTypes: ['presence.*'] }],
  [{ filters: {} }],
  [{ headers: {} }],
  [{ authentication: null }],
  [{ timeoutMs: null }],
  [{ ratePerSecond: 7 }],
  [{ concurrency: null }],
  [{ ordering: 'none' }],
  [{ payloadVersion: '2026-11-28' }],
  [{ bodyFormat: 'standard_webhooks' }],
  [{}],
])('a patch of %j changes that and nothing else', async (patch) => {
  const made = await make(wishes);
  const changed = await store.change(app, made.endpointId, endpointPatchSchema.parse(patch));
  expect(changed).toEqual({ ...made, ...patch });
  expect(await store.get(app, made.endpointId)).toEqual(changed);
  const [delivered] = await store.enabledOf([app]);
  if (!('authentication' in patch)) expect(delivered?.authentication, 'what is not shown is kept').toEqual(wishes.authentication);
});

test('credentials are sent to no other host than they were said for, unless they are said anew', async () => {
  const { endpointId } = await make(wishes);
  const url = 'https://example.org/hook';
  await expect(store.change(app, endpointId, { url })).rejects.toMatchObject({
    code: 'invalid_request',
    fields: [{ field: 'authentication' }],
  });
  await expect(store.change(app, endpointId, { url: 'https://example.com:8443/hook' })).rejects.toMatchObject({ code: 'invalid_request' });
  expect(await store.get(app, endpointId)).toMatchObject({ url: 'https://example.com/hook' });
  expect(await store.change(app, endpointId, { url, authentication: null })).toMatchObject({ url, authentication: null });
  expect(await store.change(app, endpointId, { url: 'https://example.net/' }), 'without any, anywhere').toMatchObject({
    authentication: null,
  });
});

test('changes of one endpoint at the same time are all kept', async () => {
  const { endpointId } = await make(wishes);
  await Promise.all([
    store.change(app, endpointId, { headers: { 'X-A': '1' } }),
    store.change(app, endpointId, { authentication: { type: 'bearer', token: 'tok_1' } }),
    store.change(app, endpointId, { description: 'both' }),
    store.rotate(app, endpointId, { overlapSeconds: 60 }),
  ]);
  const [delivered] = await store.enabledOf([app]);
  expect(delivered).toMatchObject({ headers: { 'X-A': '1' }, authentication: { type: 'bearer', token: 'tok_1' } });
  expect(delivered?.secrets).toHaveLength(2);
  expect(await store.get(app, endpointId)).toMatchObject({ description: 'both', ordering: 'strict' });
});

test('a secret is rotated with an overlap, to another kind as well, and at once where it must not be used any more', async () => {
  const made = await make();
  const secretsNow = async () => (await store.enabledOf([app]))[0]?.secrets.map(({ text, until }) => [text, until !== null]);
  const before = Date.now();
  const rotated = await store.rotate(app, made.endpointId, { overlapSeconds: 100 });
  expect(rotated.secret).not.toBe(made.secret);
  expect(await secretsNow()).toEqual([
    [rotated.secret, false],
    [made.secret, true],
  ]);
  const until = Date.parse(rotated.earlierSecretsUntil ?? '');
  expect(until).toBeGreaterThanOrEqual(before + 100_000);
  expect(until).toBeLessThan(Date.now() + 100_000);
  expect((await store.get(app, made.endpointId)).secret, 'shown once').toBeUndefined();
  const other = await store.rotate(app, made.endpointId, { overlapSeconds: 50, signature: 'v1a' });
  expect([other.secret, other.signature]).toEqual([undefined, 'v1a']);
  expect(Date.parse(other.earlierSecretsUntil ?? ''), 'the earlier ones end with the overlap, or before').toBeLessThan(Date.now() + 50_001);
  const leaked = await store.rotate(app, made.endpointId, { overlapSeconds: 0 });
  expect([leaked.signature, leaked.earlierSecretsUntil]).toEqual(['v1a', null]);
  expect((await secretsNow())?.length).toBe(1);
});

test('no more secrets sign at a time than a header has room for', async () => {
  const { endpointId } = await make();
  for (let time = 0; time < 4; time += 1) await store.rotate(app, endpointId, { overlapSeconds: 1000 });
  await expect(store.rotate(app, endpointId, { overlapSeconds: 1000 })).rejects.toMatchObject({ code: 'conflict' });
  await store.rotate(app, endpointId, { overlapSeconds: 0 });
  expect((await store.enabledOf([app]))[0]?.secrets).toHaveLength(1);
});

test('an endpoint that is disabled takes nothing until it is enabled, and says why', async () => {
  const { endpointId } = await make();
  expect(await store.stop(app, endpointId)).toMatchObject({ disabledAt: expect.any(String), disabledReason: 'disabled by request' });
  expect(await store.enabledOf([app])).toEqual([]);
  expect(await store.enabled(endpointId)).toBeUndefined();
  expect(await store.recipient(app, endpointId), 'it can be tried').toMatchObject({ endpointId });
  expect(await store.enable(app, endpointId)).toMatchObject({ disabledAt: null, disabledReason: null });
  expect(await store.enabledOf([app])).toHaveLength(1);
  await store.disable(endpointId, 'it answered 410 Gone');
  const stopped = await store.stop(app, endpointId);
  expect(stopped.disabledReason, 'the first reason stays').toBe('it answered 410 Gone');
});

test('of another app, or deleted, nothing is there', async () => {
  const { endpointId } = await make(wishes);
  const other = 'app-2' as AppId;
  const acts = (of: AppId) => [
    store.get(of, endpointId),
    store.recipient(of, endpointId),
    store.change(of, endpointId, { description: 'x' }),
    store.enable(of, endpointId),
    store.stop(of, endpointId),
    store.rotate(of, endpointId, { overlapSeconds: 0 }),
  ];
  const refusedAll = async (of: AppId) => {
    for (const result of await Promise.allSettled(acts(of)))
      expect(result).toMatchObject({ status: 'rejected', reason: { code: 'not_found' } });
  };
  await refusedAll(other);
  expect(await store.delete(other, endpointId)).toBe(false);
  expect(await store.delete(app, endpointId)).toBe(true);
  await refusedAll(app);
  const { rows } = await schema.query('SELECT sealed_secret, sealed_private FROM endpoints');
  expect(rows).toEqual([{ sealed_secret: Buffer.alloc(0), sealed_private: Buffer.alloc(0) }]);
});

test('an app has as many endpoints as it may, however many are made at the same time', async () => {
  const results = await Promise.allSettled(Array.from({ length: 8 }, () => make()));
  expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(3);
  for (const result of results) if (result.status === 'rejected') expect(result.reason).toMatchObject({ code: 'conflict' });
  expect(await store.list(app)).toHaveLength(3);
  expect(await make({}, 'app-2' as AppId), 'another app has room').toBeTruthy();
});
