import type { KafkaMessage, Producer } from 'kafkajs';
import type { Database, Sql } from '../database.js';
import type { EventLog } from '../log/event-log.js';
import { readRange } from '../log/read-range.js';

export interface ParkedKey {
  consumerGroup: string;
  topic: string;
  key: string;
  reason: string;
  parkedAt: Date;
}

/** @returns the topic that keeps what a group could not handle. */
export function deadLetterTopic(topic: string, group: string): string {
  return `${topic}.dead.${group}`;
}

/**
 * Keys whose events one consumer group cannot handle, and the dead-letter topics that hold those events.
 *
 * A key is parked by the one member that owns its partition and freed by a redrive anywhere. So "not parked" in that
 * member's memory is certain, and "parked" is asked of the database again.
 */
export class DeadLetters {
  readonly #log: EventLog;
  readonly #database: Database;
  readonly #producer: Producer;
  readonly #topics = new Set<string>();
  #connected: Promise<void> | undefined;

  constructor(log: EventLog, database: Database) {
    this.#log = log;
    this.#database = database;
    this.#producer = log.producer();
  }

  async stop(): Promise<void> {
    if (this.#connected) await this.#producer.disconnect();
  }

  /** @returns the keys parked for a group on a topic, as `topic key` strings. */
  async parkedKeys(group: string): Promise<Set<string>> {
    const { rows } = await this.#database.query<{ topic: string; key: string }>(
      'SELECT topic, key FROM parked_keys WHERE consumer_group = $1',
      [group],
    );
    return new Set(rows.map(({ topic, key }) => `${topic} ${key}`));
  }

  /** @returns every parked key of this service. */
  async list(): Promise<ParkedKey[]> {
    const { rows } = await this.#database.query<ParkedKey>(
      `SELECT consumer_group AS "consumerGroup", topic, key, reason, parked_at AS "parkedAt" FROM parked_keys ORDER BY parked_at`,
    );
    return rows;
  }

  /** Parks a key with the message that could not be handled. The message is durable before the key counts as parked. */
  async park(group: string, topic: string, message: KafkaMessage, error: unknown): Promise<void> {
    const reason = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
    const offset = await this.#append(group, topic, message, reason);
    await this.#database.query(
      `INSERT INTO parked_keys (consumer_group, topic, key, reason, dead_offset) VALUES ($1, $2, $3, $4, $5)
       ON CONFLICT (consumer_group, topic, key) DO NOTHING`,
      [group, topic, String(message.key), reason.slice(0, 2000), offset],
    );
  }

  /** Puts a later message of a parked key behind it. @returns false when the key is no longer parked. */
  async parkBehind(group: string, topic: string, message: KafkaMessage): Promise<boolean> {
    return this.#database.transaction(async (tx) => {
      // The share lock makes a redrive wait, so that it cannot free the key before this message is behind it.
      const { rows } = await tx.query('SELECT 1 FROM parked_keys WHERE consumer_group = $1 AND topic = $2 AND key = $3 FOR SHARE', [
        group,
        topic,
        String(message.key),
      ]);
      if (rows.length === 0) return false;
      await this.#append(group, topic, message, 'behind a parked event');
      return true;
    });
  }

  /**
   * Handles a parked key's events anew, in order, and frees the key when all of them went well.
   * @returns how many events were handled; 0 when the key is not parked.
   * @throws what `handle` throws: the key stays parked from that event on.
   */
  async redrive(group: string, topic: string, key: string, handle: (message: KafkaMessage) => Promise<void>): Promise<number> {
    const dead = deadLetterTopic(topic, group);
    return this.#database.transaction(async (tx) => {
      const from = await lockParked(tx, group, topic, key);
      if (from === undefined) return 0;
      let handled = 0;
      await readRange(this.#log, dead, { from: { 0: from } }, async (messages) => {
        for (const { message } of messages) {
          if (String(message.key) !== key) continue;
          await handle(message);
          handled += 1;
        }
      });
      await tx.query('DELETE FROM parked_keys WHERE consumer_group = $1 AND topic = $2 AND key = $3', [group, topic, key]);
      return handled;
    });
  }

  async #append(group: string, topic: string, message: KafkaMessage, reason: string): Promise<string> {
    const dead = deadLetterTopic(topic, group);
    this.#connected ??= this.#producer.connect();
    await this.#connected;
    if (!this.#topics.has(dead)) {
      await this.#log.createLastingTopic(dead);
      this.#topics.add(dead);
    }
    const headers = { ...message.headers, 'dead-letter-reason': reason.slice(0, 2000), 'dead-letter-offset': message.offset };
    const [written] = await this.#producer.send({
      topic: dead,
      acks: -1,
      messages: [{ key: message.key, value: message.value, headers, partition: 0 }],
    });
    return written?.baseOffset ?? '0';
  }
}

async function lockParked(tx: Sql, group: string, topic: string, key: string): Promise<string | undefined> {
  const { rows } = await tx.query<{ dead_offset: string }>(
    'SELECT dead_offset FROM parked_keys WHERE consumer_group = $1 AND topic = $2 AND key = $3 FOR UPDATE',
    [group, topic, key],
  );
  return rows[0]?.dead_offset;
}
