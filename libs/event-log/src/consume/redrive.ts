import { randomUUID } from 'node:crypto';
import type { KafkaMessage } from 'kafkajs';
import type { Database } from '../database.js';
import type { EventLog } from '../log/event-log.js';
import { readRange } from '../log/read-range.js';
import type { ParkedFor } from './dead-letters.js';
import { keyOf, storable, toParked } from './parked-message.js';

const stepSize = 50;
const leaseSeconds = 60;

export interface Redriven {
  log: EventLog;
  database: Database;
  group: string;
  topic: string;
  key: string;
  /** Handles one message. A repeat must find nothing to do. */
  handle: (message: KafkaMessage) => Promise<void>;
  /** Judges what `handle` threw, for the row that says why the key is parked; undefined leaves it as it was. */
  judge: (error: unknown) => ParkedFor | undefined;
}

/**
 * Handles a parked key's events anew, in order, and frees the key when all of them went well. What was handled is gone
 * after each step, so the next redrive goes on from where this one failed.
 *
 * The key is locked only to free it: until then its partition's owner puts what comes behind it, and waits for nobody.
 * One redrive of a key at a time, by a lease, so that one whose process dies holds it up for a minute.
 * @returns how many events were handled; 0 when the key is not parked.
 * @throws what `handle` throws: the key stays parked from that event on.
 */
export async function redrive(redriven: Redriven): Promise<number> {
  const key = storable(redriven.key);
  const name = [redriven.group, redriven.topic, key];
  const me = randomUUID();
  let handled = 0;
  for (;;) {
    if (!(await claim(redriven, name, me))) return handled;
    const messages = await nextMessages(redriven.database, name);
    if (messages.length === 0) {
      if (await free(redriven.database, name)) return handled;
      continue;
    }
    const { done, error } = await handleInOrder(messages, redriven.handle);
    await forget(redriven.database, name, done);
    handled += done.length;
    if (error !== undefined) {
      await release(redriven.database, name, redriven.judge(error));
      throw error;
    }
  }
}

/** @returns false when the key is not parked. @throws Error while somebody else redrives it. */
async function claim({ log, database, group, topic }: Redriven, name: readonly string[], me: string): Promise<boolean> {
  const { rows } = await database.query<{ dead_offset: string | null }>(
    `UPDATE parked_keys SET redriven_by = $4, redriven_until = now() + interval '${leaseSeconds} seconds'
     WHERE consumer_group = $1 AND topic = $2 AND key = $3 AND (redriven_by = $4 OR redriven_until IS NULL OR redriven_until < now())
     RETURNING dead_offset`,
    [...name, me],
  );
  const row = rows[0];
  if (row) {
    if (row.dead_offset !== null) await takeFromTopic(log, database, { group, topic, key: name[2] as string, from: row.dead_offset });
    return true;
  }
  const { rows: parked } = await database.query('SELECT 1 FROM parked_keys WHERE consumer_group = $1 AND topic = $2 AND key = $3', [
    ...name,
  ]);
  if (parked.length > 0) throw new Error(`Key ${name[2]} is being redriven already`);
  return false;
}

async function nextMessages(database: Database, name: readonly string[]): Promise<KafkaMessage[]> {
  const { rows } = await database.query<{ source_offset: string; value: Buffer | null; headers: Record<string, string> }>(
    `SELECT source_offset, value, headers FROM parked_events WHERE consumer_group = $1 AND topic = $2 AND key = $3
     ORDER BY source_offset LIMIT ${stepSize}`,
    [...name],
  );
  const key = Buffer.from(name[2] as string);
  return rows.map(({ source_offset, value, headers }) => ({ key, value, headers, offset: source_offset, timestamp: '0', attributes: 0 }));
}

async function handleInOrder(
  messages: readonly KafkaMessage[],
  handle: (message: KafkaMessage) => Promise<void>,
): Promise<{ done: string[]; error?: unknown }> {
  const done: string[] = [];
  for (const message of messages) {
    try {
      await handle(message);
    } catch (error) {
      return { done, error: error ?? new Error('failed without an error') };
    }
    done.push(message.offset);
  }
  return { done };
}

async function forget(database: Database, name: readonly string[], offsets: readonly string[]): Promise<void> {
  if (offsets.length === 0) return;
  await database.query('DELETE FROM parked_events WHERE consumer_group = $1 AND topic = $2 AND key = $3 AND source_offset = ANY($4)', [
    ...name,
    offsets,
  ]);
}

/** @returns false when something was put behind the key meanwhile. */
async function free(database: Database, name: readonly string[]): Promise<boolean> {
  return database.transaction(async (tx) => {
    // First the lock, then a statement that sees what was committed before it was had.
    await tx.query('SELECT 1 FROM parked_keys WHERE consumer_group = $1 AND topic = $2 AND key = $3 FOR UPDATE', [...name]);
    const { rows } = await tx.query('SELECT 1 FROM parked_events WHERE consumer_group = $1 AND topic = $2 AND key = $3 LIMIT 1', [...name]);
    if (rows.length > 0) return false;
    await tx.query('DELETE FROM parked_keys WHERE consumer_group = $1 AND topic = $2 AND key = $3', [...name]);
    return true;
  });
}

async function release(database: Database, name: readonly string[], why: ParkedFor | undefined): Promise<void> {
  await database.query(
    'UPDATE parked_keys SET redriven_by = NULL, redriven_until = NULL WHERE consumer_group = $1 AND topic = $2 AND key = $3',
    [...name],
  );
  if (!why) return;
  await database.query(
    'UPDATE parked_keys SET kind = $4, reason = $5, event_type = $6, dataversion = $7 WHERE consumer_group = $1 AND topic = $2 AND key = $3',
    [...name, why.kind, storable(why.reason.slice(0, 2000)), why.newer?.type ?? null, why.newer?.dataversion ?? null],
  );
}

/** Brings a key's events over from the dead-letter topic in which an older release put them. */
async function takeFromTopic(
  log: EventLog,
  database: Database,
  { group, topic, key, from }: { group: string; topic: string; key: string; from: string },
): Promise<void> {
  await readRange(log, `${topic}.dead.${group}`, { from: { 0: from } }, async (messages) => {
    for (const { message } of messages) {
      if (keyOf(message) !== key) continue;
      const { value, headers } = toParked(message);
      await database.query(
        `INSERT INTO parked_events (consumer_group, topic, key, source_offset, value, headers) VALUES ($1, $2, $3, $4, $5, $6)
         ON CONFLICT DO NOTHING`,
        [group, topic, key, String(headers['dead-letter-offset']), value, JSON.stringify(headers)],
      );
    }
  });
  await database.query('UPDATE parked_keys SET dead_offset = NULL WHERE consumer_group = $1 AND topic = $2 AND key = $3', [
    group,
    topic,
    key,
  ]);
}
