/*
 * What an app's users come to is counted with whatever writes them, also by many at once, and what would make it more than it may is refused;
 * what makes it less never is. It is counted by the rows of the app alone, however many apps there are.
 */
import type { AppId } from '@communication-center/contracts';
import { Fleet, rowsReadBy, TestSchema } from '@communication-center/testing';
import fc from 'fast-check';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { directory } from '../migrations/1-directory.js';
import { appStates } from '../migrations/13-app-states.js';
import { groups } from '../migrations/14-groups.js';
import { storedBytes } from '../migrations/16-stored-bytes.js';
import { bytesStored, tellingOfFullStorage } from './stored-bytes.js';

/** `MANY_ROWS=1000000` for 62,500 apps. */
const count = Number(process.env.MANY_ROWS ?? 50_000);
const demo = 'demo' as AppId;
let schema: TestSchema;

beforeAll(async () => {
  schema = await TestSchema.migrated(new Fleet(), [directory, appStates, groups] as never);
  await schema.query(
    "INSERT INTO apps (app_id, name, trusts_bare_alias, options, sequence) VALUES ('demo', '', false, '{}', 1), ('old', '', false, '{}', 1)",
  );
  await schema.query("INSERT INTO users (app_id, user_alias, name, sequence, groups) VALUES ('old', 'ann', 'Änn', 1, ARRAY['a', 'bc'])");
  await new storedBytes().up({ query: async (text: string) => (await schema.query(text)).rows } as never);
}, 120_000);
afterAll(() => schema.drop());
beforeEach(async () => {
  await schema.query("DELETE FROM users WHERE app_id = 'demo'");
  await mayStore(null);
});

const mayStore = (bytes: number | null) =>
  schema.query("UPDATE apps SET options = $1 WHERE app_id = 'demo'", [
    JSON.stringify(bytes === null ? {} : { limits: { storedBytes: bytes } }),
  ]);
const save = (alias: string, name: string | null, sql: Pick<TestSchema, 'query'> = schema) =>
  tellingOfFullStorage(() =>
    sql.query(
      `INSERT INTO users (app_id, user_alias, name, sequence) VALUES ('demo', $1, $2, 1)
       ON CONFLICT (app_id, user_alias) DO UPDATE SET name = excluded.name, sequence = users.sequence + 1`,
      [alias, name],
    ),
  );
const stored = () => bytesStored(schema as never, demo);
const counted = async () =>
  Number(
    (
      await schema.query<{ bytes: string }>(
        "SELECT coalesce(sum(bytes_of(user_alias, name, picture, email, phone, locale, groups)), 0) AS bytes FROM users WHERE app_id = 'demo'",
      )
    ).rows[0]?.bytes,
  );

test('what was there before is counted once, in bytes of UTF-8', async () => {
  expect(await bytesStored(schema as never, 'old' as AppId)).toBe(64 + 3 + 4 + 4);
});

test('whatever is written, the count is what the users come to', async () => {
  const step = fc.record({ alias: fc.nat(5), name: fc.option(fc.string({ maxLength: 50, unit: 'grapheme' })), isGone: fc.boolean() });
  await fc.assert(
    fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 12 }), async (steps) => {
      for (const { alias, name, isGone } of steps) {
        if (isGone) await schema.query("DELETE FROM users WHERE app_id = 'demo' AND user_alias = $1", [`user-${alias}`]);
        else await save(`user-${alias}`, name?.replaceAll('\0', '') ?? null);
      }
      expect(await stored()).toBe(await counted());
    }),
    { numRuns: 30 },
  );
});

test('many who write at once are all counted', async () => {
  await Promise.all(Array.from({ length: 120 }, (_, n) => save(`user-${n % 40}`, 'x'.repeat(n))));
  expect(await stored()).toBe(await counted());
});

test('what would be too much is refused, and changes nothing; what makes it less is not', async () => {
  await mayStore(1000);
  await save('ann', 'x'.repeat(800));
  await expect(save('bob', 'x'.repeat(200))).rejects.toMatchObject({ code: 'storage_full' });
  await expect(save('ann', 'x'.repeat(1000))).rejects.toMatchObject({ code: 'storage_full' });
  expect(await stored()).toBe(64 + 3 + 800);
  await mayStore(500);
  await save('ann', 'x'.repeat(700));
  await save('ann', null);
  await save('bob', 'x'.repeat(200));
  expect(await stored()).toBe(64 + 3 + 64 + 3 + 200);
});

test('however many apps there are, a user is saved by the rows of its own', async () => {
  await schema.query(
    "INSERT INTO stored_bytes SELECT 'app-' || number / 16, number % 16, 1 FROM generate_series(0, $1::int - 1) AS number",
    [count],
  );
  await schema.analyze();
  const read = await rowsReadBy(schema, (sql) => save('ann', 'Ann', sql as never));
  expect(read.wholeTables.filter((table) => table === 'stored_bytes')).toEqual([]);
  expect(read.rows).toBeLessThan(60);
}, 60_000);
