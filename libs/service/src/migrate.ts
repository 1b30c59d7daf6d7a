import { setTimeout as sleep } from 'node:timers/promises';
import { isInfrastructureFailure } from '@communication-center/event-log';
import { DataSource, type MigrationInterface, type QueryRunner } from 'typeorm';

export type Migration = new () => MigrationInterface;

/**
 * Makes a migration of plain SQL statements, run in one transaction.
 * @param name ends with the 13-digit time that orders it.
 */
export function sqlMigration(name: string, statements: readonly string[]): Migration {
  return class implements MigrationInterface {
    name = name;

    async up(runner: QueryRunner): Promise<void> {
      for (const statement of statements) await runner.query(statement);
    }

    async down(): Promise<void> {
      throw new Error(`${name} only goes forward: restore a backup instead`);
    }
  };
}

/**
 * Brings a service's schema up to date. Replicas that start together do it one after the other.
 * Waits up to a minute for a database that is not up yet.
 */
export async function migrate(url: string, schema: string, migrations: Migration[]): Promise<void> {
  const deadline = Date.now() + 60_000;
  for (;;) {
    const source = new DataSource({
      type: 'postgres',
      url,
      schema,
      migrations,
      migrationsTableName: 'migrations',
      extra: { options: `-c search_path=${schema}`, max: 2, connectionTimeoutMillis: 3000 },
    });
    try {
      await source.initialize();
      await migrateUnderLock(source, schema);
      return;
    } catch (error) {
      if (!isInfrastructureFailure(error) || Date.now() > deadline) throw error;
      await sleep(500 + Math.random() * 500);
    } finally {
      if (source.isInitialized) await source.destroy();
    }
  }
}

async function migrateUnderLock(source: DataSource, schema: string): Promise<void> {
  const lock = source.createQueryRunner();
  try {
    await lock.query('SELECT pg_advisory_lock(hashtext($1))', [`migrate ${schema}`]);
    await lock.query(`CREATE SCHEMA IF NOT EXISTS ${schema}`);
    await source.runMigrations({ transaction: 'each' });
    await lock.query('SELECT pg_advisory_unlock(hashtext($1))', [`migrate ${schema}`]);
  } finally {
    await lock.release();
  }
}
