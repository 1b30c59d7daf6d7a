import type { MigrationInterface, QueryRunner } from 'typeorm';

export type Migration = new () => MigrationInterface;

/**
 * Makes a migration of plain SQL statements, run in one transaction. Each waits for a table's lock as long as requests can be
 * kept waiting behind it; when it does not get it, all is tried again.
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
 * Makes a migration of indexes on tables that are in use: written to while they are built, for however long that takes.
 * An index that an earlier try left half built is built anew.
 * @param name ends with the 13-digit time that orders it.
 * @param indexes what follows CREATE INDEX CONCURRENTLY and the name: `ON calls (app_id)`.
 */
export function concurrentIndexes(name: string, indexes: Readonly<Record<string, string>>): Migration {
  return class implements MigrationInterface {
    name = name;
    readonly transaction = false;

    async up(runner: QueryRunner): Promise<void> {
      // It waits for transactions that see the table as it was, but keeps nobody else waiting.
      const [{ lock_timeout: usual }] = await runner.query('SHOW lock_timeout');
      await runner.query('SET lock_timeout = 0');
      try {
        for (const [index, definition] of Object.entries(indexes)) await build(runner, index, definition);
      } finally {
        await runner.query(`SET lock_timeout = '${usual}'`);
      }
    }

    async down(): Promise<void> {
      throw new Error(`${name} only goes forward: drop the indexes by hand`);
    }
  };
}

async function build(runner: QueryRunner, index: string, definition: string): Promise<void> {
  const found: { indisvalid: boolean }[] = await runner.query('SELECT indisvalid FROM pg_index WHERE indexrelid = to_regclass($1)', [
    index,
  ]);
  if (found[0]?.indisvalid) return;
  if (found[0]) await runner.query(`DROP INDEX CONCURRENTLY ${index}`);
  await runner.query(`CREATE INDEX CONCURRENTLY ${index} ${definition}`);
}
