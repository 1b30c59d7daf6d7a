/*
 * A migration never keeps requests waiting for long: it gives up its place behind a lock, tries again, and says who is in its
 * way. Indexes on tables in use are built while they are written to.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Fleet, TestSchema } from '@communication-center/testing';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { migrate } from './migrate.js';
import { isUpToDate, migrateApart } from './migrate-apart.js';
import { concurrentIndexes, type Migration, sqlMigration } from './migrations.js';

const fleet = new Fleet();
const settings = {
  DATABASE_URL: fleet.state.servers.database,
  DATABASE_POOLER: 'none' as const,
  DATABASE_POOL: 1,
  DATABASE_READS_POOL: 1,
  DATABASE_LISTS_POOL: 1,
  DATABASE_CONSUMERS_POOL: 1,
  DATABASE_RELAY_POOL: 1,
  DATABASE_JOBS_POOL: 1,
};
const widen = sqlMigration('widen1700000000001', ['ALTER TABLE things ADD COLUMN name text']);
const index = concurrentIndexes('index1700000000002', { things_by_id: 'ON things (id)' });
let schema: TestSchema;
let warnings: string[];

beforeEach(async () => {
  schema = await TestSchema.make(fleet, ['CREATE TABLE things (id int)', 'INSERT INTO things SELECT generate_series(1, 1000)']);
  warnings = [];
});

afterEach(() => schema.drop());

const run = (migrations: Migration[], patienceMs?: number) =>
  migrate({
    settings,
    schema: schema.schema,
    migrations,
    warn: (message) => void warnings.push(message),
    ...(patienceMs !== undefined && { patienceMs }),
  });

async function holding(statement: string) {
  const holder = await schema.connect();
  await holder.query('BEGIN');
  await holder.query(statement);
  return holder;
}

const columns = async () =>
  (
    await schema.query<{ name: string }>(
      "SELECT attname AS name FROM pg_attribute WHERE attrelid = to_regclass('things') AND attnum > 0 AND NOT attisdropped",
    )
  ).rows.map(({ name }) => name);

const isWarnedOf = (text: string) => expect.poll(() => warnings.join('\n'), { timeout: 15_000 }).toContain(text);

test('a migration that waits for a lock lets others pass, says who holds it, and goes on once it is free', async () => {
  const reader = await holding('SELECT count(*) FROM things');
  const migrating = run([widen]);
  // Behind the migration's wish for the whole table, this would wait as long as the migration does.
  await isWarnedOf('things is held by process');
  await schema.query('SELECT count(*) FROM things');
  expect(warnings.join()).toContain(`(${schema.schema}, idle in transaction for`);
  await reader.query('COMMIT');
  await reader.end();
  await migrating;
  expect(await columns()).toEqual(['id', 'name']);
});

test('a migration that does not get its lock in time fails with who holds it, and has changed nothing', async () => {
  const reader = await holding('SELECT count(*) FROM things');
  const early = sqlMigration('early1700000000000', ['CREATE TABLE others (id int)', 'ALTER TABLE things ADD COLUMN early int']);
  await expect(run([early, widen], 0)).rejects.toThrow(/did not get its lock: \S*things is held by process \d+/);
  await reader.end();
  expect(await columns()).toEqual(['id']);
  expect((await schema.query("SELECT to_regclass('others') AS others")).rows).toEqual([{ others: null }]);
});

test('an index is built while the table is written to, and waits for a writer without keeping others waiting', async () => {
  const writer = await holding('INSERT INTO things VALUES (0)');
  const migrating = run([index]);
  const isWaiting = async () =>
    (
      await schema.query(
        "SELECT FROM pg_stat_activity WHERE query LIKE 'CREATE INDEX CONCURRENTLY things_by_id%' AND wait_event_type = 'Lock'",
      )
    ).rows.length;
  await expect.poll(isWaiting, { timeout: 15_000 }).toBe(1);
  await schema.query('INSERT INTO things VALUES (-1)');
  await writer.query('COMMIT');
  await writer.end();
  await migrating;
  const { rows } = await schema.query("SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass('things_by_id')");
  expect(rows).toEqual([{ indisvalid: true }]);
});

test('an index that was left half built is built anew', async () => {
  await schema.query('INSERT INTO things VALUES (1)');
  await expect(schema.query('CREATE UNIQUE INDEX CONCURRENTLY things_by_id ON things (id)')).rejects.toThrow();
  await run([index]);
  const { rows } = await schema.query("SELECT indisvalid, indisunique FROM pg_index WHERE indexrelid = to_regclass('things_by_id')");
  expect(rows).toEqual([{ indisvalid: true, indisunique: false }]);
});

test('replicas that start together change the schema once, one after the other', async () => {
  await Promise.all([1, 2, 3].map(() => run([widen, index])));
  expect(await columns()).toEqual(['id', 'name']);
  expect((await schema.query('SELECT name FROM migrations ORDER BY id')).rows).toHaveLength(2);
});

test('a replica that stands still in the middle of a migration is replaced within 12 s, and keeps nothing locked', async () => {
  let letGo: (() => void) | undefined;
  const standing: Migration = class {
    name = 'widen1700000000001';

    async up(runner: { query(statement: string): Promise<unknown> }): Promise<void> {
      await runner.query('LOCK TABLE things IN ACCESS EXCLUSIVE MODE');
      await new Promise<void>((resolve) => {
        letGo = resolve;
      });
    }

    async down(): Promise<void> {}
  };
  // Its own start fails in the end: its supervisor starts it again.
  const first = run([standing]).catch(() => undefined);
  await expect.poll(() => letGo).toBeDefined();
  const began = Date.now();
  await run([widen]);
  expect(Date.now() - began).toBeLessThan(12_000);
  expect(await columns()).toContain('name');
  letGo?.();
  await first;
});

const upToDate = (migrations: Migration[], pooler: 'none' | 'transaction' = 'none') =>
  isUpToDate({ settings: { ...settings, DATABASE_POOLER: pooler }, schema: schema.schema, migrations, warn: () => undefined });

test('a schema is up to date when all its migrations have run; the roles behind a pooler are looked at each time', async () => {
  expect(await upToDate([widen])).toBe(false);
  await run([widen]);
  expect([await upToDate([widen]), await upToDate([widen], 'transaction'), await upToDate([widen, index])]).toEqual([true, false, false]);
  await run([widen, index]);
  expect(await upToDate([widen, index])).toBe(true);
});

describe('a process that only migrates', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'migrate-apart-'));
  });
  afterEach(() => rm(folder, { recursive: true }));

  /** @param main what it does, with `told` for what it was told. */
  async function apart(main: string): Promise<void> {
    const file = join(folder, 'main.mjs');
    await writeFile(file, `const told = process.argv[2];\n${main}`);
    await migrateApart({ settings, schema: schema.schema, migrations: [widen], warn: () => undefined }, file);
  }

  test('is told so, and is waited for', async () => {
    await apart("await new Promise((resolve) => setTimeout(resolve, 50)); process.exit(told === 'migrate' ? 0 : 3)");
    await expect(apart("process.exit(told === 'migrate' ? 3 : 0)")).rejects.toThrow('migrating ended with 3');
  });

  test('that was killed has not migrated', async () => {
    await expect(apart("process.kill(process.pid, 'SIGKILL')")).rejects.toThrow('migrating ended with SIGKILL');
  });

  test('is not begun where nothing is to be done', async () => {
    await run([widen]);
    await apart('process.exit(3)');
  });
});
