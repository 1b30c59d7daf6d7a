/*
 * Behind a pooler in transaction mode, which lends a server's connection for one transaction and passes no start-up options on,
 * the role that signs in carries the schema and the limits. Run against pgbouncer.
 */
import { randomBytes } from 'node:crypto';
import { Fleet } from '@communication-center/testing';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { connectionKinds, roleOf } from './connection-kinds.js';
import { migrate } from './migrate.js';
import { sqlMigration } from './migrations.js';
import { Postgres } from './postgres.js';

const fleet = new Fleet();
const schema = `pooled_${randomBytes(4).toString('hex')}`;
const { database: direct, pooler } = fleet.state.servers;
const user = new URL(direct).username;
const settings = {
  DATABASE_URL: pooler ?? direct,
  DATABASE_DIRECT_URL: direct,
  DATABASE_POOLER: 'transaction' as const,
  DATABASE_POOL: 4,
  DATABASE_READS_POOL: 1,
  DATABASE_LISTS_POOL: 1,
  DATABASE_CONSUMERS_POOL: 1,
  DATABASE_RELAY_POOL: 1,
  DATABASE_JOBS_POOL: 1,
};
const migrations = [sqlMigration('things1700000000000', ['CREATE TABLE things (id int PRIMARY KEY)'])];
const bringUpToDate = () => migrate({ settings, schema, migrations, warn: () => undefined });
const database = new Postgres({ schema, settings, onError: () => undefined });
const rolesAsKept = () =>
  fleet.query<{ kept: string }>(
    'public',
    `SELECT rolname || rolpassword || (SELECT setconfig FROM pg_db_role_setting WHERE setrole = oid)::text AS kept
     FROM pg_authid WHERE rolname LIKE $1 ORDER BY rolname`,
    [`${user}_${schema}_%`],
  );

beforeAll(bringUpToDate);
afterAll(async () => {
  await database.close();
  await fleet.query('public', `DROP SCHEMA ${schema} CASCADE`);
  for (const kind of connectionKinds) await fleet.query('public', `DROP ROLE ${roleOf(user, schema, kind)}`);
});

test('the tests have a pooler', () => {
  expect(pooler).toBeDefined();
});

test('each kind of connection finds its schema and its limits, and acts as the owner', async () => {
  for (const kind of connectionKinds) {
    const { rows } = await database.of(kind).query(
      `SELECT session_user AS role, current_user AS acts_as, current_schema() AS schema, current_setting('statement_timeout') <> '0' AS bounded,
              current_setting('lock_timeout') <> '0' AS patient, current_setting('tcp_keepalives_idle') AS idle`,
    );
    expect(rows).toEqual([{ role: roleOf(user, schema, kind), acts_as: user, schema, bounded: true, patient: true, idle: '10' }]);
  }
});

test('transactions, parameters and many at once work as they do without a pooler', async () => {
  const numbers = Array.from({ length: 200 }, (_, index) => index);
  await Promise.all(
    numbers.map((number) =>
      database.transaction(async (tx) => {
        await tx.query('INSERT INTO things VALUES ($1)', [number]);
        if (number % 2) throw new Error('odd');
      }),
    ),
  ).catch(() => undefined);
  await Promise.allSettled(numbers.map((number) => database.query('SELECT $1::int', [number])));
  const { rows } = await database.query<{ odd: number; all: number }>(
    'SELECT count(*) FILTER (WHERE id % 2 = 1)::int AS odd, count(*)::int AS all FROM things',
  );
  expect(rows).toEqual([{ odd: 0, all: 100 }]);
});

test('a lock of a transaction ends with it, though its connection is used by many in turn and statements are sent ahead', async () => {
  const before = (await database.query('SELECT count(*)::int AS count FROM things')).rows;
  await Promise.all(
    Array.from({ length: 50 }, async (_, number) => {
      const failed = database.transaction(async (tx) => {
        const { rows } = await tx.query(`SELECT pg_try_advisory_xact_lock_shared(${number}) AS had`);
        expect(rows).toEqual([{ had: true }]);
        await tx.query('INSERT INTO things SELECT 1000 + $1::int', [number]);
        throw new Error('nothing is to stay');
      });
      await expect(failed).rejects.toThrow('nothing is to stay');
      await database.transaction(async (tx) => {
        const held = "SELECT count(*)::int AS held FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()";
        expect((await tx.last(held)).rows).toEqual([{ held: 0 }]);
      });
    }),
  );
  expect((await database.query('SELECT count(*)::int AS count FROM things')).rows).toEqual(before);
});

test('what one kind makes, every kind may use', async () => {
  await database.of('jobs').query('CREATE TABLE made (id int)');
  await database.of('commands').query('INSERT INTO made VALUES (1)');
  await database.of('consumers').query('TRUNCATE made');
  await database.of('relay').query('DROP TABLE made');
});

test('a connection of its own goes past the pooler, and may listen and hold locks', async () => {
  const own = await database.connect();
  const told = new Promise((resolve) => own.on('notification', resolve));
  await own.query('LISTEN news');
  await database.query("SELECT pg_notify('news', '')");
  await told;
  await own.end();
});

test('roles that are right are left alone; one with other settings or another password is put right', async () => {
  const before = await rolesAsKept();
  expect(before).toHaveLength(connectionKinds.length);
  await bringUpToDate();
  expect(await rolesAsKept()).toEqual(before);

  const role = roleOf(user, schema, 'reads');
  await fleet.query('public', `ALTER ROLE ${role} SET statement_timeout = 1`);
  await bringUpToDate();
  await fleet.query('public', `ALTER ROLE ${role} PASSWORD 'another'`);
  await bringUpToDate();
  const after = await rolesAsKept();
  const others = (roles: typeof before) => roles.filter(({ kept }) => !kept.startsWith(role));
  expect(others(after)).toEqual(others(before));
  await database.of('reads').query('SELECT 1');
});

test('a role that may not make roles is told what an administrator has to run', async () => {
  const plain = `plain_${schema}`;
  await fleet.query('public', `CREATE ROLE ${plain} LOGIN PASSWORD 'plain'`);
  await fleet.query('public', `GRANT CREATE ON DATABASE postgres TO ${plain}`);
  const url = new URL(direct);
  Object.assign(url, { username: plain, password: 'plain' });
  const tried = migrate({
    settings: { ...settings, DATABASE_URL: url.href, DATABASE_DIRECT_URL: url.href },
    schema: plain,
    migrations,
    warn: () => undefined,
  });
  await expect(tried).rejects.toThrow(`CREATE ROLE "${plain}_${plain}_commands" LOGIN PASSWORD '<password>'`);
  await fleet.query('public', `DROP SCHEMA ${plain} CASCADE`);
  await fleet.query('public', `DROP OWNED BY ${plain}`);
  await fleet.query('public', `DROP ROLE ${plain}`);
});
