import { fork } from 'node:child_process';
import pg from 'pg';
import { directUrl, type MigrateOptions } from './migration-options.js';

/** What the process is told that only migrates. */
const order = 'migrate';
/** A database that does not answer by then is left to the migration, which waits for it. */
const patienceMs = 3000;

/** Whether this is the process that only migrates. */
export const isMigrating = (): boolean => process.argv[2] === order && process.send !== undefined;

/**
 * Brings a service's schema up to date. What migrates is read in, compiled and kept in memory by a process of its own, and only
 * where something is to be done: a service that runs needs none of it, and it is 14 MB.
 * @param main the file the service was started from, which is run by the other process, too: it asks {@link isMigrating}.
 * @throws Error when the other process fails; it has written why.
 */
export async function migrateApart(options: MigrateOptions, main: string): Promise<void> {
  if (await isUpToDate(options)) return;
  await new Promise<void>((resolve, reject) => {
    const migrating = fork(main, [order]);
    migrating.once('error', reject);
    migrating.once('exit', (code, signal) => (code === 0 ? resolve() : reject(new Error(`migrating ended with ${code ?? signal}`))));
  });
}

/** Runs the work of a process that only migrates, which ends with it, or with the service that waits for it, and whose code tells whether it is done. */
export async function endWith(work: () => Promise<void>, onError: (error: unknown) => void): Promise<void> {
  process.once('disconnect', () => process.exit(1));
  try {
    await work();
    process.exit(0);
  } catch (error) {
    onError(error);
    process.exit(1);
  }
}

/** @returns whether it is certain that nothing is to be done. */
export async function isUpToDate({ settings, schema, migrations }: MigrateOptions): Promise<boolean> {
  // Whether the roles behind a pooler are as they should be is looked at each time.
  if (settings.DATABASE_POOLER === 'transaction') return false;
  const client = new pg.Client({
    connectionString: directUrl(settings),
    application_name: `communication-center ${schema} migration`,
    connectionTimeoutMillis: patienceMs,
    query_timeout: patienceMs,
  });
  client.on('error', () => undefined);
  try {
    await client.connect();
    const { rows } = await client.query<{ name: string }>(`SELECT name FROM ${schema}.migrations`);
    const done = new Set(rows.map(({ name }) => name));
    return migrations.every((Migration) => done.has(new Migration().name ?? Migration.name));
  } catch {
    return false;
  } finally {
    await client.end().catch(() => undefined);
  }
}
