import { topics } from '@communication-center/contracts';
import { Kafka, logLevel, Partitioners, type Producer, type SASLOptions } from 'kafkajs';

export interface EventLogOptions {
  brokers: string[];
  /** Names this process to the brokers, such as `calls`. */
  clientId: string;
  ssl?: boolean;
  sasl?: { mechanism: 'plain' | 'scram-sha-256' | 'scram-sha-512'; username: string; password: string };
  /** How many copies of each partition the brokers keep. 1 on a single broker. */
  replicationFactor?: number;
  /** Receives the client's own complaints. */
  warn?: (message: string, detail: Record<string, unknown>) => void;
}

/** A connection to the log. Everything that touches Kafka is made from one of these, inside this library alone. */
export class EventLog {
  readonly kafka: Kafka;
  readonly clientId: string;
  readonly #replicationFactor: number;

  constructor(options: EventLogOptions) {
    this.clientId = options.clientId;
    this.#replicationFactor = options.replicationFactor ?? 1;
    this.kafka = new Kafka({
      brokers: options.brokers,
      clientId: options.clientId,
      connectionTimeout: 3000,
      requestTimeout: 15_000,
      retry: { initialRetryTime: 100, maxRetryTime: 3000, retries: 8, factor: 0.2, multiplier: 2 },
      logLevel: logLevel.ERROR,
      logCreator: () => (entry) => options.warn?.(entry.log.message, { ...entry.log }),
      ...(options.ssl && { ssl: true }),
      ...(options.sasl && { sasl: options.sasl as SASLOptions }),
    });
  }

  /**
   * @returns a producer that waits for every in-sync replica and tries once: between its own tries the client forgets
   * partitions that moved, and says they were sent. Whoever sends must send again after a failure, one send in flight a
   * partition, and must see an offset for every partition. Where partitions lie is asked again each few seconds, because a
   * broker that hangs tells nobody that it lost them.
   */
  producer(): Producer {
    return this.kafka.producer({
      allowAutoTopicCreation: false,
      createPartitioner: Partitioners.DefaultPartitioner,
      metadataMaxAge: 5000,
      retry: { initialRetryTime: 50, maxRetryTime: 500, retries: 0 },
    });
  }

  /** Creates the topics that are missing, with their partitions and retention; leaves existing ones as they are. */
  async createTopics(): Promise<void> {
    const day = 86_400_000;
    const configs = {
      lasting: [
        { name: 'cleanup.policy', value: 'delete' },
        { name: 'retention.ms', value: '-1' },
      ],
      compacted: [
        { name: 'cleanup.policy', value: 'compact' },
        { name: 'delete.retention.ms', value: String(7 * day) },
      ],
      passing: [
        { name: 'cleanup.policy', value: 'delete' },
        { name: 'retention.ms', value: String(7 * day) },
      ],
    };
    await this.#create(
      Object.entries(topics).map(([topic, { partitions, retention }]) => ({
        topic,
        numPartitions: partitions,
        configEntries: configs[retention],
      })),
    );
  }

  /** Creates a topic of one partition that keeps its messages for ever, unless it exists. */
  async createLastingTopic(topic: string): Promise<void> {
    await this.#create([{ topic, numPartitions: 1, configEntries: [{ name: 'retention.ms', value: '-1' }] }]);
  }

  async #create(wanted: { topic: string; numPartitions: number; configEntries: { name: string; value: string }[] }[]): Promise<void> {
    const admin = this.kafka.admin();
    await admin.connect();
    try {
      const existing = new Set(await admin.listTopics());
      const missing = wanted.filter(({ topic }) => !existing.has(topic));
      if (missing.length === 0) return;
      await admin.createTopics({
        waitForLeaders: true,
        topics: missing.map((topic) => ({ ...topic, replicationFactor: this.#replicationFactor })),
      });
    } finally {
      await admin.disconnect();
    }
  }
}
