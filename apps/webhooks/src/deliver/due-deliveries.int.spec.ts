/*
 * Among hundreds of thousands of deliveries: one endpoint that hangs keeps nobody else's from being found, and no question
 * reads more than its answer.
 */
import { endpointBodySchema } from '@communication-center/contracts';
import { KeyRing } from '@communication-center/service';
import { Fleet, rowsReadBy, TestSchema } from '@communication-center/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { EndpointStore } from '../endpoints/endpoint-store.js';
import { migrations } from '../migrations/index.js';
import { newestDeliveries } from '../read-deliveries/deliveries.controller.js';
import { findDue, firstEndpoint } from './delivery-rows.js';

const fleet = new Fleet();
const [hanging, healthy] = ['00000000-0000-7000-8000-000000000001', '00000000-0000-7000-8000-000000000002'];
let schema: TestSchema;

beforeAll(async () => {
  schema = await TestSchema.migrated(fleet, migrations);
  await schema.query(
    `INSERT INTO endpoints (endpoint_id, app_id, url, description, event_types, sealed_secret)
     SELECT endpoint_id::uuid, 'app-' || number, 'https://example.com', '', '{}', '' FROM unnest($1::text[]) WITH ORDINALITY AS e(endpoint_id, number)`,
    [[hanging, healthy]],
  );
  await schema.query(
    `INSERT INTO endpoints (endpoint_id, app_id, url, description, event_types, sealed_secret, deleted_at, disabled_at)
     SELECT gen_random_uuid(), 'app-3', 'https://example.com', '', '{}', '', now(), now() FROM generate_series(1, 20000)`,
  );
  const write = (endpointId: string | undefined, app: string, count: number, state: string, due: string) =>
    schema.query(
      `INSERT INTO deliveries (delivery_id, endpoint_id, app_id, event_id, event_type, key, body, state, next_attempt_at, created_at)
       SELECT gen_random_uuid(), $1, $2, gen_random_uuid(), 'call.ended', 'call', '{}', $4, now() + $5::interval, now() - number * interval '1 second'
       FROM generate_series(1, $3::int) AS number`,
      [endpointId, app, count, state, due],
    );
  await write(hanging, 'app-1', 100_000, 'pending', '-1 hour');
  await write(hanging, 'app-1', 100_000, 'delivered', '0');
  await write(healthy, 'app-2', 5, 'pending', '-1 second');
  await write(healthy, 'app-2', 5, 'pending', '1 hour');
  await schema.analyze();
}, 60_000);

afterAll(() => schema.drop());

test('the first look finds all of a healthy endpoint, behind 100,000 of one that hangs', async () => {
  const { due, next } = await findDue(schema, firstEndpoint, []);
  expect(due.filter(({ endpointId }) => endpointId === healthy)).toHaveLength(5);
  expect(due.length).toBeLessThanOrEqual(505);
  expect(next).toBe(firstEndpoint);
});

test('an endpoint whose lane is full is passed over', async () => {
  const { due } = await findDue(schema, firstEndpoint, [hanging]);
  expect(due.map(({ endpointId }) => endpointId)).toEqual(Array.from({ length: 5 }, () => healthy));
});

test('looking reads no more than what it finds, and goes by an index', async () => {
  const looking = await rowsReadBy(schema, (sql) => findDue(sql, firstEndpoint, []));
  expect(looking.wholeTables).toEqual([]);
  expect(looking.rows).toBeLessThan(1000);
});

test('a page of deliveries, of an app or of one endpoint, reads its own rows alone', async () => {
  for (const [app, endpointId] of [
    ['app-1', undefined],
    ['app-1', hanging],
    ['app-2', healthy],
  ] as const) {
    const read = await rowsReadBy(schema, (sql) => newestDeliveries(sql, app as never, { endpointId, limit: 200 }));
    expect(read.wholeTables.filter((table) => table === 'deliveries')).toEqual([]);
    expect(read.rows).toBeLessThan(1000);
  }
  expect(await newestDeliveries(schema, 'app-2' as never, { endpointId: hanging, limit: 200 }), "another app's endpoint").toEqual([]);
});

test('whose endpoints want an event is found past 20,000 that were deleted', async () => {
  const settings = { SECRETS_KEY: new KeyRing([{ id: 'a', bytes: Buffer.alloc(32) }]), MAX_ENDPOINTS: 100 };
  const read = await rowsReadBy(schema, (sql) => new EndpointStore(sql as never, settings as never).enabledOf(['app-3' as never]));
  expect(read.rows).toBeLessThan(1000);
});

test('an app makes no more endpoints than it may; deleting one makes room, and erases its secret', async () => {
  const settings = { SECRETS_KEY: new KeyRing([{ id: 'a', bytes: Buffer.alloc(32) }]), MAX_ENDPOINTS: 1 };
  const store = new EndpointStore(schema as never, settings as never);
  const [app, body] = ['app-4' as never, endpointBodySchema.parse({ url: 'https://example.com' })];
  const { endpointId } = await store.make(app, body);
  await expect(store.make(app, body)).rejects.toMatchObject({ code: 'conflict' });
  expect(await store.delete(app, endpointId)).toBe(true);
  expect(await store.delete(app, endpointId)).toBe(false);
  expect(await store.enabled(endpointId)).toBeUndefined();
  await store.make(app, body);
  expect(await store.list(app)).toHaveLength(1);
  const { rows } = await schema.query<{ sealed_secret: Buffer }>('SELECT sealed_secret FROM endpoints WHERE endpoint_id = $1', [
    endpointId,
  ]);
  expect(rows[0]?.sealed_secret).toHaveLength(0);
});
