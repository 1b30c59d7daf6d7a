import { Worker, workerData } from 'node:worker_threads';
import pg from 'pg';
import { directUrl, type MigrateOptions } from './migration-options.js';

/** What the thread is told that migrates. */
const order = 'migrate';
/** A database that does not answer by then is left to the migration, which waits for it. */
const patienceMs = 3000;

/** Whether this is the thread that only migrates. */
export const isMigrating = (): boolean => workerData === order;

/**
 * Brings a service's schema up to date. What migrates is read in, compiled and kept in memory by a thread that ends with it, and
 * only where something is to be done: a service that runs needs none of it, and it is 14 MB.
 * @param main the file the service was started from, which is run by the thread, too: it asks {@link isMigrating}.
 * @throws whatever the migration threw.
 */
export async function migrateApart(options: MigrateOptions, main: string): Promise<void> {
  if (await isUpToDate(options)) return;
  await new Promise<void>((resolve, reject) => {
    const thread = new Worker(main, { workerData: order });
    thread.once('error', reject);
    thread.once('exit', (code) => (code === 0 ? resolve() : reject(new Error(`migrating ended with code ${code}`))));
  });
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
