import type { AnyEvent } from '@communication-center/contracts';
import type { Producer } from 'kafkajs';
import type { Database, OwnConnection } from '../database.js';
import { toMessage } from '../log/event-headers.js';
import type { EventLog } from '../log/event-log.js';
import { outboxShards } from './outbox.js';

export interface RelayOptions {
  log: EventLog;
  database: Database;
  /** Called with each failure; the relay itself tries again. */
  onError: (error: unknown, doing: string) => void;
  pollMs?: number;
  batchSize?: number;
  /** How long published rows are kept for a look, in milliseconds. */
  keepMs?: number;
  /** Called between publishing a batch and marking it, for tests that stop the process there. */
  beforeMark?: () => Promise<void>;
}

interface OutboxRow {
  id: string;
  topic: string;
  key: string;
  event: AnyEvent | null;
}

/**
 * Moves committed outbox rows into Kafka, in order within a key, at least once.
 *
 * Each shard has one owner among the replicas: the holder of an advisory lock on a connection of its own. Losing
 * that connection ends the ownership at once; what was sent but not marked is sent again by the next owner.
 */
export class OutboxRelay {
  readonly #options: Required<Omit<RelayOptions, 'beforeMark'>> & Pick<RelayOptions, 'beforeMark'>;
  readonly #channel: string;
  #producer: Producer | undefined;
  #connection: OwnConnection | undefined;
  #owned = new Set<number>();
  #stopping = false;
  #wakeUp: (() => void) | undefined;
  #woken = false;
  #notifyTimer: NodeJS.Timeout | undefined;
  #running: Promise<void>[] = [];

  constructor(options: RelayOptions) {
    this.#options = { pollMs: 200, batchSize: 500, keepMs: 3_600_000, ...options };
    this.#channel = `outbox_${options.database.schema}`;
  }

  /** @returns the shards this replica publishes now. */
  get owned(): ReadonlySet<number> {
    return this.#owned;
  }

  start(): void {
    this.#running = [this.#keepOwnership(), this.#publishLoop(), this.#purgeLoop()];
  }

  /** Publishes what has committed, as far as that takes no more than two seconds, and gives the shards up. */
  async stop(): Promise<void> {
    this.#stopping = true;
    this.#wake();
    clearTimeout(this.#notifyTimer);
    await Promise.all(this.#running);
    const enough = new Promise<false>((resolve) => setTimeout(resolve, 2000, false).unref());
    while (await Promise.race([this.#publishBatch().catch(() => false), enough]));
    await this.#release();
    await this.#producer?.disconnect();
  }

  /** Says that rows of these shards have committed: wakes their owner, here or, by one coalesced NOTIFY, elsewhere. */
  committed(shards: readonly number[]): void {
    if (shards.some((shard) => this.#owned.has(shard))) this.#wake();
    if (shards.every((shard) => this.#owned.has(shard)) || this.#notifyTimer) return;
    this.#notifyTimer = setTimeout(() => {
      this.#notifyTimer = undefined;
      this.#options.database.query('SELECT pg_notify($1, $2)', [this.#channel, '']).catch((error: unknown) => {
        this.#options.onError(error, 'waking the shard owner');
      });
    }, 2);
  }

  #wake(): void {
    this.#woken = true;
    this.#wakeUp?.();
  }

  async #pause(milliseconds: number): Promise<void> {
    if (this.#woken || this.#stopping) {
      this.#woken = false;
      return;
    }
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, milliseconds);
      this.#wakeUp = () => {
        clearTimeout(timer);
        resolve();
      };
    });
    this.#wakeUp = undefined;
    this.#woken = false;
  }

  async #keepOwnership(): Promise<void> {
    while (!this.#stopping) {
      try {
        this.#connection ??= await this.#openConnection();
        await this.#takeFreeShards(this.#connection);
      } catch (error) {
        this.#options.onError(error, 'taking outbox shards');
        await this.#release();
      }
      await this.#sleep(1000);
    }
  }

  async #openConnection(): Promise<OwnConnection> {
    const connection = await this.#options.database.connect();
    const lost = () => {
      if (this.#connection !== connection) return;
      this.#owned = new Set();
      this.#connection = undefined;
    };
    connection.on('error', lost);
    connection.on('end', lost);
    connection.on('notification', () => this.#wake());
    await connection.query(`LISTEN ${this.#channel}`);
    return connection;
  }

  async #takeFreeShards(connection: OwnConnection): Promise<void> {
    const missing = Array.from({ length: outboxShards }, (_, shard) => shard).filter((shard) => !this.#owned.has(shard));
    // A query on this connection also proves it alive while every shard is held.
    const { rows } = await connection.query<{ shard: number }>(
      'SELECT shard FROM unnest($2::int[]) AS shard WHERE pg_try_advisory_lock(hashtext($1), shard)',
      [this.#channel, missing],
    );
    if (this.#connection !== connection || rows.length === 0) return;
    for (const { shard } of rows) this.#owned.add(shard);
    this.#wake();
  }

  async #release(): Promise<void> {
    const connection = this.#connection;
    this.#owned = new Set();
    this.#connection = undefined;
    await connection?.end().catch(() => undefined);
  }

  async #publishLoop(): Promise<void> {
    while (!this.#stopping) {
      try {
        const full = await this.#publishBatch();
        if (!full) await this.#pause(this.#options.pollMs);
      } catch (error) {
        this.#options.onError(error, 'publishing the outbox');
        await this.#sleep(300 + Math.random() * 400);
      }
    }
  }

  /** @returns whether there may be more to publish at once. */
  async #publishBatch(): Promise<boolean> {
    const owned = this.#owned;
    if (owned.size === 0) return false;
    const { rows } = await this.#options.database.query<OutboxRow>(
      'SELECT id, topic, key, event FROM outbox WHERE published_at IS NULL AND shard = ANY($1) ORDER BY id LIMIT $2',
      [[...owned], this.#options.batchSize],
    );
    if (rows.length === 0) return false;
    const producer = await this.#connectedProducer();
    // Ownership may have gone during the read: then sending would only repeat what the next owner sends.
    if (this.#owned !== owned) return true;
    const byTopic = Map.groupBy(rows, (row) => row.topic);
    await producer.sendBatch({
      acks: -1,
      timeout: 5000,
      topicMessages: [...byTopic].map(([topic, messages]) => ({ topic, messages: messages.map((row) => toMessage(row.key, row.event)) })),
    });
    await this.#options.beforeMark?.();
    await this.#options.database.query('UPDATE outbox SET published_at = clock_timestamp() WHERE id = ANY($1)', [rows.map(({ id }) => id)]);
    return rows.length === this.#options.batchSize || this.#woken;
  }

  async #connectedProducer(): Promise<Producer> {
    if (this.#producer) return this.#producer;
    const producer = this.#options.log.producer();
    await producer.connect();
    this.#producer = producer;
    return producer;
  }

  async #purgeLoop(): Promise<void> {
    while (!this.#stopping) {
      await this.#sleep(60_000);
      if (this.#stopping || !this.#owned.has(0)) continue;
      await this.#options.database
        .query(
          `DELETE FROM outbox WHERE id IN (
             SELECT id FROM outbox WHERE published_at < clock_timestamp() - make_interval(secs => $1) ORDER BY published_at LIMIT 5000)`,
          [this.#options.keepMs / 1000],
        )
        .catch((error: unknown) => this.#options.onError(error, 'purging the outbox'));
    }
  }

  async #sleep(milliseconds: number): Promise<void> {
    const end = Date.now() + milliseconds;
    while (!this.#stopping && Date.now() < end) await new Promise((resolve) => setTimeout(resolve, Math.min(100, end - Date.now())));
  }
}
