import { randomUUID } from 'node:crypto';
import type { Consumer, EachBatchPayload, KafkaMessage } from 'kafkajs';
import { InfrastructureError } from '../failures.js';
import type { BrokerQuestions, PartitionEnds } from './broker-questions.js';
import type { EventLog } from './event-log.js';

/** Offsets of one partition that are to be read: from the first on, before the second. */
export interface OffsetRange {
  topic: string;
  partition: number;
  from: bigint;
  to: bigint;
}

interface Reading {
  range: OffsetRange;
  next: bigint;
}

const stallMs = 20_000;
// The end of a range may hold nothing any more, in a compacted topic: after so long without a message it counts as read.
const silenceMs = 3000;
const silentFetches = 6;

/**
 * Reads ranges of offsets, again and again, on one connection that stays: between two reads every partition is paused. Leaves no
 * trace in any group of the product.
 */
export class RangeReader {
  readonly #brokers: BrokerQuestions;
  readonly #groupId: string;
  readonly #reading = new Map<string, Reading>();
  #consumer: Consumer | undefined;
  #partitions = new Map<string, number[]>();
  #onMessages: (range: OffsetRange, messages: KafkaMessage[]) => void = () => undefined;
  #failure: Error | undefined;
  #fetches = 0;
  #lastMessageAt = 0;

  /**
   * @param bytesPerPartition what one fetch brings of a partition at most, of which what lies behind a range is read in vain: little
   *   for short ranges, much for long ones. A larger message comes alone.
   */
  constructor(
    private readonly log: EventLog,
    readonly topics: readonly string[],
    private readonly bytesPerPartition = 1024 * 1024,
  ) {
    this.#brokers = log.questions();
    this.#groupId = `${log.clientId}.ranges.${randomUUID()}`;
  }

  /** @throws when the brokers cannot be reached. */
  async start(): Promise<void> {
    const metadata = await this.#brokers.ask((admin) => admin.fetchTopicMetadata({ topics: [...this.topics] }));
    this.#partitions = new Map(metadata.topics.map(({ name, partitions }) => [name, partitions.map(({ partitionId }) => partitionId)]));
    const consumer = this.log.kafka.consumer({
      groupId: this.#groupId,
      sessionTimeout: 30_000,
      maxWaitTimeInMs: 250,
      maxBytesPerPartition: this.bytesPerPartition,
      retry: { retries: 3, restartOnFailure: async () => false },
    });
    this.#consumer = consumer;
    consumer.on('consumer.fetch', () => {
      this.#fetches += 1;
    });
    consumer.on('consumer.crash', ({ payload }) => {
      this.#failure = new InfrastructureError(payload.error.message, { cause: payload.error });
    });
    await consumer.connect();
    await consumer.subscribe({ topics: [...this.topics], fromBeginning: true });
    const joined = new Promise<void>((resolve) => {
      consumer.on('consumer.group_join', () => {
        this.#begin();
        resolve();
      });
    });
    await consumer.run({ autoCommit: false, eachBatchAutoResolve: true, eachBatch: async (payload) => this.#take(payload) });
    await Promise.race([joined, failAfter(stallMs, 'joining a group of its own')]);
  }

  /** @returns where each partition of a topic begins and ends now. */
  async ends(topic: string): Promise<PartitionEnds[]> {
    return this.#brokers.ends(topic);
  }

  /** @returns the offset of the first message at or after a time, for each partition; its end where there is none. */
  async offsetsAt(topic: string, time: number): Promise<Map<number, bigint>> {
    const offsets = await this.#brokers.ask((admin) => admin.fetchTopicOffsetsByTimestamp(topic, time));
    return new Map(offsets.map(({ partition, offset }) => [partition, BigInt(offset)]));
  }

  /**
   * Reads ranges, which must lie between where their partitions begin and end.
   * @param onMessages gets some messages of one range at a time, in order.
   * @throws InfrastructureError when the brokers deliver nothing for 20 s.
   */
  async read(ranges: readonly OffsetRange[], onMessages: (range: OffsetRange, messages: KafkaMessage[]) => void): Promise<void> {
    this.#onMessages = onMessages;
    for (const range of ranges) if (range.from < range.to) this.#reading.set(nameOf(range), { range, next: range.from });
    this.#lastMessageAt = Date.now();
    this.#begin();
    const fetches = this.#fetches;
    try {
      for (;;) {
        if (this.#failure) throw this.#failure;
        if (this.#reading.size === 0) return;
        const quietFor = Date.now() - this.#lastMessageAt;
        if (quietFor > silenceMs && this.#fetches - fetches > silentFetches) return;
        if (quietFor > stallMs) throw new InfrastructureError(`reading ${[...this.#reading.keys()]} stalled`);
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
    } finally {
      this.#reading.clear();
      this.#pauseOthers();
    }
  }

  async stop(): Promise<void> {
    this.#failure ??= new InfrastructureError('reading was stopped');
    await this.#consumer?.disconnect().catch(() => undefined);
    await this.#brokers.deleteGroup(this.#groupId);
    await this.#brokers.stop();
  }

  #begin(): void {
    if (this.#failure) return;
    this.#pauseOthers();
    for (const { range, next } of this.#reading.values()) {
      const { topic, partition } = range;
      this.#consumer?.seek({ topic, partition, offset: String(next) });
      this.#consumer?.resume([{ topic, partitions: [partition] }]);
    }
  }

  #pauseOthers(): void {
    if (this.#failure) return;
    for (const [topic, partitions] of this.#partitions) {
      const idle = partitions.filter((partition) => !this.#reading.has(nameOf({ topic, partition })));
      if (idle.length > 0) this.#consumer?.pause([{ topic, partitions: idle }]);
    }
  }

  #take({ batch }: EachBatchPayload): void {
    const name = nameOf(batch);
    const reading = this.#reading.get(name);
    // What was fetched before a seek is of another range.
    const { fetchedOffset } = batch as unknown as { fetchedOffset: unknown };
    if (!reading || BigInt(String(fetchedOffset)) > reading.next) return;
    const { range, next } = reading;
    const messages = batch.messages.filter(({ offset }) => BigInt(offset) >= next && BigInt(offset) < range.to);
    if (messages.length > 0) this.#onMessages(range, messages);
    this.#lastMessageAt = Date.now();
    const after = BigInt(batch.lastOffset()) + 1n;
    if (after > reading.next) reading.next = after;
    if (reading.next < range.to) return;
    this.#reading.delete(name);
    this.#consumer?.pause([{ topic: batch.topic, partitions: [batch.partition] }]);
  }
}

const nameOf = ({ topic, partition }: { topic: string; partition: number }) => `${topic}/${partition}`;

function failAfter(milliseconds: number, doing: string): Promise<never> {
  return new Promise((_resolve, reject) => {
    setTimeout(() => reject(new InfrastructureError(`${doing} took more than ${milliseconds / 1000} s`)), milliseconds).unref();
  });
}
