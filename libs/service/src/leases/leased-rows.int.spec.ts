/* Rows on a real PostgreSQL: each is had by one process at a time; who has it says so in time, or loses it; and who lost it changes nothing of it. */
import { eventually, Fleet, rowsReadBy, TestSchema } from '@communication-center/testing';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { LeasedRows } from './leased-rows.js';

const fleet = new Fleet();
const rows = new LeasedRows({ table: 'works', id: 'work_id', due: 'due_at', only: 'due_at IS NOT NULL', fence: 'run' });
let schema: TestSchema;

interface Work {
  work_id: string;
  run: number;
  progress: number;
}

beforeEach(async () => {
  schema = await TestSchema.make(fleet, [
    'CREATE TABLE works (work_id text PRIMARY KEY, due_at timestamptz, run int NOT NULL DEFAULT 0, progress int NOT NULL DEFAULT 0)',
    'CREATE INDEX works_due ON works (due_at) WHERE due_at IS NOT NULL',
    "INSERT INTO works (work_id, due_at) VALUES ('late', now() - interval '2 s'), ('later', now() - interval '1 s'), ('soon', now() + interval '1 h')",
    "INSERT INTO works (work_id) VALUES ('over')",
  ]);
});
afterEach(() => schema.drop());

const claimOf = ({ work_id: id, run: fence }: Work) => ({ id, fence });
async function claimed(): Promise<Work> {
  const [work] = await rows.claim<Work>(schema, 1, 60);
  if (!work) throw new Error('nothing is due');
  return work;
}

test('of many that claim at once each gets others, those that waited longest first', async () => {
  const all = await Promise.all([1, 2, 3, 4].map(() => rows.claim<Work>(schema, 1, 60)));
  expect(
    all
      .flat()
      .map(({ work_id, run }) => [work_id, run])
      .toSorted(),
  ).toEqual([
    ['late', 1],
    ['later', 1],
  ]);
  expect(await rows.claim(schema, 5, 60)).toEqual([]);
});

test('who renews in time keeps a row, and notes with it how far it is', async () => {
  const work = await claimed();
  expect(work.work_id).toBe('late');
  const also = { set: 'progress = $4', values: [7] };
  expect(await rows.renew<Work>(schema, claimOf(work), 60, also)).toMatchObject({ work_id: 'late', run: 1, progress: 7 });
  expect(await rows.renew(schema, claimOf(work), 60, also, 'SELECT progress * 2 AS twice FROM mine')).toEqual({ twice: 14 });
});

test('of one that says nothing another goes on, and the first changes nothing any more', async () => {
  const first = await claimed();
  await rows.renew(schema, claimOf(first), 0.05);
  const second = await eventually('it being due again', async () => (await rows.claim<Work>(schema, 5, 60)).find((one) => one.run === 2));
  expect(await rows.renew(schema, claimOf(first), 600)).toBeUndefined();
  await rows.release(schema, claimOf(first));
  expect(await rows.claim(schema, 5, 60), 'it is the second’s').toEqual([]);
  await rows.release(schema, claimOf(second));
  expect(await rows.claim<Work>(schema, 5, 60)).toMatchObject([{ work_id: 'late', run: 3 }]);
});

test('what is given back for later is due then, as if it was never claimed where that is said', async () => {
  const work = await claimed();
  await rows.release(schema, claimOf(work), 600, { set: 'run = run - 1, progress = $4', values: [3] });
  expect((await schema.query("SELECT run, progress FROM works WHERE work_id = 'late'")).rows).toEqual([{ run: 0, progress: 3 }]);
  await claimed();
  expect(await rows.nextIn(schema)).toBeGreaterThan(50_000);
});

test('what has come to its end is neither claimed, renewed nor given back', async () => {
  const work = await claimed();
  await schema.query('UPDATE works SET due_at = NULL');
  expect(await rows.renew(schema, claimOf(work), 60)).toBeUndefined();
  await rows.release(schema, claimOf(work));
  expect([await rows.claim(schema, 5, 60), await rows.nextIn(schema)]).toEqual([[], null]);
});

test('when the next is due is known, by the database’s clock', async () => {
  expect(await rows.nextIn(schema)).toBeLessThan(-1900);
  await rows.claim(schema, 5, 60);
  const next = await rows.nextIn(schema);
  expect(next).toBeGreaterThan(50_000);
  expect(next).toBeLessThanOrEqual(60_000);
});

test('however many rows there are, a claim, a renewal and the next are found by an index', async () => {
  await schema.query(
    `INSERT INTO works SELECT 'w' || number, CASE WHEN number % 100 = 0 THEN now() + interval '1 h' END FROM generate_series(1, 50000) AS number`,
  );
  await schema.analyze();
  const read = await rowsReadBy(schema, async (sql: never) => {
    const [work] = await rows.claim<Work>(sql, 1, 60);
    if (work) await rows.renew(sql, claimOf(work), 60);
    await rows.nextIn(sql);
  });
  expect(read.wholeTables).toEqual([]);
  expect(read.rows).toBeLessThan(20);
});
