/*
 * Each kind of statement has connections of its own, with limits of its own, and a connection whose state is not known is never
 * used again.
 */
import { Fleet, TestSchema } from '@communication-center/testing';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { connectionKinds } from './connection-kinds.js';
import { Postgres } from './postgres.js';

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
let schema: TestSchema;
let database: Postgres;

beforeEach(async () => {
  schema = await TestSchema.make(fleet, ['CREATE TABLE things (id int PRIMARY KEY)']);
  database = new Postgres({ schema: schema.schema, settings, onError: () => undefined });
});

afterEach(async () => {
  await database.close();
  await schema.drop();
});

const pid = async () => (await database.query<{ pid: number }>('SELECT pg_backend_pid() AS pid')).rows[0]?.pid;
const setting = async (sql: Pick<Postgres, 'query'>, name: string) =>
  (await sql.query<{ value: string }>('SELECT current_setting($1) AS value', [name])).rows[0]?.value;

test('consumers that use every connection of theirs keep no command, read or purge waiting', async () => {
  let release: () => void = () => undefined;
  const held = new Promise<void>((resolve) => (release = resolve));
  const consuming = database.during('consumers', () =>
    database.transaction(async () => {
      await held;
      return 'consumed';
    }),
  );
  for (const kind of connectionKinds.filter((one) => one !== 'consumers')) await database.of(kind).query('SELECT 1');
  release();
  expect(await consuming).toBe('consumed');
});

test('whatever looks around now and then has one connection for all of it', async () => {
  const roomy = new Postgres({ schema: schema.schema, settings: { ...settings, DATABASE_JOBS_POOL: 2 }, onError: () => undefined });
  const backend = 'SELECT pg_backend_pid() AS pid, current_schema() AS schema FROM pg_sleep(0.05)';
  const seen = await Promise.all([
    ...Array.from({ length: 4 }, () => roomy.background.query(backend)),
    roomy.background.transaction((tx) => tx.query(backend)),
  ]);
  await roomy.close();
  expect(new Set(seen.map(({ rows }) => JSON.stringify(rows)))).toHaveProperty('size', 1);
  expect(seen[0]?.rows).toMatchObject([{ schema: schema.schema }]);
});

test('lists that use every connection of theirs keep no other read waiting, and end', async () => {
  const lists = [1, 2].map(() => database.of('lists').query('SELECT pg_sleep(30)'));
  const failures = Promise.all(
    lists.map((list) =>
      list.then(
        () => 'listed',
        () => 'ended',
      ),
    ),
  );
  const began = Date.now();
  await database.of('reads').query('SELECT 1');
  await database.of('commands').query('SELECT 1');
  expect(Date.now() - began).toBeLessThan(1000);
  expect(await failures).toEqual(['ended', 'ended']);
  expect(Date.now() - began).toBeLessThan(8000);
});

test('each kind has its limits, and everything notices a peer that is gone', async () => {
  const limits = await Promise.all(connectionKinds.map(async (kind) => [kind, await setting(database.of(kind), 'statement_timeout')]));
  expect(Object.fromEntries(limits)).toEqual({ commands: '5s', reads: '10s', lists: '5s', consumers: '20s', relay: '10s', jobs: '10min' });
  for (const kind of connectionKinds) {
    expect(await setting(database.of(kind), 'tcp_keepalives_idle'), kind).toBe('10');
    expect(await setting(database.of(kind), 'jit'), kind).toBe('off');
    expect(await setting(database.of(kind), 'lock_timeout'), kind).not.toBe('0');
    expect(await setting(database.of(kind), 'idle_in_transaction_session_timeout'), kind).not.toBe('0');
  }
  const own = await database.connect();
  expect(await setting(own, 'tcp_keepalives_idle')).toBe('3');
  expect(await setting(own, 'tcp_user_timeout')).toBe('6000');
  await own.end();
});

test('a refused statement leaves its connection in use, and nothing of its transaction', async () => {
  const before = await pid();
  await database.query('INSERT INTO things VALUES (1)');
  await expect(database.query('INSERT INTO things VALUES (1)')).rejects.toMatchObject({ code: '23505' });
  const twice = database.transaction(async (tx) => {
    await tx.query('INSERT INTO things VALUES (2)');
    await tx.query('INSERT INTO things VALUES (2)');
  });
  await expect(twice).rejects.toMatchObject({ code: '23505' });
  expect((await database.query('SELECT id FROM things')).rows).toEqual([{ id: 1 }]);
  expect(await pid()).toBe(before);
});

test('the last statement is committed with it, and where it fails nothing stays', async () => {
  const before = await pid();
  const answer = await database.transaction(async (tx) => {
    await tx.query('INSERT INTO things VALUES (1)');
    const { rows } = await tx.last('SELECT count(*)::int AS count FROM things');
    await expect(tx.query('SELECT 1')).rejects.toThrow('last statement');
    return rows;
  });
  expect(answer).toEqual([{ count: 1 }]);
  const twice = database.transaction(async (tx) => {
    await tx.query('INSERT INTO things VALUES (2)');
    await tx.last('INSERT INTO things VALUES (2)');
  });
  await expect(twice).rejects.toMatchObject({ code: '23505' });
  expect((await database.query('SELECT id FROM things')).rows).toEqual([{ id: 1 }]);
  expect(await pid()).toBe(before);
});

test('a statement asked alone is committed by itself, before any transaction, which may begin after it', async () => {
  const before = await pid();
  await database.transaction(async (tx) => {
    await tx.alone('INSERT INTO things VALUES (1)');
    await expect(tx.alone('INSERT INTO things VALUES (1)')).rejects.toMatchObject({ code: '23505' });
    await tx.query('INSERT INTO things VALUES (2)');
    await expect(tx.alone('SELECT 1')).rejects.toThrow('has begun');
  });
  const failed = database.transaction(async (tx) => {
    await tx.alone('INSERT INTO things VALUES (3)');
    throw new Error('nothing of the transaction stays');
  });
  await expect(failed).rejects.toThrow('nothing of the transaction stays');
  expect((await database.query('SELECT id FROM things ORDER BY id')).rows).toEqual([{ id: 1 }, { id: 2 }, { id: 3 }]);
  expect(await pid()).toBe(before);
});

test('a connection that is lost at a statement asked alone is not used again', async () => {
  const before = await pid();
  const lost = database.transaction((tx) => tx.alone('SELECT pg_terminate_backend(pg_backend_pid())'));
  await expect(lost).rejects.toThrow();
  expect(await pid()).not.toBe(before);
});

test('what is refused only by the commit is a failure of the transaction', async () => {
  await database.query('CREATE TABLE later (id int UNIQUE DEFERRABLE INITIALLY DEFERRED)');
  const twice = database.transaction(async (tx) => {
    await tx.query('INSERT INTO later VALUES (1)');
    await tx.last('INSERT INTO later VALUES (1)');
  });
  await expect(twice).rejects.toMatchObject({ code: '23505' });
  expect((await database.query('SELECT id FROM later')).rows).toEqual([]);
});

test('a transaction that asks nothing, and one whose connection is lost at its last statement', async () => {
  await expect(database.transaction(async () => 'nothing')).resolves.toBe('nothing');
  const lost = database.transaction(async (tx) => {
    await tx.query('INSERT INTO things VALUES (3)');
    await tx.last('SELECT pg_terminate_backend(pg_backend_pid())');
  });
  await expect(lost).rejects.toThrow();
  expect((await database.query('SELECT id FROM things')).rows).toEqual([]);
});

test('a connection that was lost in a transaction is not used again', async () => {
  const before = await pid();
  const lost = database.transaction(async (tx) => {
    await schema.query('SELECT pg_terminate_backend($1)', [before]);
    await tx.query('SELECT 1');
  });
  await expect(lost).rejects.toThrow();
  const after = await pid();
  expect(after).toBeDefined();
  expect(after).not.toBe(before);
});

test('a transaction whose process stands still loses its locks', async () => {
  await database.of('jobs').query('INSERT INTO things VALUES (1)');
  const standing = database.transaction(async (tx) => {
    await tx.query("SET LOCAL idle_in_transaction_session_timeout = '200ms'");
    await tx.query('SELECT FROM things WHERE id = 1 FOR UPDATE');
    await database.of('jobs').query('SELECT FROM things WHERE id = 1 FOR UPDATE');
    await tx.query('SELECT 1');
  });
  await expect(standing).rejects.toThrow();
  expect((await database.query('SELECT id FROM things')).rows).toEqual([{ id: 1 }]);
});
