/*
 * What waits to be published is told to operators: how much, and for how long; and where nobody knows, that nobody does.
 */
import { eventLogTables, outboxFunctions, outboxTables } from '@communication-center/event-log';
import { Fleet, TestSchema } from '@communication-center/testing';
import { register } from 'prom-client';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readOutbox, tellOutbox } from './outbox-figures.js';

const fleet = new Fleet();
let schema: TestSchema;

beforeAll(async () => {
  schema = await TestSchema.make(fleet, [...eventLogTables, ...outboxTables, ...outboxFunctions]);
});
afterAll(() => schema.drop());

const figureOf = async (name: string) => (await register.getSingleMetric(name)?.get())?.values[0]?.value;

test('an outbox tells how many events wait in it, and how long the oldest has', async () => {
  expect(await readOutbox(schema)).toEqual({ oldestMs: 0, rows: 0 });
  await schema.query(
    `INSERT INTO outbox (topic, partition, key, event, created_at)
     SELECT 'calls.events', number % 3, number::text, '{}', now() - make_interval(secs => number) FROM generate_series(1, 60) AS number`,
  );
  const { oldestMs, rows } = await readOutbox(schema);
  expect(rows).toBe(60);
  // Of each partition the one that was written first counts, which is the first to be published.
  expect(oldestMs).toBeGreaterThanOrEqual(3000);
});

test('Prometheus is told the same, and of a database that does not answer that nobody knows', async () => {
  let isAway = false;
  tellOutbox({ query: (text, values) => (isAway ? Promise.reject(new Error('away')) : schema.query(text, values)) });
  // Gauges are filled when the metrics are asked for.
  await register.metrics();
  expect([await figureOf('outbox_rows'), Number(await figureOf('outbox_oldest_seconds')) >= 3]).toEqual([60, true]);
  isAway = true;
  await register.metrics();
  expect([await figureOf('outbox_rows'), await figureOf('outbox_oldest_seconds')]).toEqual([Number.NaN, Number.NaN]);
});
