import { randomUUID } from 'node:crypto';
import type { Consumer, KafkaMessage } from 'kafkajs';
import { InfrastructureError } from '../failures.js';
import type { BrokerQuestions } from './broker-questions.js';
import type { EventLog } from './event-log.js';

/** Offsets by topic and partition. */
export type Positions = Map<string, Map<number, bigint>>;

export interface LogReaderOptions {
  log: EventLog;
  topics: readonly string[];
  /** Where to go on; partitions it does not name are read from their beginning. */
  from: Positions;
  /** Gets messages of one partition in order, and the position after them. What it throws ends the reading. */
  onMessages: (topic: string, partition: number, messages: KafkaMessage[], next: bigint) => Promise<void>;
  /** At most so many messages are handed over at once. */
  maxBatch?: number;
}

// A compacted partition may end in offsets that hold nothing any more: after so long without a message it is at its end.
const silenceMs = 5000;
const silentFetches = 10;

/** Reads whole topics and goes on with what comes, outside any group of the product, until it is stopped. */
export class LogReader {
  readonly #options: LogReaderOptions;
  readonly #brokers: BrokerQuestions;
  readonly #positions: Positions;
  readonly #groupId: string;
  #consumer: Consumer | undefined;
  #failure: unknown;
  #fetches = 0;
  #lastMessageAt = 0;
  #working: Promise<void> = Promise.resolve();

  constructor(options: LogReaderOptions) {
    this.#options = options;
    this.#brokers = options.log.questions();
    this.#positions = new Map([...options.from].map(([topic, ofTopic]) => [topic, new Map(ofTopic)]));
    this.#groupId = `${options.log.clientId}.read.${randomUUID()}`;
  }

  /** @throws when the brokers cannot be reached. */
  async start(): Promise<void> {
    const { log, topics } = this.#options;
    for (const topic of topics) {
      const ofTopic = this.#positions.get(topic) ?? new Map<number, bigint>();
      for (const { partition, low } of await this.#brokers.ends(topic)) {
        const from = ofTopic.get(partition) ?? 0n;
        ofTopic.set(partition, from < low ? low : from);
      }
      this.#positions.set(topic, ofTopic);
    }
    const consumer = log.kafka.consumer({ groupId: this.#groupId, sessionTimeout: 30_000, maxWaitTimeInMs: 100, retry: { retries: 5 } });
    this.#consumer = consumer;
    consumer.on('consumer.fetch', () => {
      this.#fetches += 1;
    });
    consumer.on('consumer.crash', ({ payload }) => {
      this.#failure ??= new InfrastructureError(payload.error.message, { cause: payload.error });
    });
    consumer.on('consumer.group_join', () => {
      for (const [topic, ofTopic] of this.#positions)
        for (const [partition, next] of ofTopic) consumer.seek({ topic, partition, offset: String(next) });
    });
    await consumer.connect();
    await consumer.subscribe({ topics: [...topics], fromBeginning: true });
    await consumer.run({ autoCommit: false, eachBatch: ({ batch, heartbeat }) => this.#take(batch, heartbeat) });
  }

  /** @returns where the topics end now. */
  async ends(): Promise<Positions> {
    const ends: Positions = new Map();
    for (const topic of this.#options.topics) {
      const ofTopic = await this.#brokers.ends(topic);
      ends.set(topic, new Map(ofTopic.map(({ partition, high }) => [partition, high])));
    }
    return ends;
  }

  /** @returns how many offsets are still to be read before `ends`. */
  distanceTo(ends: Positions): bigint {
    let distance = 0n;
    for (const [topic, ofTopic] of ends) {
      for (const [partition, end] of ofTopic) {
        const left = end - (this.#positions.get(topic)?.get(partition) ?? 0n);
        if (left > 0n) distance += left;
      }
    }
    return distance;
  }

  /**
   * Waits until everything before `ends` has been handed over.
   * @returns false when that takes longer than `timeoutMs`.
   * @throws what `onMessages` threw, or InfrastructureError when the brokers are lost.
   */
  async reaches(ends: Positions, timeoutMs: number): Promise<boolean> {
    const began = Date.now();
    const fetches = this.#fetches;
    for (;;) {
      if (this.#failure !== undefined) throw this.#failure;
      if (this.distanceTo(ends) === 0n) return true;
      const quietSince = Math.max(began, this.#lastMessageAt);
      if (Date.now() - quietSince > silenceMs && this.#fetches - fetches > silentFetches) {
        for (const [topic, ofTopic] of ends) for (const [partition, end] of ofTopic) this.#advance(topic, partition, end);
        return true;
      }
      if (Date.now() - began > timeoutMs) return false;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }

  /** Waits until the messages in hand are done with. */
  async settled(): Promise<void> {
    await this.#working;
  }

  /** Lets the messages in hand be finished. */
  async stop(): Promise<void> {
    this.#failure ??= new InfrastructureError('reading was stopped');
    await this.#working;
    await this.#consumer?.disconnect().catch(() => undefined);
    await this.#brokers.deleteGroup(this.#groupId);
    await this.#brokers.stop();
  }

  async #take(
    batch: { topic: string; partition: number; messages: KafkaMessage[]; lastOffset(): string },
    heartbeat: () => Promise<void>,
  ): Promise<void> {
    const { maxBatch = 500 } = this.#options;
    const position = this.#positions.get(batch.topic)?.get(batch.partition) ?? 0n;
    const messages = batch.messages.filter(({ offset }) => BigInt(offset) >= position);
    for (let start = 0; start < messages.length; start += maxBatch) {
      if (this.#failure !== undefined) return;
      const chunk = messages.slice(start, start + maxBatch);
      this.#working = this.#handOver(batch.topic, batch.partition, chunk);
      await this.#working;
      await heartbeat().catch(() => undefined);
    }
    if (this.#failure === undefined) this.#advance(batch.topic, batch.partition, BigInt(batch.lastOffset()) + 1n);
  }

  async #handOver(topic: string, partition: number, messages: KafkaMessage[]): Promise<void> {
    const next = BigInt(messages.at(-1)?.offset ?? -1) + 1n;
    try {
      await this.#options.onMessages(topic, partition, messages, next);
      this.#lastMessageAt = Date.now();
      this.#advance(topic, partition, next);
    } catch (error) {
      this.#failure ??= error;
    }
  }

  #advance(topic: string, partition: number, to: bigint): void {
    const ofTopic = this.#positions.get(topic);
    if (ofTopic && (ofTopic.get(partition) ?? 0n) < to) ofTopic.set(partition, to);
  }
}
