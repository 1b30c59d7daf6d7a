/* However many apps were ever deleted, a look for new ones reads those that are not done and no more. */
import { Fleet, rowsReadBy, TestSchema } from '@communication-center/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { EraseApps, rowsOfApp } from './erase-apps.js';
import { erasedAppsByTime, erasedAppsTables } from './tables.js';

/** `MANY_ROWS=1000000` for what no Center has. */
const count = Number(process.env.MANY_ROWS ?? 50_000);
let schema: TestSchema;

beforeAll(async () => {
  const indexes = Object.entries(erasedAppsByTime).map(([name, definition]) => `CREATE INDEX ${name} ${definition}`);
  schema = await TestSchema.make(new Fleet(), [...erasedAppsTables, ...indexes, 'CREATE TABLE things (app_id text PRIMARY KEY)']);
  await schema.query(
    `INSERT INTO erased_apps SELECT 'app-' || number, now() - number * interval '1 second', CASE WHEN number > 3 THEN now() END
     FROM generate_series(1, ${count}) AS number`,
  );
  await schema.analyze();
}, 120_000);
afterAll(() => schema.drop());

test('a look reads a few rows', async () => {
  const asked: string[] = [];
  const directory = {
    ask: async (_endpoint: unknown, { query }: { query: { after: string } }) => {
      asked.push(query.after);
      return { apps: [{ appId: 'app-new', erasedAt: new Date().toISOString() }] };
    },
  };
  const read = await rowsReadBy(schema, async (sql) => {
    await new EraseApps(sql as never, directory as never, [rowsOfApp('things')], () => undefined).look();
  });
  expect(asked).toHaveLength(1);
  expect(read.wholeTables.filter((table) => table !== 'things')).toEqual([]);
  expect(read.rows).toBeLessThan(30);
});
