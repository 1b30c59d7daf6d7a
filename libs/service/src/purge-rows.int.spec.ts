/*
 * What is over goes, by an index, a bounded number at a time, and one replica at a time; what is young, or not over, stays.
 */
import { Fleet, rowsReadBy, TestSchema } from '@communication-center/testing';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { purgeBatch, purgeOnce, purgeStatement } from './purge-rows.js';

const fleet = new Fleet();
const old = { table: 'visits', by: 'seen_at', keepSeconds: 3600, only: 'over' };
const errors: string[] = [];
const report = (error: unknown, doing: string) => void errors.push(`${doing}: ${error}`);
let schema: TestSchema;

beforeEach(async () => {
  errors.splice(0);
  schema = await TestSchema.make(fleet, [
    'CREATE TABLE visits (id int, seen_at timestamptz, over boolean)',
    'CREATE INDEX visits_seen ON visits (seen_at) WHERE over',
    'CREATE TABLE others (id int, seen_at timestamptz)',
    `INSERT INTO visits SELECT number, now() - interval '2 hours', number % 10 > 0 FROM generate_series(1, 40000) AS number`,
    `INSERT INTO visits SELECT number, now() - interval '1 minute', true FROM generate_series(1, 160000) AS number`,
    `INSERT INTO others SELECT number, now() - interval '2 hours' FROM generate_series(1, 10) AS number`,
  ]);
  await schema.analyze();
});

afterEach(() => schema.drop());

const counts = async () =>
  (
    await schema.query<{ young: string; kept: string; gone: string }>(
      `SELECT count(*) FILTER (WHERE seen_at > now() - interval '1 hour') AS young, count(*) FILTER (WHERE NOT over) AS kept,
            count(*) FILTER (WHERE over AND seen_at < now() - interval '1 hour') AS gone FROM visits`,
    )
  ).rows[0];

test('a backlog of many batches goes in one round, and nothing else does', async () => {
  expect(await purgeOnce({ database: schema, purges: [old], report, goOn: () => true })).toEqual({ gone: 36_000, left: new Set() });
  expect(await counts()).toEqual({ young: '160000', kept: '4000', gone: '0' });
});

test('a batch reads no more than it deletes', async () => {
  const read = await rowsReadBy(schema, (sql) => sql.query(purgeStatement(old)));
  expect(read.wholeTables).toEqual([]);
  expect(read.rows).toBeLessThanOrEqual(2 * purgeBatch);
});

test('it stops when its time is used up, says what is left, and no table waits for another', async () => {
  let batches = 0;
  const purges = [old, { table: 'others', by: 'seen_at', keepSeconds: 3600 }, { table: 'missing', by: 'seen_at', keepSeconds: 1 }];
  const { left } = await purgeOnce({ database: schema, purges, report, goOn: () => ++batches <= 4 });
  expect(left).toEqual(new Set(['visits']));
  expect((await schema.query('SELECT 1 FROM others')).rows).toEqual([]);
  expect((await counts())?.gone).toBe(String(36_000 - 2 * purgeBatch));
  expect(errors).toHaveLength(1);
  expect(errors[0]).toContain('purging missing');
});

test('another replica at the same table, and a row that is being changed, are not waited for', async () => {
  const [other, changing] = [await schema.connect(), await schema.connect()];
  await other.query('BEGIN');
  await other.query(purgeStatement(old));
  const { rowCount } = await schema.query(purgeStatement(old));
  expect(rowCount).toBe(0);
  await other.query('ROLLBACK');
  await changing.query('BEGIN');
  await changing.query("UPDATE visits SET over = false WHERE id = 1 AND over AND seen_at < now() - interval '1 hour'");
  await purgeOnce({ database: schema, purges: [old], report, goOn: () => true });
  await changing.query('COMMIT');
  expect(await counts()).toEqual({ young: '160000', kept: '4001', gone: '0' });
  await Promise.all([other.end(), changing.end()]);
});
