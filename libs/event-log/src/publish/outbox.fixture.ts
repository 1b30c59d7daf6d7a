import { type ChildProcess, spawn } from 'node:child_process';
import type { AnyEvent, Topic } from '@communication-center/contracts';
import { eventually, Fleet, TestSchema } from '@communication-center/testing';
import {
  consumerTables,
  type Database,
  EventLog,
  eventLogTables,
  fromMessage,
  OutboxRelay,
  outboxFunctions,
  outboxTables,
  readRange,
  type WrittenRow,
  writeOutbox,
} from '../index.js';
import type { RelayOptions } from './relay-options.js';

export interface Found {
  key: string;
  /** null in a tombstone. */
  sequence: number | null;
  partition: number;
  offset: bigint;
}

export function eventOf(key: string, sequence: number, data: unknown = {}): AnyEvent {
  const attributes = {
    specversion: '1.0',
    id: `${key}-${sequence}`,
    source: '/test',
    type: 'test.happened',
    time: new Date().toISOString(),
  };
  return { ...attributes, subject: key, appid: 'test', sequence, dataversion: 1, data } as AnyEvent;
}

/** A schema, a topic and relays of their own for a test. */
export class OutboxBench {
  readonly log: EventLog;
  readonly topic: Topic;
  readonly errors: string[] = [];
  readonly onError = (error: unknown, doing: string) => void this.errors.push(`${doing}: ${error}`);
  readonly #cleanups: (() => Promise<unknown>)[] = [];

  private constructor(
    readonly fleet: Fleet,
    readonly schema: TestSchema,
  ) {
    this.log = new EventLog({ brokers: [fleet.state.servers.brokers], clientId: schema.schema });
    this.topic = `test.${schema.schema}` as Topic;
  }

  static async make({ partitions = 4, compacted = false, copies = 1 } = {}): Promise<OutboxBench> {
    const fleet = new Fleet();
    const schema = await TestSchema.make(fleet, [...eventLogTables, ...outboxTables, ...outboxFunctions, ...consumerTables]);
    const bench = new OutboxBench(fleet, schema);
    const configEntries = compacted ? [{ name: 'cleanup.policy', value: 'compact' }] : [];
    await new EventLog({ brokers: [fleet.state.servers.brokers], clientId: 'topics', replicationFactor: copies }).createIfMissing([
      { topic: bench.topic, numPartitions: partitions, configEntries },
    ]);
    // As a service remembers it from its first start on.
    await schema.query('INSERT INTO topic_partitions VALUES ($1, $2)', [bench.topic, partitions]);
    return bench;
  }

  get database(): Database {
    return this.schema as unknown as Database;
  }

  relay(options: Partial<RelayOptions> = {}): OutboxRelay {
    const relay = new OutboxRelay({ log: this.log, database: this.database, onError: this.onError, topics: [this.topic], ...options });
    relay.start();
    this.atEnd(() => relay.stop());
    return relay;
  }

  /** Writes events of a key, or its tombstone. @returns what to tell a relay of. */
  write(key: string, ...sequences: (number | null)[]): Promise<WrittenRow[]> {
    const entries = sequences.map((sequence) => ({ topic: this.topic, key, event: sequence === null ? null : eventOf(key, sequence) }));
    return writeOutbox(this.database, entries);
  }

  async waiting(): Promise<number> {
    const { rows } = await this.schema.query<{ n: number }>('SELECT count(*)::int AS n FROM outbox');
    return rows[0]?.n ?? 0;
  }

  async allPublished(timeoutMs?: number): Promise<void> {
    await eventually('all being published', async () => (await this.waiting()) === 0, timeoutMs);
  }

  /** Everything the topic holds, in the order of each partition. */
  async inTopic(): Promise<Found[]> {
    const found: Found[] = [];
    await readRange(this.log, this.topic, {}, async (messages) => {
      for (const { partition, message } of messages) {
        const sequence = fromMessage(message)?.sequence ?? null;
        found.push({ key: String(message.key), sequence, partition, offset: BigInt(message.offset) });
      }
    });
    return found;
  }

  /**
   * A replica in a process of its own, which says what it is about to send and waits a moment before it does. It writes what it is
   * told, goes on from memory, and marks only what it has to before it reads.
   * @param database by which it reaches PostgreSQL, where that is another way than the test's.
   */
  async replica(database = this.fleet.state.servers.database): Promise<Replica> {
    const child = spawn(process.execPath, ['--input-type=module', '-e', replicaScript], {
      cwd: import.meta.dirname,
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      env: {
        ...process.env,
        SCHEMA: this.schema.schema,
        TOPIC: this.topic,
        BROKERS: this.fleet.state.servers.brokers,
        DATABASE: database,
      },
    });
    this.atEnd(async () => child.kill('SIGKILL'));
    return new Replica(child);
  }

  /** Runs something when the test is over. */
  atEnd(cleanup: () => Promise<unknown>): void {
    this.#cleanups.push(cleanup);
  }

  async end(): Promise<void> {
    for (const cleanup of this.#cleanups.reverse()) await cleanup();
    const admin = this.log.kafka.admin();
    await admin.connect();
    await admin.deleteTopics({ topics: [this.topic] });
    await admin.disconnect();
    await this.schema.drop();
  }
}

interface Said {
  owned?: number;
  sending?: number;
  sent?: boolean;
  written?: number;
}

/** A relay in a process of its own, and what it has said so far. */
export class Replica {
  said: Said[] = [];

  constructor(readonly process: ChildProcess) {
    process.on('message', (message) => void this.said.push(message as Said));
  }

  /** Waits until it has said something; what it said up to then is forgotten. */
  async hears(what: string, isIt: (said: Said) => unknown): Promise<void> {
    const at = await eventually(what, () => {
      const found = this.said.findIndex(isIt);
      return found >= 0 && { found };
    });
    this.said.splice(0, at.found + 1);
  }

  forget(): void {
    this.said = [];
  }
}

const replicaScript = `
  import { EventLog, OutboxRelay, writeOutbox } from '@communication-center/event-log';
  import pg from 'pg';
  const config = { connectionString: process.env.DATABASE, options: '-c search_path=' + process.env.SCHEMA };
  const pool = new pg.Pool(config);
  pool.on('error', () => {});
  const database = {
    schema: process.env.SCHEMA,
    query: (text, values) => pool.query(text, values),
    connect: async () => { const client = new pg.Client(config); client.on('error', () => {}); await client.connect(); return client; },
  };
  const log = new EventLog({ brokers: [process.env.BROKERS], clientId: 'replica' });
  const sendThrough = (send) => async (batch) => {
    process.send({ sending: batch.topicMessages[0].messages.length });
    await new Promise((resolve) => setTimeout(resolve, 500));
    const answer = await send(batch);
    process.send({ sent: true });
    return answer;
  };
  const topic = process.env.TOPIC;
  const relay = new OutboxRelay({ log, database, onError: () => {}, topics: [topic], countedFromOne: [topic], markEveryMs: 30000, sendThrough });
  relay.start();
  const eventOf = (key, sequence) => ({ specversion: '1.0', id: key + '-' + sequence, source: '/test', type: 'test.happened',
    time: new Date().toISOString(), subject: key, appid: 'test', sequence, dataversion: 1, data: {} });
  process.on('message', async ({ write: key, sequences }) => {
    relay.committed(await writeOutbox(database, sequences.map((sequence) => ({ topic, key, event: eventOf(key, sequence) }))));
    process.send({ written: sequences.at(-1) });
  });
  setInterval(() => process.send({ owned: relay.owned.size }), 50);
`;
