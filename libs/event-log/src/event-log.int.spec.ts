/*
 * On real Kafka and PostgreSQL: what has committed reaches every consumer, in order within its key, and takes effect once;
 * whatever dies in between.
 */
import { spawn } from 'node:child_process';
import type { AnyEvent, Topic } from '@communication-center/contracts';
import { eventually, Fleet, TestSchema } from '@communication-center/testing';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  consumerTables,
  type Database,
  DeadLetters,
  EventConsumer,
  EventLog,
  eventLogTables,
  OutboxRelay,
  outboxFunctions,
  outboxTables,
  readRange,
  type Sql,
  writeOutbox,
} from './index.js';
import { fromMessage } from './log/event-headers.js';

const fleet = new Fleet();
const { brokers } = fleet.state.servers;
let schema: TestSchema;
let database: Database;
let log: EventLog;
let topic: Topic;
let cleanups: (() => Promise<unknown>)[];
const errors: string[] = [];
const onError = (error: unknown, doing: string) => void errors.push(`${doing}: ${error}`);

const effects = 'CREATE TABLE effects (key text, sequence int, id bigint GENERATED ALWAYS AS IDENTITY, PRIMARY KEY (key, sequence))';

beforeEach(async () => {
  cleanups = [];
  schema = await TestSchema.make(fleet, [...eventLogTables, ...outboxTables, ...outboxFunctions, ...consumerTables, effects]);
  database = schema as unknown as Database;
  log = new EventLog({ brokers: [brokers], clientId: schema.schema });
  topic = `test.${schema.schema}` as Topic;
  await log.createIfMissing([{ topic, numPartitions: 3 }]);
});

afterEach(async ({ task }) => {
  if (task.result?.state === 'fail') console.log(errors.splice(0).join('\n'));
  for (const cleanup of cleanups.reverse()) await cleanup();
  const admin = log.kafka.admin();
  await admin.connect();
  const topics = await admin.listTopics();
  await admin.deleteTopics({ topics: topics.filter((name) => name.startsWith(topic)) });
  await admin.disconnect();
  await schema.drop();
});

function event(key: string, sequence: number): AnyEvent {
  const attributes = {
    specversion: '1.0',
    id: `${key}-${sequence}`,
    source: '/test',
    type: 'test.happened',
    time: new Date().toISOString(),
  };
  return { ...attributes, subject: key, appid: 'test', sequence, dataversion: 1, data: { key, sequence } } as AnyEvent;
}

const write = (tx: Sql, key: string, ...sequences: number[]) =>
  writeOutbox(
    tx,
    sequences.map((sequence) => ({ topic, key, event: event(key, sequence) })),
  );

function startRelay(): OutboxRelay {
  const relay = new OutboxRelay({ log, database, onError, topics: [topic] });
  relay.start();
  cleanups.push(() => relay.stop());
  return relay;
}

/** Applies events as a service would: drops what is not newer, in the transaction of the effect. */
async function applyOnce(events: readonly AnyEvent[]): Promise<void> {
  await schema.transaction(async (tx) => {
    for (const { subject, sequence } of events) {
      await tx.query('INSERT INTO effects (key, sequence) VALUES ($1, $2) ON CONFLICT DO NOTHING', [subject, sequence]);
    }
  });
}

async function startConsumer(group: string, handle = applyOnce, firstFrom: 'beginning' | 'end' = 'beginning'): Promise<EventConsumer> {
  const deadLetters = new DeadLetters(database);
  const consumer = new EventConsumer({
    log,
    group: `${schema.schema}.${group}`,
    topics: [topic],
    firstFrom,
    deadLetters,
    onError,
    sessionTimeoutMs: 6000,
    emptyFetchMs: 150,
    handle: ({ events }) => handle(events),
  });
  await consumer.start();
  cleanups.push(() => consumer.stop());
  return consumer;
}

/** @returns each key's sequences in the order in which they took effect. */
async function effectsByKey(): Promise<Record<string, number[]>> {
  const { rows } = await schema.query<{ key: string; sequence: number }>('SELECT key, sequence FROM effects ORDER BY id');
  return Object.fromEntries([...Map.groupBy(rows, ({ key }) => key)].map(([key, list]) => [key, list.map(({ sequence }) => sequence)]));
}

/** @returns each key's sequences as the topic holds them, repeats included. */
async function inTopic(): Promise<Record<string, number[]>> {
  const found: Record<string, number[]> = {};
  await readRange(log, topic, {}, async (messages) => {
    for (const { message } of messages) {
      const told = fromMessage(message);
      if (told) found[told.subject] = [...(found[told.subject] ?? []), told.sequence];
    }
  });
  return found;
}

const upTo = (count: number) => Array.from({ length: count }, (_, index) => index + 1);
const waitForEffects = (expected: Record<string, number[]>, timeoutMs?: number) =>
  eventually(
    `the effects ${JSON.stringify(expected).slice(0, 200)}`,
    async () => {
      const found = await effectsByKey();
      return Object.keys(expected).every((key) => found[key]?.length === expected[key]?.length) && found;
    },
    timeoutMs,
  );

/** Runs a script as a process that ends itself with SIGKILL. */
function runAndDie(script: string): Promise<NodeJS.Signals | null> {
  const env = { ...process.env, SCHEMA: schema.schema, TOPIC: topic, BROKERS: brokers, DATABASE: fleet.state.servers.database };
  const prelude = `
    import { OutboxRelay, EventLog, writeOutbox } from '@communication-center/event-log';
    import pg from 'pg';
    const config = { connectionString: process.env.DATABASE, options: '-c search_path=' + process.env.SCHEMA };
    const pool = new pg.Pool(config);
    const database = { schema: process.env.SCHEMA, query: (text, values) => pool.query(text, values),
      transaction: async (work) => { const client = await pool.connect(); try { await client.query('BEGIN'); const done = await work(client); await client.query('COMMIT'); return done; } finally { client.release(); } },
      connect: async () => { const client = new pg.Client(config); client.on('error', () => {}); await client.connect(); return client; } };
    const die = () => process.kill(process.pid, 'SIGKILL');
    const event = (key, sequence) => ({ specversion: '1.0', id: key + sequence, source: '/test', type: 'test.happened', time: new Date().toISOString(), subject: key, appid: 'test', sequence, dataversion: 1, data: {} });
    const write = (key, sequence) => writeOutbox(database, [{ topic: process.env.TOPIC, key, event: event(key, sequence) }]);
    const log = new EventLog({ brokers: [process.env.BROKERS], clientId: 'dying' });`;
  const child = spawn(process.execPath, ['--input-type=module', '-e', prelude + script], {
    cwd: import.meta.dirname,
    env,
    stdio: 'inherit',
  });
  return new Promise((resolve) => child.once('exit', (_code, signal) => resolve(signal)));
}

describe('the outbox', () => {
  test('publishes everything in order within a key, though transactions commit out of order', async () => {
    const slow = await database.connect();
    await slow.query('BEGIN');
    await write(slow, 'slow', 1);
    const relay = startRelay();
    await startConsumer('all');
    relay.committed(await write(database, 'quick', ...upTo(50)));
    await waitForEffects({ quick: upTo(50) });
    // The row with the lowest number commits last: a reader that remembers a position would have passed it.
    await slow.query('COMMIT');
    await slow.end();
    await write(database, 'slow', 2, 3);
    expect(await waitForEffects({ quick: upTo(50), slow: [1, 2, 3] })).toEqual({ quick: upTo(50), slow: [1, 2, 3] });
  });

  test('publishes what a process committed that was killed (-9) before it could publish', async () => {
    expect(await runAndDie(`await write('a', 1); await write('a', 2); die();`)).toBe('SIGKILL');
    startRelay();
    await startConsumer('all');
    expect(await waitForEffects({ a: [1, 2] })).toEqual({ a: [1, 2] });
  });

  test('repeats what a process published that was killed (-9) before it could mark it, and the effect happens once', async () => {
    const signal = await runAndDie(`
      await write('a', 1); await write('a', 2);
      new OutboxRelay({ log, database, topics: [process.env.TOPIC], onError: console.error, beforeMark: async () => die() }).start();
      setTimeout(() => {}, 30000);`);
    expect(signal).toBe('SIGKILL');
    startRelay();
    await startConsumer('all');
    await write(database, 'a', 3);
    expect(await waitForEffects({ a: [1, 2, 3] })).toEqual({ a: [1, 2, 3] });
    await eventually('the repeats', async () => JSON.stringify((await inTopic()).a) === JSON.stringify([1, 2, 1, 2, 3]));
  });

  test('loses nothing and keeps the order when two replicas fight over its shards', async () => {
    const relays = [startRelay(), startRelay()];
    await eventually('all shards being owned', () => relays.reduce((sum, { owned }) => sum + owned.size, 0) === 16);
    const keys = ['k1', 'k2', 'k3', 'k4', 'k5', 'k6'];
    let isWritten = false;
    const published = async () => (await schema.query('SELECT 1 FROM sent')).rows.length;
    const writing = (async () => {
      for (const sequence of upTo(120)) for (const key of keys) relays[0]?.committed(await write(database, key, sequence));
      isWritten = true;
    })();
    for (let round = 0; round < 6; round += 1) {
      // Cuts the connections that hold the locks, in the middle of the sending.
      await schema.query(
        `SELECT pg_terminate_backend(pid) FROM pg_locks JOIN pg_stat_activity USING (pid)
         WHERE locktype = 'advisory' AND application_name = $1`,
        [schema.schema],
      );
      const before = await published();
      await eventually('more being published by whoever owns the shards now', async () => (await published()) > before || isWritten);
    }
    await writing;
    await eventually('everything being published', async () => (await schema.query('SELECT 1 FROM outbox')).rows.length === 0);
    const found = await inTopic();
    for (const key of keys) expect([...new Set(found[key])], `first occurrences of ${key}`).toEqual(upTo(120));
  });
});

describe('a consumer', () => {
  test('parks the key of a poisoned event, keeps serving the others, and a redrive brings the rest in order', async () => {
    let isMended = false;
    const consumer = await startConsumer('parks', async (events) => {
      const poisoned = events.some(({ subject, sequence }) => subject === 'bad' && sequence === 2);
      if (poisoned && !isMended) throw new TypeError('a bug in the handler');
      await applyOnce(events);
    });
    const relay = startRelay();
    relay.committed(await write(database, 'bad', 1, 2, 3));
    relay.committed(await write(database, 'good', 1, 2, 3));
    await waitForEffects({ good: [1, 2, 3], bad: [1] });
    relay.committed(await write(database, 'bad', 4));
    relay.committed(await write(database, 'good', 4));
    expect(await waitForEffects({ good: upTo(4), bad: [1] })).toEqual({ good: upTo(4), bad: [1] });
    expect(consumer.state).toBe('running');
    await eventually('all of the key being parked', async () => {
      const { rows } = await database.query("SELECT 1 FROM parked_events WHERE key = 'bad'");
      return rows.length === 3;
    });
    await expect(consumer.redrive(topic, 'bad')).rejects.toThrow('a bug in the handler');
    isMended = true;
    expect(await consumer.redrive(topic, 'bad')).toBeGreaterThanOrEqual(3);
    expect((await effectsByKey()).bad).toEqual([1, 2, 3, 4]);
    relay.committed(await write(database, 'bad', 5));
    expect((await waitForEffects({ bad: upTo(5) })).bad).toEqual(upTo(5));
  });

  test('pauses on a failure of the infrastructure and resumes by itself, without a gap', async () => {
    let failures = 3;
    const consumer = await startConsumer('pauses', async (events) => {
      if (failures > 0) {
        failures -= 1;
        throw Object.assign(new Error('the database is away'), { code: 'ECONNREFUSED' });
      }
      await applyOnce(events);
    });
    startRelay().committed(await write(database, 'a', ...upTo(20)));
    await eventually('the pause', () => consumer.state === 'paused');
    expect((await waitForEffects({ a: upTo(20) })).a).toEqual(upTo(20));
    expect((await schema.query('SELECT 1 FROM parked_keys')).rows).toEqual([]);
    await eventually('the consumer running again', () => consumer.state === 'running');
  });

  test('finishes what it has in hand when it stops, and commits it', async () => {
    let handled = 0;
    let letGo: (() => void) | undefined;
    const consumer = await startConsumer('drains', async () => {
      await new Promise<void>((resolve) => {
        letGo = resolve;
      });
      handled += 1;
    });
    startRelay().committed(await write(database, 'a', 1));
    await eventually('the handler being at work', () => letGo);
    const stopped = consumer.stop();
    letGo?.();
    await stopped;
    expect(handled).toBe(1);
    const seen: number[] = [];
    await startConsumer('drains', async (events) => void seen.push(...events.map(({ sequence }) => sequence)));
    await write(database, 'a', 2);
    await eventually('the next event', () => seen.includes(2));
    expect(seen).toEqual([2]);
  });

  test('that begins at the end acts on nothing of the past, and after that misses nothing, not even while it is away', async () => {
    const relay = startRelay();
    for (const key of ['a', 'b', 'c', 'd']) relay.committed(await write(database, key, 1));
    await eventually('the past being in the topic', async () => Object.keys(await inTopic()).length === 4);
    const first = await startConsumer('reacts', applyOnce, 'end');
    await eventually('the group being joined', () => first.state === 'running');
    await first.stop();
    // It never handled anything; what comes while it is away is still its own.
    for (const key of ['a', 'b', 'c', 'd']) relay.committed(await write(database, key, 2));
    await eventually('the news being in the topic', async () =>
      Object.values(await inTopic()).every((sequences) => sequences.length === 2),
    );
    await startConsumer('reacts', applyOnce, 'end');
    expect(await waitForEffects({ a: [2], b: [2], c: [2], d: [2] })).toEqual({ a: [2], b: [2], c: [2], d: [2] });
  });

  test('keeps order and loses nothing while members of its group come and go', async () => {
    const relay = startRelay();
    const first = await startConsumer('moves');
    const keys = ['m1', 'm2', 'm3', 'm4', 'm5', 'm6'];
    const writing = (async () => {
      for (const sequence of upTo(60)) {
        for (const key of keys) relay.committed(await write(database, key, sequence));
        await new Promise((resolve) => setTimeout(resolve, 40));
      }
    })();
    const second = await startConsumer('moves');
    await eventually('the second member having its part', () => second.state === 'running');
    await first.stop();
    await startConsumer('moves');
    await writing;
    const expected = Object.fromEntries(keys.map((key) => [key, upTo(60)]));
    expect(await waitForEffects(expected, 30_000)).toEqual(expected);
  });
});
