import { topics } from '@communication-center/contracts';
import { type Admin, Kafka, type KafkaConfig, logLevel, Partitioners, type Producer, type SASLOptions } from 'kafkajs';
import { BrokerQuestions, type PartitionEnds } from './broker-questions.js';
import { endableAdmin, keptAliveSocket } from './connections.js';
import { fetchInSessions } from './fetch-in-sessions.js';
import { readFetchedLazily } from './read-fetched.js';
import { countRequests, requestCounts } from './request-counts.js';
import { restWhenIdle } from './rest-when-idle.js';
import type { TlsIdentity } from './tls-files.js';
import { type ConfigEntry, retentions } from './topic-retentions.js';

export interface EventLogOptions {
  /** Each `host:port`, or several with commas between them. */
  brokers: string[];
  /** Names this process to the brokers, such as `calls`. */
  clientId: string;
  /** Where brokers are reached over TLS: with what. A certificate that does not match is refused. */
  ssl?: TlsIdentity;
  sasl?: { mechanism: 'plain' | 'scram-sha-256' | 'scram-sha-512'; username: string; password: string };
  /** How many copies of each partition of a new topic the brokers keep: their own default unless told. */
  replicationFactor?: number;
  /** How many partitions a new topic of the product has, once for good: 48 unless told. */
  partitions?: number;
  /** Receives the client's own complaints. */
  warn?: (message: string, detail: Record<string, unknown>) => void;
}

interface WantedTopic {
  topic: string;
  numPartitions: number;
  configEntries?: ConfigEntry[];
}

/** What Kafka calls a topic where it is asked for settings of things; the client's own name for it cannot be imported by name. */
const topicResource = 2;

/** A connection to the log. Everything that touches Kafka is made from one of these, inside this library alone. */
export class EventLog {
  readonly kafka: Kafka;
  readonly clientId: string;
  readonly #replicationFactor: number | undefined;
  readonly #partitions: number;
  readonly #config: KafkaConfig;

  constructor(options: EventLogOptions) {
    this.clientId = options.clientId;
    this.#replicationFactor = options.replicationFactor;
    this.#partitions = options.partitions ?? 48;
    restWhenIdle();
    countRequests();
    fetchInSessions();
    readFetchedLazily();
    this.#config = {
      brokers: options.brokers.flatMap((list) => list.split(',')),
      clientId: options.clientId,
      connectionTimeout: 3000,
      // A broker that hangs is noticed within seconds. Joining a group has a limit of its own: the group's rebalance.
      requestTimeout: 6000,
      socketFactory: keptAliveSocket,
      retry: { initialRetryTime: 100, maxRetryTime: 3000, retries: 8, factor: 0.2, multiplier: 2 },
      logLevel: logLevel.ERROR,
      logCreator: () => (entry) => options.warn?.(entry.log.message, { ...entry.log }),
      ...(options.ssl && { ssl: options.ssl }),
      ...(options.sasl && { sasl: options.sasl as SASLOptions }),
    };
    this.kafka = new Kafka(this.#config);
  }

  /** How many requests of each kind (`Produce`, `Fetch`, `OffsetCommit` …) this process has made to brokers, by whatever log. */
  static get requestCounts(): ReadonlyMap<string, number> {
    return requestCounts;
  }

  /**
   * @returns a producer that waits for every in-sync replica and tries once: between its own tries the client forgets
   * partitions that moved, and says they were sent. Whoever sends must send again after a failure, one send in flight a
   * partition, and must see an offset for every partition. Where partitions lie is asked again each few seconds unless told
   * otherwise, because a broker that hangs tells nobody that it lost them.
   */
  producer({ metadataMaxAgeMs = 5000 } = {}): Producer {
    return this.kafka.producer({
      allowAutoTopicCreation: false,
      createPartitioner: Partitioners.DefaultPartitioner,
      metadataMaxAge: metadataMaxAgeMs,
      retry: { initialRetryTime: 50, maxRetryTime: 500, retries: 0 },
    });
  }

  /** @returns what asks the brokers, and gives up soon: whoever asks again and again need not wait for one that is away. */
  admin(): Admin {
    return this.kafka.admin({ retry: { initialRetryTime: 50, maxRetryTime: 500, retries: 1 } });
  }

  /**
   * Creates the topics that are missing; leaves existing ones as they are. Their partitions are counted once for good: a
   * key's events are in order only within its partition, and with another count it lies in another.
   */
  async createTopics(): Promise<void> {
    await this.createIfMissing(
      Object.entries(topics).map(([topic, { retention }]) => ({
        topic,
        numPartitions: this.#partitions,
        configEntries: [...retentions[retention], ...this.#safety()],
      })),
    );
  }

  /**
   * Compares what the topics keep, and for how long, with what they should: one that was made by hand or by an early release may
   * differ, and is left as it is.
   */
  async otherwiseKept(): Promise<{ topic: string; name: string; value: string; wanted: string }[]> {
    const wanted = Object.entries(topics).map(([topic, { retention }]) => ({ topic, entries: retentions[retention] }));
    const { resources } = await this.#ask((brokers) =>
      brokers.ask((admin) =>
        admin.describeConfigs({
          includeSynonyms: false,
          resources: wanted.map(({ topic, entries }) => ({
            type: topicResource,
            name: topic,
            configNames: entries.map(({ name }) => name),
          })),
        }),
      ),
    );
    return wanted.flatMap(({ topic, entries }) => {
      const found = resources.find(({ resourceName }) => resourceName === topic)?.configEntries ?? [];
      return entries.flatMap(({ name, value }) => {
        const there = found.find(({ configName }) => configName === name)?.configValue ?? 'not known';
        return there === value ? [] : [{ topic, name, value: there, wanted: value }];
      });
    });
  }

  /** What keeps acknowledged events when brokers die: all but one copy must have them, and no other copy may lead. */
  #safety(): ConfigEntry[] {
    const unclean = { name: 'unclean.leader.election.enable', value: 'false' };
    if (this.#replicationFactor === undefined) return [unclean];
    return [unclean, { name: 'min.insync.replicas', value: String(Math.max(1, this.#replicationFactor - 1)) }];
  }

  /**
   * Counts the product's partitions of which a copy is not in sync, or that nobody leads: before the next broker is restarted
   * it must be 0.
   * @throws when no broker answers.
   */
  async copiesBehind(): Promise<number> {
    const admin = this.kafka.admin();
    await admin.connect();
    try {
      const known = await admin.fetchTopicMetadata({ topics: Object.keys(topics) });
      const partitions = known.topics.flatMap((topic) => topic.partitions);
      return partitions.filter(({ isr, replicas, leader }) => leader < 0 || isr.length < replicas.length).length;
    } finally {
      await admin.disconnect();
    }
  }

  /** @returns what asks the brokers again until they answer, half a minute long. Whoever takes it stops it. */
  questions(): BrokerQuestions {
    return new BrokerQuestions(() => endableAdmin(this.#config));
  }

  /**
   * @returns where each partition of a topic begins and ends.
   * @throws when that is not known within half a minute, such as while nobody leads a partition.
   */
  async ends(topic: string): Promise<PartitionEnds[]> {
    return this.#ask((brokers) => brokers.ends(topic));
  }

  /**
   * @returns in each partition of a topic the first offset of what was published since a moment: where it ends, if there is nothing.
   * @throws as {@link ends} does.
   */
  async since(topic: string, at: Date): Promise<Map<number, bigint>> {
    const found = await this.#ask((brokers) => brokers.ask((admin) => admin.fetchTopicOffsetsByTimestamp(topic, at.getTime())));
    return new Map(found.map(({ partition, offset }) => [partition, BigInt(offset)]));
  }

  /** Waits until some broker looks after consumer groups, as the first one to ask makes them do. */
  async untilGroupsAreLookedAfter(): Promise<void> {
    await this.#ask((brokers) => brokers.ask((admin) => admin.fetchOffsets({ groupId: `${this.clientId}.nobody` })));
  }

  async #ask<T>(question: (brokers: BrokerQuestions) => Promise<T>): Promise<T> {
    const brokers = this.questions();
    try {
      return await question(brokers);
    } finally {
      await brokers.stop();
    }
  }

  /** Creates a topic of one partition that keeps its messages for ever, unless it exists. */
  async createLastingTopic(topic: string): Promise<void> {
    await this.createIfMissing([{ topic, numPartitions: 1, configEntries: [...retentions.lasting, ...this.#safety()] }]);
  }

  /** Creates the topics of these that are missing. Resolves when every partition of all of them has a leader that is known. */
  async createIfMissing(wanted: readonly WantedTopic[]): Promise<void> {
    const admin = this.kafka.admin();
    await admin.connect();
    try {
      const existing = new Set(await admin.listTopics());
      const copies = this.#replicationFactor && { replicationFactor: this.#replicationFactor };
      const topics = wanted.filter(({ topic }) => !existing.has(topic)).map((topic) => ({ ...topic, ...copies }));
      if (topics.length > 0) await admin.createTopics({ topics, waitForLeaders: false });
      await this.#untilLed(wanted.map(({ topic }) => topic));
    } finally {
      await admin.disconnect();
    }
  }

  /**
   * Waits until the brokers know who leads each partition: one that was asked a moment after another may not have heard of the
   * topic yet, and kafkajs' own wait takes that for a failure.
   */
  async #untilLed(topics: string[]): Promise<void> {
    await this.#ask(async (brokers) => {
      await brokers.ask(async (admin) => {
        const known = await admin.fetchTopicMetadata({ topics });
        const areLed = known.topics.every(({ partitions }) => partitions.length > 0 && partitions.every(({ leader }) => leader >= 0));
        if (!areLed) throw new Error(`topics without leaders: ${topics}`);
      });
      // A broker may lead a partition for others a moment before it knows itself.
      await brokers.ask((admin) => Promise.all(topics.map((topic) => admin.fetchTopicOffsets(topic))));
    });
  }
}
