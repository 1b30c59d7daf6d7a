import { randomUUID } from 'node:crypto';
import type { AnyEvent, Topic } from '@communication-center/contracts';
import type { Consumer, KafkaMessage } from 'kafkajs';
import { appIdIn, fromMessage, type Glimpse, glimpseOf } from '../log/event-headers.js';
import type { EventLog } from '../log/event-log.js';
import { Fetching } from '../log/fetching.js';
import type { Rest } from './rest.js';
import { Standing } from './standing.js';

/** Nobody takes over what it follows, and nothing is lost with its membership: it says less often that it lives. While nothing comes a fetch takes as long. */
const [sessionTimeout, heartbeatInterval] = [10_000, 3000];

/** So many events are told in a row: then whatever else this process has to do has its turn, such as sending what the first of them led to. */
const toldInARow = 100;

export interface TailOptions {
  log: EventLog;
  topic: Topic;
  /** Called with each event, in order within a key, once per process. What it throws is reported, and the next one comes. */
  onEvent: (event: AnyEvent) => void;
  /** Whether anything of an app is heard: all of every app is when left out. */
  hears?: (appId: string) => boolean;
  /** Whether anybody here is concerned by an event that says whom it concerns. One that does not is passed over unread. All are when left out. */
  concerns?: (glimpse: Glimpse) => boolean;
  /** Called with each event that is passed over, in its turn. */
  onPassedOver?: (glimpse: Glimpse) => void;
  /** Called with each key that is erased, in its turn: maybe again after a crash, and by then it may have begun anew. */
  onErased?: (key: string) => void;
  /** Begins with what was published so many milliseconds ago, for what must be known of the past; with what comes when left out. */
  fromAgoMs?: number;
  /** Called once, when all has been told that was there at the start. */
  onCaughtUp?: () => void;
  /** Lets it hear later what nobody waits for: all is heard at once when left out. */
  rest?: Rest;
  onError: (error: unknown, doing: string) => void;
}

/**
 * Follows a topic from now on, for a process that holds its positions in memory: every process gets every event.
 *
 * It starts at the end offsets read before {@link start} resolves, and on each rejoin goes on from its memory, so
 * that nothing between is skipped.
 */
export class Tail {
  readonly #options: TailOptions;
  readonly #positions = new Map<number, bigint>();
  /** Where partitions ended at the start that have not been heard so far. */
  readonly #toHear = new Map<number, bigint>();
  #isCaughtUp = false;
  /** Since whatever else there is to do had its turn. */
  #told = 0;
  #nextTurn: Promise<void> | undefined;
  #consumer: Consumer | undefined;
  #fetching: Fetching | undefined;
  readonly standing = new Standing();
  #stopping = false;
  #restart: NodeJS.Timeout | undefined;
  /** Resolves once it has had its partitions. */
  readonly #joined = Promise.withResolvers<void>();

  constructor(options: TailOptions) {
    this.#options = options;
  }

  /** Where it is, for who asks how far it is behind. */
  get following(): { topic: string; positions: ReadonlyMap<number, bigint> } {
    return { topic: this.#options.topic, positions: this.#positions };
  }

  /**
   * Resolves once this process has its partitions: from then on no event is missed.
   * @throws when the brokers cannot be reached at the start.
   */
  async start(): Promise<void> {
    const { log, topic, fromAgoMs } = this.#options;
    const ends = await log.ends(topic);
    const since = fromAgoMs === undefined ? undefined : await log.since(topic, new Date(Date.now() - fromAgoMs));
    for (const { partition, high } of ends) {
      const first = since?.get(partition) ?? high;
      if (first < high) this.#toHear.set(partition, high);
      this.#positions.set(partition, this.#toHear.has(partition) ? first : high);
    }
    await this.#follow();
    await this.#joined.promise;
    this.#lookWhetherCaughtUp();
  }

  /** Notes how far a partition was heard. */
  #heard(partition: number): void {
    const end = this.#toHear.get(partition);
    if (end === undefined || (this.#positions.get(partition) ?? 0n) < end) return;
    this.#toHear.delete(partition);
    this.#lookWhetherCaughtUp();
  }

  #lookWhetherCaughtUp(): void {
    if (this.#isCaughtUp || this.#toHear.size > 0) return;
    this.#isCaughtUp = true;
    this.#options.onCaughtUp?.();
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    clearTimeout(this.#restart);
    this.#options.rest?.stop();
    const disconnected = this.#consumer?.disconnect();
    this.#fetching?.end();
    await disconnected;
    this.standing.become('stopped');
  }

  async #follow(): Promise<void> {
    const { log, topic, rest, onError } = this.#options;
    const consumer = log.kafka.consumer({
      groupId: `${log.clientId}.tail.${randomUUID()}`,
      sessionTimeout,
      heartbeatInterval,
      // The brokers answer at once when there is anything; this is how often they are asked when there is not.
      maxWaitTimeInMs: 1000,
      // One that failed goes on in another group: in its own it would be a second member, who waits until the first is taken for dead.
      retry: { initialRetryTime: 200, maxRetryTime: 1000, retries: 4, restartOnFailure: async () => false },
    });
    this.#consumer = consumer;
    const fetching = new Fetching(heartbeatInterval);
    this.#fetching = fetching;
    consumer.on('consumer.group_join', () => {
      // Applied by kafkajs before its next fetch, so the group's own idea of "latest" is never used.
      for (const [partition, position] of this.#positions) consumer.seek({ topic, partition, offset: String(position) });
      this.standing.become('running');
      this.#joined.resolve();
    });
    consumer.on('consumer.crash', ({ payload }) => {
      this.standing.become('stopped');
      onError(payload.error, `following ${topic}`);
      this.#followLater();
    });
    await consumer.connect();
    await consumer.subscribe({ topic, fromBeginning: true });
    await fetching.run(() =>
      consumer.run({
        autoCommit: false,
        // All that a fetch brought is told before the next one is put off.
        partitionsConsumedConcurrently: Math.max(1, this.#positions.size),
        eachBatch: async ({ batch }) => {
          for (const message of batch.messages) {
            if (this.#told >= toldInARow) await this.#untilNextTurn();
            this.#told += 1;
            const offset = BigInt(message.offset);
            if (offset < (this.#positions.get(batch.partition) ?? 0n)) continue;
            this.#deliver(message);
            this.#positions.set(batch.partition, offset + 1n);
          }
          this.#heard(batch.partition);
          await rest?.over(Number(batch.offsetLag()) <= 0);
        },
      }),
    );
  }

  /** Resolves when whatever else there is to do has had its turn: for all partitions of a fetch at once. */
  #untilNextTurn(): Promise<void> {
    this.#nextTurn ??= new Promise((resolve) => {
      setImmediate(() => {
        this.#told = 0;
        this.#nextTurn = undefined;
        resolve();
      });
    });
    return this.#nextTurn;
  }

  #deliver(message: Pick<KafkaMessage, 'key' | 'value' | 'headers'>): void {
    const { hears, concerns, onPassedOver, onEvent, onErased } = this.#options;
    try {
      const appId = hears && appIdIn(message);
      if (appId !== undefined && !hears?.(appId)) return;
      const glimpse = concerns && glimpseOf(message);
      if (glimpse && !concerns(glimpse)) return onPassedOver?.(glimpse);
      const event = fromMessage(message);
      if (event) onEvent(event);
      else onErased?.(String(message.key));
    } catch (error) {
      this.#options.onError(error, `reading an event of ${this.#options.topic}`);
    }
  }

  #followLater(): void {
    if (this.#stopping) return;
    const old = this.#consumer;
    clearTimeout(this.#restart);
    this.#restart = setTimeout(
      () => {
        old?.disconnect().catch(() => undefined);
        if (this.#stopping) return;
        this.#follow().catch((error: unknown) => {
          this.#options.onError(error, `following ${this.#options.topic}`);
          this.#followLater();
        });
      },
      500 + Math.random() * 500,
    );
  }
}
