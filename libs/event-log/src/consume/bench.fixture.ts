import type { AnyEvent, Topic } from '@communication-center/contracts';
import { eventually, Fleet, TestSchema } from '@communication-center/testing';
import type { KafkaMessage, Producer } from 'kafkajs';
import {
  type ConsumerOptions,
  type Database,
  DeadLetters,
  EventConsumer,
  EventLog,
  eventLogTables,
  outboxFunctions,
  outboxTables,
} from '../index.js';
import { toMessage } from '../log/event-headers.js';
import { consumerTables } from './tables.js';

const effects = 'CREATE TABLE effects (key text, sequence int, id bigint GENERATED ALWAYS AS IDENTITY, PRIMARY KEY (key, sequence))';

export const upTo = (count: number) => Array.from({ length: count }, (_, index) => index + 1);

export function event(key: string, sequence: number, more: Partial<AnyEvent> = {}): AnyEvent {
  const attributes = {
    specversion: '1.0',
    id: `${key}-${sequence}`,
    source: '/test',
    type: 'test.happened',
    time: '2026-01-01T00:00:00.000Z',
  };
  return { ...attributes, subject: key, appid: 'test', sequence, dataversion: 1, data: { key, sequence }, ...more } as AnyEvent;
}

/** A topic and a schema of its own for one test, and consumers of them. */
export class Bench {
  readonly errors: string[] = [];
  readonly onError = (error: unknown, doing: string) => void this.errors.push(`${doing}: ${error}`);
  readonly deadLetters: DeadLetters;
  readonly log: EventLog;
  readonly topic: Topic;
  readonly #cleanups: (() => Promise<unknown>)[] = [];
  #producer: Promise<Producer> | undefined;

  private constructor(
    readonly schema: TestSchema,
    brokers: string,
  ) {
    this.log = new EventLog({ brokers: [brokers], clientId: schema.schema });
    this.topic = `test.${schema.schema}` as Topic;
    this.deadLetters = new DeadLetters(this.database);
  }

  static async make({ partitions = 3, compacted = false, tables = [effects] } = {}): Promise<Bench> {
    const fleet = new Fleet();
    const schema = await TestSchema.make(fleet, [...eventLogTables, ...outboxTables, ...outboxFunctions, ...consumerTables, ...tables]);
    const bench = new Bench(schema, fleet.state.servers.brokers);
    const configEntries = compacted ? [{ name: 'cleanup.policy', value: 'compact' }] : [];
    await bench.log.createIfMissing([{ topic: bench.topic, numPartitions: partitions, configEntries }]);
    return bench;
  }

  get database(): Database {
    return this.schema as unknown as Database;
  }

  /** Puts events into the topic as a relay would, past any outbox: gaps and repeats included. */
  async tell(...events: (AnyEvent | { tombstone: string })[]): Promise<void> {
    const producer = await this.#connectedProducer();
    const messages = events.map((one) => ('tombstone' in one ? toMessage(one.tombstone, null) : toMessage(one.subject, one)));
    await eventually('the brokers taking the events', () =>
      producer.send({ topic: this.topic, acks: -1, messages }).then(
        () => true,
        () => false,
      ),
    );
  }

  /** Connects once, however many tell. */
  #connectedProducer(): Promise<Producer> {
    this.#producer ??= (async () => {
      const producer = this.log.producer();
      await producer.connect();
      this.atEnd(() => producer.disconnect());
      return producer;
    })();
    return this.#producer;
  }

  /** Applies events as a service would: drops what is not newer, in the transaction of the effect. */
  readonly applyOnce = async ({ events }: { events: readonly AnyEvent[] }): Promise<void> => {
    await this.schema.transaction(async (tx) => {
      for (const { subject, sequence } of events) {
        await tx.query('INSERT INTO effects (key, sequence) VALUES ($1, $2) ON CONFLICT DO NOTHING', [subject, sequence]);
      }
    });
  };

  async consume(group: string, options: Partial<ConsumerOptions> = {}): Promise<EventConsumer> {
    const consumer = new EventConsumer({
      log: this.log,
      group: `${this.schema.schema}.${group}`,
      topics: [this.topic],
      deadLetters: this.deadLetters,
      onError: this.onError,
      sessionTimeoutMs: 6000,
      firstPauseMs: 20,
      // What tells the pace of fetches keeps it; all others would wait for the end of an empty one at each stop.
      ...(!options.pace && !options.rest && { emptyFetchMs: 150 }),
      handle: this.applyOnce,
      ...options,
    });
    await consumer.start();
    this.atEnd(() => consumer.stop());
    return consumer;
  }

  /** Runs something when the test is over. */
  atEnd(cleanup: () => Promise<unknown>): void {
    this.#cleanups.push(cleanup);
  }

  /** @returns each key's sequences in the order in which they took effect. */
  async effects(): Promise<Record<string, number[]>> {
    const { rows } = await this.schema.query<{ key: string; sequence: number }>('SELECT key, sequence FROM effects ORDER BY id');
    return Object.fromEntries([...Map.groupBy(rows, ({ key }) => key)].map(([key, list]) => [key, list.map(({ sequence }) => sequence)]));
  }

  /** Waits until each of these keys has had so many effects. @returns all effects. */
  async effectsLike(expected: Record<string, number[]>): Promise<Record<string, number[]>> {
    return eventually(`the effects ${JSON.stringify(expected).slice(0, 200)}`, async () => {
      const found = await this.effects();
      return Object.keys(expected).every((key) => found[key]?.length === expected[key]?.length) && found;
    });
  }

  async parked(): Promise<{ key: string; kind: string; reason: string }[]> {
    return (await this.deadLetters.list()).parked;
  }

  async forgetTopic(topic: string): Promise<void> {
    const admin = this.log.kafka.admin();
    await admin.connect();
    await admin.deleteTopics({ topics: [topic] });
    await admin.disconnect();
  }

  async end(): Promise<void> {
    for (const cleanup of this.#cleanups.reverse()) await cleanup();
    await this.forgetTopic(this.topic);
    await this.schema.drop();
  }
}

/** A message as a consumer gets it. */
export function message(told: AnyEvent, offset: number): KafkaMessage {
  const { key, value, headers } = toMessage(told.subject, told);
  return { key: Buffer.from(key), value, headers, offset: String(offset), timestamp: '0', attributes: 0 };
}
