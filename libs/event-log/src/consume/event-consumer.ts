import type { Consumer, EachBatchPayload, KafkaMessage } from 'kafkajs';
import type { EventLog } from '../log/event-log.js';
import { Fetching } from '../log/fetching.js';
import { type Beginning, type Beginnings, endsOfUncommitted, takeBeginnings } from './beginnings.js';
import { JointBatches } from './joint-batches.js';
import type { Consuming } from './lags.js';
import { MessageHandler, type MessageHandlerOptions } from './message-handler.js';
import { OffsetCommits } from './offset-commits.js';
import { fetchingAt, type Pace } from './pace.js';
import { redrive } from './redrive.js';
import type { Rest } from './rest.js';
import { SeenKeys } from './seen-keys.js';
import { type ConsumerState, Standing } from './standing.js';

export interface ConsumerOptions extends MessageHandlerOptions {
  log: EventLog;
  topics: string[];
  /** How soon its events are fetched: at once unless told. */
  pace?: Pace;
  /**
   * How long a fetch that finds nothing takes, in milliseconds: as its pace says unless told, and longer while nothing comes. A rebalance,
   * and the end of a pause of all partitions of a broker, wait for it.
   */
  emptyFetchMs?: number;
  /** Puts off fetches of what nobody waits for. */
  rest?: Rest;
  /** At most so many events are handed over at once: as many as fit its pace unless told. */
  maxBatch?: number;
  /** How many partitions are worked on at a time, where each is handled alone. */
  concurrency?: number;
  sessionTimeoutMs?: number;
  /**
   * Where a group that never consumed before begins: a projection at the beginning of the log, a reaction at its end, so
   * that a new one does not act on the past.
   */
  firstFrom?: 'beginning' | 'end';
  /**
   * For how long a partition is left alone after a failure, in milliseconds; twice as long after each that follows, up to five
   * seconds.
   */
  firstPauseMs?: number;
  /** How often offsets are committed at most. */
  commitEveryMs?: number;
  /** How long a stop waits for batches in hand. What is not done by then is done by the next owner. */
  drainMs?: number;
}

const defaults = {
  pace: 'prompt' as Pace,
  concurrency: 4,
  sessionTimeoutMs: 10_000,
  firstPauseMs: 200,
  commitEveryMs: 1000,
  drainMs: 3000,
};

/**
 * What one fetch brings is handed over side by side, up to so many partitions, so that it can be joined; what is of more comes together with
 * the next of them. kafkajs begins and ends so many workers with each fetch, whatever it brought: 64 were a fifth of what it left to collect.
 */
const handedOver = 16;

/** While nothing comes a fetch takes as long as until the next heartbeat, and so much, in milliseconds, that it is due by then. */
const heartbeatDueMs = 50;

/** How long a stop waits for its last commit, in milliseconds. */
const commitMs = 1000;

/**
 * A member of a consumer group: in order within a key, partitions side by side, offsets committed only after success, and at
 * once when others are to take over.
 *
 * Nothing thrown by a handler ever reaches kafkajs, which would stop for good on a TypeError.
 */
export class EventConsumer {
  readonly #options: ConsumerOptions & typeof defaults;
  readonly #handler: MessageHandler;
  readonly #batches: JointBatches;
  #seen = new SeenKeys();
  #commits: OffsetCommits | undefined;
  #consumer: Consumer | undefined;
  #fetching: Fetching | undefined;
  readonly standing = new Standing();
  #stopping = false;
  #restart: NodeJS.Timeout | undefined;
  readonly #resumes = new Map<NodeJS.Timeout, () => void>();
  readonly #inHand = new Set<Promise<void>>();
  /** What tells kafkajs that a batch is done with, though its handler is still at work. */
  readonly #letGo = new Set<() => void>();
  #hasLetGo = false;

  constructor(options: ConsumerOptions) {
    this.#options = { ...defaults, ...options };
    this.#handler = new MessageHandler(options);
    this.#batches = new JointBatches({
      together: (topic, messages, seen) => this.#handler.handleTogether(topic, messages, seen),
      alone: (topic, messages, seen) => this.#handler.handle(topic, messages, seen),
      maxBatch: options.maxBatch ?? fetchingAt(this.#options.pace).maxBatch,
      concurrency: this.#options.concurrency,
    });
  }

  get state(): ConsumerState {
    return this.standing.state === 'running' && this.#resumes.size > 0 ? 'paused' : this.standing.state;
  }

  get group(): string {
    return this.#options.group;
  }

  /** What it consumes, for who asks how far it is. */
  get consuming(): Consuming {
    const { group, topics, firstFrom } = this.#options;
    return { group, topics, fromBeginning: firstFrom !== 'end' };
  }

  /** Joins the group; keeps trying while the brokers are away. Resolves once the first try was made. */
  async start(): Promise<void> {
    const { log, group, topics, pace, sessionTimeoutMs, emptyFetchMs, onError } = this.#options;
    const { minBytes, maxWaitTimeInMs } = fetchingAt(pace);
    const heartbeatInterval = Math.floor(sessionTimeoutMs / 5);
    const consumer = log.kafka.consumer({
      groupId: group,
      sessionTimeout: sessionTimeoutMs,
      heartbeatInterval,
      rebalanceTimeout: 15_000,
      minBytes,
      maxWaitTimeInMs: emptyFetchMs ?? maxWaitTimeInMs,
      retry: { initialRetryTime: 200, maxRetryTime: 2000, retries: 6, restartOnFailure: async () => !this.#stopping },
    });
    this.#consumer = consumer;
    const fetching = new Fetching(emptyFetchMs ?? heartbeatInterval + heartbeatDueMs);
    this.#fetching = fetching;
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
      this.standing.become('running');
      // Others may have handled and parked what comes here now.
      this.#seen = new SeenKeys();
      this.#handler.assigned();
      this.#commits?.end();
      this.#commits = this.#newCommits(consumer);
      const mine = takeBeginnings(beginnings, payload.memberAssignment);
      for (const beginning of mine) consumer.seek(beginning);
      begun.push(...mine);
      commitBegun();
    });
    // Before it joins anew: what it says afterwards of a partition that is another's would take that one back.
    consumer.on('consumer.rebalancing', () => void this.#commits?.flush());
    consumer.on('consumer.crash', ({ payload }) => {
      this.standing.become('stopped');
      onError(payload.error, `consuming as ${group}`);
      if (!payload.restart) this.#startLater();
    });
    try {
      if (this.#options.firstFrom === 'end') beginnings = await endsOfUncommitted(log, group, topics);
      await consumer.connect();
      await consumer.subscribe({ topics, fromBeginning: true });
      await fetching.run(() =>
        consumer.run({
          autoCommit: false,
          eachBatchAutoResolve: false,
          partitionsConsumedConcurrently: handedOver,
          eachBatch: (payload) => this.#untilLetGo(this.#keepInHand(this.#eachBatch(payload)).then(() => this.#rested(payload))),
        }),
      );
      isRunning = true;
      commitBegun();
    } catch (error) {
      this.standing.become('stopped');
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
    this.#options.rest?.stop();
    // kafkajs would leave the group while handlers are at work, and their commits would come too late.
    await this.#drained();
    // Brokers that are away are not waited for either: what is not committed comes again.
    await within(commitMs, this.#commits?.flush());
    this.#commits?.end();
    const disconnected = this.#consumer?.disconnect();
    this.#fetching?.end();
    await disconnected;
    this.standing.become('stopped');
  }

  /** Waits for the batches in hand, but not for long: kafkajs would wait for a handler that hangs, and keep its partitions. */
  async #drained(): Promise<void> {
    await within(this.#options.drainMs, Promise.all(this.#inHand));
    this.#hasLetGo = true;
    for (const letGo of this.#letGo) letGo();
  }

  #untilLetGo(work: Promise<void>): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#letGo.add(resolve);
      work.then(resolve, reject).finally(() => this.#letGo.delete(resolve));
    });
  }

  #newCommits(consumer: Consumer): OffsetCommits {
    const { group, commitEveryMs, onError } = this.#options;
    return new OffsetCommits({
      commit: (offsets) => consumer.commitOffsets(offsets),
      onError: (error) => onError(error, `committing how far ${group} is`),
      everyMs: commitEveryMs,
    });
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
    const { topic, partition, messages } = batch;
    const beating = setInterval(() => {
      if (this.#hasLetGo) clearInterval(beating);
      else heartbeat().catch(() => undefined);
    }, 1000);
    const doing = `handling ${topic}/${partition} as ${this.#options.group}`;
    const commits = this.#commits;
    const isMine = () => !this.#stopping && isRunning() && !isStale();
    const onHandled = (offset: string) => {
      if (this.#hasLetGo) return;
      resolveOffset(offset);
      commits?.handled(topic, partition, offset);
    };
    const onFailed = async (failed: readonly KafkaMessage[], error: unknown, inARow: number) => {
      if (this.#stopping) return;
      await this.#handler.report(topic, failed, error, `${doing}; paused, will resume`);
      this.#pauseAndResume(payload, inARow);
    };
    try {
      await this.#batches.handle({ topic, partition, messages, seen: this.#seen, isMine, onHandled, onFailed });
    } catch (error) {
      // Such as of an offset that kafkajs does not want any more, since the partition was given to another.
      this.#options.onError(error, doing);
    } finally {
      clearInterval(beating);
    }
  }

  /** What was handled is out of hand while it rests: a stop does not wait for that. */
  async #rested({ batch }: EachBatchPayload): Promise<void> {
    await this.#options.rest?.over(Number(batch.offsetLag()) <= 0);
  }

  /** Waits with growing, jittered pauses, without end: the event is not lost and not skipped. */
  #pauseAndResume({ pause }: EachBatchPayload, inARow: number): void {
    const resume = pause();
    const wait = Math.min(5000, this.#options.firstPauseMs * 2 ** Math.min(inARow - 1, 5)) * (0.75 + Math.random() / 2);
    const timer = setTimeout(() => {
      this.#resumes.delete(timer);
      resume();
    }, wait);
    this.#resumes.set(timer, resume);
  }

  /** Handles a parked key's events anew. See {@link redrive}. */
  async redrive(topic: string, key: string): Promise<number> {
    const { log, group, deadLetters } = this.#options;
    return redrive({
      log,
      database: deadLetters.database,
      group,
      topic,
      key,
      handle: (message) => this.#handler.handleParked(topic, message),
      judge: MessageHandler.parkedFor,
    });
  }
}

/** Waits for work, but not for longer. */
async function within(milliseconds: number, work: Promise<unknown> | undefined): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, milliseconds);
  });
  try {
    await Promise.race([work, limit]);
  } finally {
    clearTimeout(timer);
  }
}
