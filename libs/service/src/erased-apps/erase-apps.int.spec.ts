/*
 * What a deleted app stored in a service goes, in batches, and nothing of another's; whoever is killed leaves the rest to the next;
 * what late events bring goes as well; and once all is done nobody looks again.
 */
import { Fleet, TestSchema } from '@communication-center/testing';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { EraseApps, erasedAtOnce, rowsOfApp } from './erase-apps.js';
import { erasedAppsTables } from './tables.js';

const fleet = new Fleet();
const count = 2500;
let schema: TestSchema;
let erased: { appId: string; erasedAt: string }[];
let asked: string[];

beforeEach(async () => {
  [erased, asked] = [[], []];
  schema = await TestSchema.make(fleet, [
    ...erasedAppsTables,
    'CREATE TABLE things (app_id text, number int, PRIMARY KEY (app_id, number))',
  ]);
  await schema.query(
    `INSERT INTO things SELECT app, number FROM unnest(ARRAY['gone', 'other']) AS app, generate_series(1, ${count}) AS number`,
  );
});
afterEach(() => schema.drop());

const directory = {
  ask: async (_endpoint: unknown, { query }: { query: { after: string } }) => {
    asked.push(query.after);
    return { apps: erased.filter(({ erasedAt }) => erasedAt > query.after) };
  },
};
const left = async (appId: string) => (await schema.query('SELECT FROM things WHERE app_id = $1', [appId])).rowCount;
const eraser = (query: unknown = schema.query.bind(schema)) =>
  new EraseApps({ query } as never, directory as never, [rowsOfApp('things')], () => undefined);

test('an app goes whole, in batches, and no other does', async () => {
  erased = [{ appId: 'gone', erasedAt: new Date().toISOString() }];
  const batches: (number | null)[] = [];
  const query = async (text: string, values?: unknown[]) => {
    const answer = await schema.query(text, values);
    if (text.startsWith('DELETE FROM things')) batches.push(answer.rowCount);
    return answer;
  };
  await eraser(query).look();
  expect(batches).toEqual([erasedAtOnce, erasedAtOnce, count - 2 * erasedAtOnce, 0]);
  expect([await left('gone'), await left('other')]).toEqual([0, count]);
});

test('whoever is killed in the middle leaves the rest to the next', async () => {
  erased = [{ appId: 'gone', erasedAt: new Date().toISOString() }];
  let deletes = 0;
  const query = async (text: string, values?: unknown[]) => {
    if (text.startsWith('DELETE FROM things') && ++deletes === 2) throw new Error('killed');
    return schema.query(text, values);
  };
  await expect(eraser(query).look()).rejects.toThrow('killed');
  expect(await left('gone')).toBe(count - erasedAtOnce);
  await eraser().look();
  expect(await left('gone')).toBe(0);
});

test('what comes late goes too, until an hour has passed; then it is done, and asked for no more', async () => {
  const erasedAt = new Date(Date.now() - 1000).toISOString();
  erased = [{ appId: 'gone', erasedAt }];
  await eraser().look();
  await schema.query("INSERT INTO things VALUES ('gone', 1)");
  await eraser().look();
  expect(await left('gone')).toBe(0);
  expect(asked.at(-1)).toBe(erasedAt);
  await schema.query("UPDATE erased_apps SET erased_at = now() - interval '2 hours'");
  await eraser().look();
  expect((await schema.query('SELECT FROM erased_apps WHERE done_at IS NOT NULL')).rowCount).toBe(1);
});

test('while nothing is stored of apps at all, nobody is asked', async () => {
  const asking = { everyMs: 1000, anything: 'SELECT 1 FROM things LIMIT 1' };
  const look = () => new EraseApps(schema as never, directory as never, [rowsOfApp('things')], () => undefined, asking).look();
  await look();
  expect(asked).toHaveLength(1);
  await schema.query('DELETE FROM things');
  await look();
  expect(asked).toHaveLength(1);
});
