import { parseArgs } from 'node:util';
import { services } from '@communication-center/contracts/services';
import { compareStore, type Database, type OutboxEntry, Reconciler, type Stored, writeOutbox } from '@communication-center/event-log';
import { commonSettings, eventLogOf, Postgres, readSettings } from '@communication-center/service';
import { z } from 'zod';
import { repairIn } from '../read-calls/repair.js';

/*
 * Command: compares what is stored with what the topics hold, of a whole installation: every event of a call that was ever
 * stored, and of every service what it has published within the last hour. Settings as the services': DATABASE_*, KAFKA_*.
 *
 * --repair   gives what is missing to the outbox again: the services, which must run, publish it
 * Exits with 0 when nothing is missing, 1 when something is, 2 when it could not compare.
 */
const settingsSchema = z.object(commonSettings).omit({ IDENTITY_PRIVATE_JWK: true, IDENTITY_PUBLIC_JWKS: true });
/** Younger events may be on their way still. */
const settleSeconds = 60;

const { values } = parseArgs({ options: { repair: { type: 'boolean', default: false } } });
const settings = readSettings(settingsSchema, process.env);
const log = eventLogOf('check-log', settings, () => undefined);
const databases = new Map(services.map(({ name: schema }) => [schema, new Postgres({ schema, settings, onError: () => undefined })]));

/** @returns how many events the topic lacks. */
async function checkStore(database: Database): Promise<number> {
  const { missing, compared } = await compareStore({
    log,
    topic: 'calls.events',
    stored: (afterId, limit) => storedAfter(database, afterId, limit),
    onProgress: (so_far) => process.stderr.write(`\rcalls: ${so_far} stored events compared`),
  });
  process.stderr.write('\n');
  const lacking = await notWaiting(database, missing);
  console.log(`calls.events: ${compared} stored events compared, ${lacking.length} missing`);
  for (const { key, sequence, id } of lacking.slice(0, 100)) console.log(`  call ${key}, event ${sequence} (${id})`);
  if (values.repair) await repairCalls(database, lacking);
  return lacking.length;
}

async function storedAfter(database: Database, afterId: string, limit: number): Promise<Stored[]> {
  const { rows } = await database.query<Stored>(
    `SELECT event_id AS id, call_id AS key, version AS sequence FROM events
     WHERE event_id > $1 AND occurred_at < now() - make_interval(secs => $3) ORDER BY event_id LIMIT $2`,
    [afterId, limit, settleSeconds],
  );
  return rows;
}

/** Leaves out what waits in the outbox, and what no broker takes. */
async function notWaiting(database: Database, missing: readonly Stored[]): Promise<Stored[]> {
  if (missing.length === 0) return [];
  const { rows } = await database.query<{ id: string }>(
    `SELECT event->>'id' AS id FROM outbox WHERE topic = 'calls.events' UNION SELECT event->>'id' FROM unsendable WHERE topic = 'calls.events'`,
  );
  const waiting = new Set(rows.map(({ id }) => id));
  return missing.filter(({ id }) => !waiting.has(id));
}

async function repairCalls(database: Database, lacking: readonly Stored[]): Promise<void> {
  const read = repairIn(database);
  for (const { key, sequence } of lacking) {
    const events = await read(key, sequence - 1, sequence + 1);
    await writeOutbox(
      database,
      events.map((event) => ({ topic: 'calls.events' as const, key, event })),
    );
  }
}

/** @returns how much of what a service published within the last hour its topics lack, or hold in the wrong order. */
async function checkPublished(service: string, database: Database): Promise<number> {
  const { rows } = await database.query<{ isThere: boolean }>(`SELECT to_regclass('sent') IS NOT NULL AS "isThere"`);
  if (!rows[0]?.isThere) {
    console.log(`${service}: does not run here`);
    return 0;
  }
  const reconciler = new Reconciler({ log, database, fromStore: repairIn(database) });
  let missing = 0;
  try {
    const compared = await reconciler.compareAll(async (entries: OutboxEntry[]) => {
      missing += entries.length;
      for (const { topic, key, event } of entries.slice(0, 100)) console.log(`  ${topic} ${key}: ${event?.type ?? 'its end'}`);
      if (values.repair) await writeOutbox(database, entries);
    });
    console.log(`${service}: ${compared} published within the hour compared, ${missing} missing`);
    return missing;
  } finally {
    await reconciler.rest();
  }
}

try {
  let missing = await checkStore((databases.get('calls') as Postgres).of('jobs'));
  for (const [service, database] of databases) missing += await checkPublished(service, database.of('jobs'));
  if (missing > 0)
    console.log(values.repair ? `${missing} were given to the outbox again` : 'npm run check:log -- --repair sends them again');
  process.exitCode = missing > 0 ? 1 : 0;
} catch (error) {
  console.error(error instanceof Error ? error.message : error);
  process.exitCode = 2;
} finally {
  await Promise.all([...databases.values()].map((database) => database.close()));
}
