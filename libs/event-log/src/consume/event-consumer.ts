import type { AnyEvent } from '@communication-center/contracts';
import type { Batch, Consumer, EachBatchPayload, KafkaMessage } from 'kafkajs';
import { isInfrastructureFailure } from '../failures.js';
import { fromMessage } from '../log/event-headers.js';
import type { EventLog } from '../log/event-log.js';
import type { DeadLetters } from './dead-letters.js';

/** Events of one partition of one topic, in order. */
export interface EventBatch {
  topic: string;
  partition: number;
  events: AnyEvent[];
}

export interface ConsumerOptions {
  log: EventLog;
  group: string;
  topics: string[];
  deadLetters: DeadLetters;
  /** Applies a batch. A repeat must find nothing to do. What it throws is judged by {@link isInfrastructureFailure}. */
  handle: (batch: EventBatch) => Promise<void>;
  onError: (error: unknown, doing: string) => void;
  /** At most so many events are handed over at once. */
  maxBatch?: number;
  /** How many partitions are worked on at a time. */
  concurrency?: number;
  sessionTimeoutMs?: number;
  /**
   * Where a group that never consumed before begins: a projection at the beginning of the log, a reaction at its end, so
   * that a new one does not act on the past.
   */
  firstFrom?: 'beginning' | 'end';
  /** How often a single event that fails is tried before its key is parked. */
  triesBeforeParking?: number;
}

interface Beginning {
  topic: string;
  partition: number;
  offset: string;
}

/** Offsets by topic and partition. */
type Beginnings = Map<string, Map<number, string>>;

/** @returns where the topics end now, for the partitions of which this group never committed anything. */
async function endsOfUncommitted(log: EventLog, group: string, topics: string[]): Promise<Beginnings> {
  const admin = log.kafka.admin();
  await admin.connect();
  try {
    const beginnings: Beginnings = new Map();
    for (const { topic, partitions } of await admin.fetchOffsets({ groupId: group, topics })) {
      const unknown = new Set(partitions.filter(({ offset }) => offset === '-1').map(({ partition }) => partition));
      const ends = await admin.fetchTopicOffsets(topic);
      beginnings.set(
        topic,
        new Map(ends.filter(({ partition }) => unknown.has(partition)).map(({ partition, high }) => [partition, high])),
      );
    }
    return beginnings;
  } finally {
    await admin.disconnect();
  }
}

/** Takes out what concerns the partitions this member was given: each is begun once. */
function takeBeginnings(
  beginnings: Beginnings,
  assignment: Record<string, number[]>,
): { topic: string; partition: number; offset: string }[] {
  return Object.entries(assignment).flatMap(([topic, partitions]) =>
    partitions.flatMap((partition) => {
      const offset = beginnings.get(topic)?.get(partition);
      beginnings.get(topic)?.delete(partition);
      return offset === undefined ? [] : [{ topic, partition, offset }];
    }),
  );
}

/** `paused` waits for infrastructure and resumes by itself; `stopped` is a consumer that does not consume: unhealthy. */
export type ConsumerState = 'starting' | 'running' | 'paused' | 'stopped';

/**
 * A member of a consumer group: in order within a key, partitions side by side, offsets committed only after success.
 *
 * Nothing thrown by a handler ever reaches kafkajs, which would stop for good on a TypeError.
 */
export class EventConsumer {
  readonly #options: Required<ConsumerOptions>;
  #consumer: Consumer | undefined;
  #state: ConsumerState = 'starting';
  #stopping = false;
  #restart: NodeJS.Timeout | undefined;
  readonly #resumes = new Map<NodeJS.Timeout, () => void>();
  #failuresInARow = 0;
  readonly #inHand = new Set<Promise<void>>();

  constructor(options: ConsumerOptions) {
    this.#options = { maxBatch: 200, concurrency: 4, sessionTimeoutMs: 10_000, triesBeforeParking: 3, firstFrom: 'beginning', ...options };
  }

  get state(): ConsumerState {
    return this.#state === 'running' && this.#resumes.size > 0 ? 'paused' : this.#state;
  }

  get group(): string {
    return this.#options.group;
  }

  /** Joins the group; keeps trying while the brokers are away. Resolves once the first try was made. */
  async start(): Promise<void> {
    const { log, group, topics, concurrency, sessionTimeoutMs, onError } = this.#options;
    const consumer = log.kafka.consumer({
      groupId: group,
      sessionTimeout: sessionTimeoutMs,
      heartbeatInterval: Math.floor(sessionTimeoutMs / 5),
      rebalanceTimeout: 15_000,
      maxWaitTimeInMs: 250,
      retry: { initialRetryTime: 200, maxRetryTime: 2000, retries: 6, restartOnFailure: async () => !this.#stopping },
    });
    this.#consumer = consumer;
    let beginnings: Beginnings = new Map();
    let begun: Beginning[] = [];
    let isRunning = false;
    // Committed at once: a process that dies before its first event must not make its successor begin anew. kafkajs drops
    // commits silently until it runs, which is a little after it has joined.
    const commitBegun = () => {
      if (!isRunning || begun.length === 0) return;
      void this.#keepInHand(this.#commitBeginnings(consumer, begun));
      begun = [];
    };
    consumer.on('consumer.group_join', ({ payload }) => {
      this.#state = 'running';
      const mine = takeBeginnings(beginnings, payload.memberAssignment);
      for (const beginning of mine) consumer.seek(beginning);
      begun.push(...mine);
      commitBegun();
    });
    consumer.on('consumer.crash', ({ payload }) => {
      this.#state = 'stopped';
      onError(payload.error, `consuming as ${group}`);
      if (!payload.restart) this.#startLater();
    });
    try {
      if (this.#options.firstFrom === 'end') beginnings = await endsOfUncommitted(log, group, topics);
      await consumer.connect();
      await consumer.subscribe({ topics, fromBeginning: true });
      await consumer.run({
        autoCommit: false,
        eachBatchAutoResolve: false,
        partitionsConsumedConcurrently: concurrency,
        eachBatch: (payload) => this.#keepInHand(this.#eachBatch(payload)),
      });
      isRunning = true;
      commitBegun();
    } catch (error) {
      this.#state = 'stopped';
      onError(error, `joining ${group}`);
      this.#startLater();
    }
  }

  /** Finishes the batches in hand, commits them and leaves the group. */
  async stop(): Promise<void> {
    this.#stopping = true;
    clearTimeout(this.#restart);
    for (const timer of this.#resumes.keys()) clearTimeout(timer);
    this.#resumes.clear();
    // kafkajs would leave the group while handlers are at work, and their commits would come too late.
    await Promise.all(this.#inHand);
    await this.#consumer?.disconnect();
    this.#state = 'stopped';
  }

  async #commitBeginnings(consumer: Consumer, beginnings: Beginning[]): Promise<void> {
    await consumer.commitOffsets(beginnings).catch((error: unknown) => {
      this.#options.onError(error, `committing where ${this.#options.group} begins`);
    });
  }

  #keepInHand(work: Promise<void>): Promise<void> {
    const kept = work.finally(() => this.#inHand.delete(kept));
    this.#inHand.add(kept);
    return kept;
  }

  #startLater(): void {
    if (this.#stopping) return;
    const old = this.#consumer;
    clearTimeout(this.#restart);
    this.#restart = setTimeout(
      () => {
        old?.disconnect().catch(() => undefined);
        if (!this.#stopping) void this.start();
      },
      1000 + Math.random() * 1000,
    );
  }

  async #eachBatch(payload: EachBatchPayload): Promise<void> {
    const { batch, resolveOffset, heartbeat, isRunning, isStale } = payload;
    const beating = setInterval(() => void heartbeat().catch(() => undefined), 1000);
    try {
      // Another member may have parked keys of this partition before it came here.
      const parked = await this.#options.deadLetters.parkedKeys(this.#options.group);
      for (let start = 0; start < batch.messages.length; start += this.#options.maxBatch) {
        if (this.#stopping || !isRunning() || isStale()) return;
        const chunk = batch.messages.slice(start, start + this.#options.maxBatch);
        await this.#handleChunk(batch, chunk, parked);
        const last = chunk.at(-1) as KafkaMessage;
        resolveOffset(last.offset);
        await this.#consumer?.commitOffsets([{ topic: batch.topic, partition: batch.partition, offset: String(BigInt(last.offset) + 1n) }]);
        this.#failuresInARow = 0;
      }
    } catch (error) {
      this.#pauseAndResume(payload, error);
    } finally {
      clearInterval(beating);
    }
  }

  /** Waits with growing, jittered pauses, without end: the event is not lost and not skipped. */
  #pauseAndResume({ batch, pause }: EachBatchPayload, error: unknown): void {
    if (this.#stopping) return;
    this.#failuresInARow += 1;
    this.#options.onError(error, `handling ${batch.topic}/${batch.partition} as ${this.#options.group}; paused, will resume`);
    const resume = pause();
    const wait = Math.min(5000, 100 * 2 ** Math.min(this.#failuresInARow, 6)) * (0.75 + Math.random() / 2);
    const timer = setTimeout(() => {
      this.#resumes.delete(timer);
      resume();
    }, wait);
    this.#resumes.set(timer, resume);
  }

  /** Handles messages together; when that fails for a deterministic reason, one by one, to park only the culprit's key. */
  async #handleChunk({ topic, partition }: Batch, messages: KafkaMessage[], parked: Set<string>): Promise<void> {
    const free: KafkaMessage[] = [];
    for (const message of messages) if (!(await this.#parkIfBehind(topic, message, parked))) free.push(message);
    if (free.length === 0) return;
    try {
      await this.#hand(topic, partition, free);
    } catch (error) {
      if (isInfrastructureFailure(error)) throw error;
      for (const message of free)
        if (!(await this.#parkIfBehind(topic, message, parked))) await this.#handleAlone(topic, partition, message, parked);
    }
  }

  async #handleAlone(topic: string, partition: number, message: KafkaMessage, parked: Set<string>): Promise<void> {
    for (let tries = 1; ; tries += 1) {
      try {
        await this.#hand(topic, partition, [message]);
        return;
      } catch (error) {
        if (isInfrastructureFailure(error)) throw error;
        if (tries < this.#options.triesBeforeParking) {
          await new Promise((resolve) => setTimeout(resolve, 50 * tries));
          continue;
        }
        this.#options.onError(error, `handling ${topic} key ${String(message.key)} as ${this.#options.group}; its key is parked`);
        await this.#options.deadLetters.park(this.#options.group, topic, message, error);
        parked.add(`${topic} ${String(message.key)}`);
        return;
      }
    }
  }

  async #hand(topic: string, partition: number, messages: KafkaMessage[]): Promise<void> {
    const events = messages.map(fromMessage).filter((event) => event !== null);
    if (events.length > 0) await this.#options.handle({ topic, partition, events });
  }

  async #parkIfBehind(topic: string, message: KafkaMessage, parked: Set<string>): Promise<boolean> {
    const name = `${topic} ${String(message.key)}`;
    if (!parked.has(name)) return false;
    if (await this.#options.deadLetters.parkBehind(this.#options.group, topic, message)) return true;
    parked.delete(name);
    return false;
  }

  /** Handles a parked key's events anew. See {@link DeadLetters.redrive}. */
  async redrive(topic: string, key: string): Promise<number> {
    return this.#options.deadLetters.redrive(this.#options.group, topic, key, (message) => this.#hand(topic, -1, [message]));
  }
}
