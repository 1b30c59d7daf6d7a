/* However many ends are on record, who asks what has ended since reads what he is told and no more. */
import { Fleet, rowsReadBy, TestSchema } from '@communication-center/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { directory } from '../migrations/1-directory.js';
import { ends } from '../migrations/10-ends.js';
import { ended } from './ends.js';

/** `ENDS=1000000` for as many as a busy Center revokes in months. */
const count = Number(process.env.ENDS ?? 50_000);
let schema: TestSchema;

beforeAll(async () => {
  schema = await TestSchema.migrated(new Fleet(), [directory, ends]);
  await schema.query(
    `INSERT INTO ends (sequence, at, ended)
     SELECT number, now() - make_interval(secs => ($1 - number) / 10.0), '{"what":"key","appId":"demo","keyId":"k"}' FROM generate_series(1, $1) AS number`,
    [count],
  );
  await schema.query('UPDATE end_count SET last = $1', [count]);
  await schema.analyze();
}, 120_000);
afterAll(() => schema.drop());

const readFor = (query: { since?: number; seconds: number }) => rowsReadBy(schema, (sql) => ended(sql as never, query));

test.each([
  ['has heard of all', { since: count, seconds: 0 }, 5],
  ['lacks ten', { since: count - 10, seconds: 0 }, 30],
  ['lacks a thousand, and is told the first of them', { since: count - 1000, seconds: 0 }, 1100],
  ['asks for the first time what ended in the last minute', { seconds: 60 }, 1300],
  ['asks for the first time', { seconds: 0 }, 5],
])('who %s reads no more than that', async (_who, query, most) => {
  const read = await readFor(query);
  expect(read.wholeTables).not.toContain('ends');
  expect(read.rows).toBeLessThanOrEqual(most);
});
