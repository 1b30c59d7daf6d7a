/*
 * Brokers are restarted one after the other, gracefully and not, while events are written: what the outbox marked is in the
 * topic, in the order of each key, and a broker that hangs stops the partitions it leads and no others.
 */
import type { AnyEvent, Topic } from '@communication-center/contracts';
import {
  type Database,
  EventLog,
  eventLogTables,
  fromMessage,
  OutboxRelay,
  outboxFunctions,
  outboxTables,
  Reconciler,
  readRange,
  writeOutbox,
} from '@communication-center/event-log';
import { eventually, Fleet, TestSchema } from '@communication-center/testing';
import { afterEach, expect, test } from 'vitest';

const fleet = new Fleet();
/** They take long: `npm run check:long` has them, and the checker of call histories restarts a broker in each run of it. */
const restarts = Number(process.env.ROLLING_RESTARTS ?? 0);
const partitions = 12;
const keys = Array.from({ length: 240 }, (_, index) => `key-${index}`);
const log = new EventLog({ brokers: [fleet.state.servers.brokers], clientId: 'restarts' });

let schema: TestSchema;
let topic: Topic;
let relays: OutboxRelay[];
let writing: Writing;

/** Writes events as a service does, some thousand a second, and wakes one of the relays. */
class Writing {
  readonly last = new Map<string, number>();
  #isOver = false;
  #running: Promise<void>;
  written = 0;

  constructor() {
    this.#running = this.#loop();
  }

  async end(): Promise<void> {
    this.#isOver = true;
    await this.#running;
  }

  async #loop(): Promise<void> {
    for (let turn = 0; !this.#isOver; turn += 1) {
      const some = Array.from({ length: 40 }, (_, index) => keys[(turn * 40 + index) % keys.length] as string);
      const entries = some.map((key) => ({ topic, key, event: this.#next(key) }));
      relays[turn % relays.length]?.committed(await writeOutbox(schema as unknown as Database, entries));
      this.written += entries.length;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  #next(key: string): AnyEvent {
    const sequence = (this.last.get(key) ?? 0) + 1;
    this.last.set(key, sequence);
    const attributes = {
      specversion: '1.0',
      id: `${key}-${sequence}`,
      source: '/test',
      type: 'test.happened',
      time: new Date().toISOString(),
    };
    return { ...attributes, subject: key, appid: 'test', sequence, dataversion: 1, data: {} } as AnyEvent;
  }
}

/** @param copies of each partition that the brokers keep. */
async function begin(copies: number): Promise<void> {
  schema = await TestSchema.make(fleet, [...eventLogTables, ...outboxTables, ...outboxFunctions]);
  topic = `test.${schema.schema}` as Topic;
  const made = new EventLog({ brokers: [fleet.state.servers.brokers], clientId: 'restarts', replicationFactor: copies });
  const configEntries = copies > 2 ? [{ name: 'min.insync.replicas', value: '2' }] : [];
  await made.createIfMissing([{ topic, numPartitions: partitions, configEntries }]);
  await schema.query('INSERT INTO topic_partitions VALUES ($1, $2)', [topic, partitions]);
  relays = [1, 2].map(() => new OutboxRelay({ log, database: schema as unknown as Database, onError: () => undefined, topics: [topic] }));
  for (const relay of relays) relay.start();
  await eventually('the lanes being shared', () => relays.every(({ owned }) => owned.size === 8));
  writing = new Writing();
}

afterEach(async () => {
  await writing.end();
  await Promise.all(relays.map((relay) => relay.stop()));
  const admin = log.kafka.admin();
  await admin.connect();
  await admin.deleteTopics({ topics: [topic] });
  await admin.disconnect();
  await schema.drop();
});

async function publishedNow(): Promise<number> {
  const rows = await fleet.query<{ n: number }>(schema.schema, 'SELECT count(*)::int AS n FROM sent');
  return rows[0]?.n ?? 0;
}

/** @returns the sequences of each key as the topic holds them, repeats included. */
async function inTopic(): Promise<Map<string, number[]>> {
  const found = new Map<string, number[]>();
  await readRange(log, topic, {}, async (messages) => {
    for (const { message } of messages) {
      const event = fromMessage(message);
      if (!event) continue;
      const ofKey = found.get(event.subject) ?? [];
      ofKey.push(event.sequence);
      found.set(event.subject, ofKey);
    }
  });
  return found;
}

test.skipIf(restarts === 0)(
  `the topic holds all that was marked, in order, after ${restarts} restarts of brokers under load`,
  async () => {
    await begin(Math.max(1, fleet.state.brokers));
    for (let restart = 0; restart < restarts; restart += 1) {
      const broker = fleet.brokers[restart % fleet.brokers.length];
      if (!broker) throw new Error('this fleet has no brokers of its own');
      await fleet.restartBroker(broker, restart % 2 === 0 ? 'drain' : 'kill');
      await eventually('all copies being in sync again', async () => (await log.copiesBehind().catch(() => 1)) === 0, 60_000);
    }
    await writing.end();
    await eventually('all being published', async () => (await schema.query('SELECT 1 FROM outbox LIMIT 1')).rows.length === 0, 30_000);
    const found = await inTopic();
    let repeats = 0;
    for (const key of keys) {
      const first = [...new Set(found.get(key))];
      repeats += (found.get(key)?.length ?? 0) - first.length;
      expect(first, key).toEqual(Array.from({ length: writing.last.get(key) ?? 0 }, (_, index) => index + 1));
    }
    const reconciler = new Reconciler({ log, database: schema as unknown as Database, settleMs: 0 });
    let compared = 0;
    for (let isAll = false; !isAll; ) {
      const step = await reconciler.step();
      expect(step.repaired).toEqual([]);
      compared += step.compared;
      isAll = step.isAll;
    }
    await reconciler.rest();
    expect(compared).toBe(writing.written);
    console.log(`${writing.written} events over ${restarts} restarts: 0 lost, ${repeats} repeated`);
  },
  600_000,
);

test.skipIf(fleet.brokers.length < 3)(
  'a broker that hangs stops the partitions it leads, and no others',
  async () => {
    // With one copy of each, nobody but its leader is waited for.
    await begin(1);
    const admin = log.kafka.admin();
    await admin.connect();
    const { topics } = await admin.fetchTopicMetadata({ topics: [topic] });
    const led = new Map(topics[0]?.partitions.map(({ partitionId, leader }) => [partitionId, leader]));
    await admin.disconnect();
    await eventually('events being published', async () => (await publishedNow()) > 2000);
    const hung = 'kafka-3';
    await fleet.control(hung, 'freeze');
    const began = Date.now();
    try {
      // Each look: how long the oldest event has waited, in the partitions that others lead.
      let worst = 0;
      while (Date.now() - began < 5000) {
        const rows = await fleet.query<{ age: number; partition: number }>(
          schema.schema,
          'SELECT partition, max(extract(epoch FROM clock_timestamp() - created_at))::float8 AS age FROM outbox GROUP BY partition',
        );
        for (const { partition, age } of rows) if (led.get(partition) !== 3) worst = Math.max(worst, age);
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
      console.log(`the oldest event in partitions of other brokers waited ${worst.toFixed(2)} s`);
      expect(worst).toBeLessThan(2);
    } finally {
      await fleet.control(hung, 'thaw');
    }
    await eventually('all copies being in sync again', async () => (await log.copiesBehind().catch(() => 1)) === 0, 60_000);
    await writing.end();
    await eventually('all being published', async () => (await schema.query('SELECT 1 FROM outbox LIMIT 1')).rows.length === 0, 30_000);
  },
  120_000,
);
