import { setTimeout as sleep } from 'node:timers/promises';
import { isInfrastructureFailure } from '@communication-center/event-log';
import pg from 'pg';
import { DataSource, MigrationExecutor, type QueryRunner } from 'typeorm';
import { startUpOptions } from './connection-kinds.js';
import { ensureRoles } from './database-roles.js';
import { LockWatch } from './lock-watch.js';
import { directUrl, type MigrateOptions } from './migration-options.js';

/** Says who holds what a migration needs. */
class LockedError extends Error {}

/** How long requests may queue behind a migration that waits for their table. */
const lockTimeoutMs = 2000;
const startPatienceMs = 60_000;
/** Longer than anything that is done between two statements of a migration. */
const idleMs = 8000;

/**
 * Brings a service's schema up to date, and makes the roles that its pooled connections sign in as where they go through a
 * pooler. Replicas that start together do it one after the other. Waits up to a minute for a database that is not up yet.
 * @throws Error that names the table and who holds it, when a migration does not get its locks in time.
 */
export async function migrate(options: MigrateOptions): Promise<void> {
  const deadline = Date.now() + startPatienceMs;
  for (;;) {
    const source = dataSource(options);
    try {
      await source.initialize();
      await migrateUnderLock(source, options);
      return;
    } catch (error) {
      if (error instanceof LockedError || !isInfrastructureFailure(error) || Date.now() > deadline) throw error;
      await sleep(500 + Math.random() * 500);
    } finally {
      if (source.isInitialized) await source.destroy();
    }
  }
}

function dataSource({ settings, schema, migrations }: MigrateOptions): DataSource {
  const limits = startUpOptions({
    lock_timeout: String(lockTimeoutMs),
    statement_timeout: '0',
    // Whoever is frozen or gone gives up its turn, and what it has locked: between two statements pass milliseconds.
    idle_session_timeout: String(idleMs),
    idle_in_transaction_session_timeout: String(idleMs),
    tcp_keepalives_idle: '3',
    tcp_keepalives_interval: '1',
    tcp_keepalives_count: '3',
  });
  return new DataSource({
    type: 'postgres',
    url: directUrl(settings),
    schema,
    migrations,
    migrationsTableName: 'migrations',
    extra: {
      options: `-c search_path=${schema} ${limits}`,
      application_name: `communication-center ${schema} migration`,
      max: 2,
      connectionTimeoutMillis: 3000,
      keepAlive: true,
    },
  });
}

/** The lock and the migrations share a connection: whoever loses one has lost both. */
async function migrateUnderLock(source: DataSource, options: MigrateOptions): Promise<void> {
  const runner = source.createQueryRunner();
  const { settings, schema } = options;
  try {
    await takeTurn(runner, options);
    await runner.query(`CREATE SCHEMA IF NOT EXISTS ${schema}`);
    await withLocks(runner, source, options);
    if (settings.DATABASE_POOLER === 'transaction')
      await ensureRoles(runner, { url: settings.DATABASE_URL, direct: directUrl(settings), schema });
    await runner.query('SELECT pg_advisory_unlock(hashtext($1))', [turnOf(schema)]);
  } finally {
    await runner.release();
  }
}

const turnOf = (schema: string) => `migrate ${schema}`;

/** Asks again and again: a statement that waited for the lock would hold up indexes that are built CONCURRENTLY under it. */
async function takeTurn(runner: QueryRunner, { schema, warn }: MigrateOptions): Promise<void> {
  for (let tries = 1; ; tries += 1) {
    const [{ mine }] = await runner.query('SELECT pg_try_advisory_lock(hashtext($1)) AS mine', [turnOf(schema)]);
    if (mine) return;
    if (tries % 40 === 0) warn(`another replica has been changing the schema of ${schema} for ${tries / 4} s`);
    await sleep(250);
  }
}

async function withLocks(
  runner: QueryRunner,
  source: DataSource,
  { settings, schema, warn, patienceMs = 300_000 }: MigrateOptions,
): Promise<void> {
  const deadline = Date.now() + patienceMs;
  const [{ pid }] = await runner.query('SELECT pg_backend_pid() AS pid');
  for (;;) {
    const watch = await LockWatch.start(directUrl(settings), pid);
    try {
      const executor = new MigrationExecutor(source, runner);
      executor.transaction = 'each';
      await executor.executePendingMigrations();
      return;
    } catch (error) {
      if (!isLockTimeout(error)) throw error;
      const message = `a migration of ${schema} did not get its lock: ${watch.found ?? 'nobody was seen holding it'}`;
      if (Date.now() > deadline) throw new LockedError(message, { cause: error });
      warn(`${message}; trying again`);
    } finally {
      await watch.stop();
    }
    await sleep(1000 + Math.random() * 1000);
  }
}

function isLockTimeout(error: unknown): boolean {
  const cause = error instanceof Error && 'driverError' in error ? error.driverError : error;
  return cause instanceof pg.DatabaseError && cause.code === '55P03';
}
