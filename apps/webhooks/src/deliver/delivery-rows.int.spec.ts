/*
 * An attempt is made by one, and how it went is on record together with what comes of its delivery.
 */
import { Fleet, TestSchema } from '@communication-center/testing';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { migrations } from '../migrations/index.js';
import { claimAttempt, findDue, firstEndpoint, giveUp, readWaiting, recordAttempt, writeDeliveries } from './delivery-rows.js';

const fleet = new Fleet();
const [endpointId, deliveryId, eventId] = [1, 2, 3].map((digit) => `00000000-0000-7000-8000-00000000000${digit}`) as [
  string,
  string,
  string,
];
let schema: TestSchema;

beforeEach(async () => {
  schema = await TestSchema.migrated(fleet, migrations);
  await schema.query(
    `INSERT INTO endpoints (endpoint_id, app_id, url, description, event_types, sealed_secret)
     VALUES ($1, 'app', 'https://example.com', '', '{call.*}', '')`,
    [endpointId],
  );
  const delivery = {
    deliveryId,
    endpointId,
    appId: 'app' as never,
    eventId,
    eventType: 'call.ended',
    key: 'call',
    body: '{}',
    traceparent: undefined,
  };
  expect([...(await writeDeliveries(schema, [delivery], 20))]).toEqual([deliveryId]);
  expect((await writeDeliveries(schema, [delivery], 20)).size, 'a repeat writes nothing').toBe(0);
});

afterEach(() => schema.drop());

const row = async () => (await schema.query('SELECT state, attempts, next_attempt_at > now() AS waits FROM deliveries')).rows[0];
const attempts = async () => (await schema.query('SELECT attempt, status, error, duration_ms FROM attempts ORDER BY attempt')).rows;
const made = (attempt: number, status: number | null, error: string | null) => ({ deliveryId, attempt, status, error, durationMs: 5 });

test('of many who claim an attempt one has it', async () => {
  const claims = await Promise.all([1, 2, 3, 4].map(() => claimAttempt(schema, deliveryId, 0, 20)));
  expect(claims.filter((body) => body === '{}')).toHaveLength(1);
  expect(await row()).toMatchObject({ state: 'pending', attempts: 1, waits: true });
  expect(await readWaiting(schema, deliveryId, 0)).toBeUndefined();
});

test('an attempt that fails is on record and made again at its time; one that succeeds ends the delivery', async () => {
  await claimAttempt(schema, deliveryId, 0, 20);
  await recordAttempt(schema, made(1, 500, 'answered 500'), { delayMs: 60_000 });
  expect(await row()).toMatchObject({ state: 'pending', waits: true });
  expect((await findDue(schema, firstEndpoint, [])).due).toEqual([]);
  await schema.query("UPDATE deliveries SET next_attempt_at = now() - interval '1 second'");
  expect((await findDue(schema, firstEndpoint, [])).due).toEqual([{ deliveryId, endpointId, made: 1 }]);
  expect(await claimAttempt(schema, deliveryId, 1, 20)).toBe('{}');
  await recordAttempt(schema, made(2, 200, null), { state: 'delivered' });
  expect(await row()).toMatchObject({ state: 'delivered', waits: null });
  expect(await attempts()).toEqual([
    { attempt: 1, status: 500, error: 'answered 500', duration_ms: 5 },
    { attempt: 2, status: 200, error: null, duration_ms: 5 },
  ]);
  expect(await claimAttempt(schema, deliveryId, 2, 20)).toBeUndefined();
});

test('a delivery whose endpoint is gone is given up without an attempt', async () => {
  await giveUp(schema, deliveryId);
  expect(await row()).toMatchObject({ state: 'failed', waits: null });
  expect(await attempts()).toEqual([]);
});
