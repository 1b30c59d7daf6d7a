import { topics as productTopics } from '@communication-center/contracts';
import type { Admin } from 'kafkajs';
import type { EventLog } from './event-log.js';

const askEveryMs = 5000;
/** An answer that is older says nothing of now. */
const staleMs = 30_000;

/**
 * Whether the brokers could do their work, for whoever wonders why something stands still: each partition is led, and has all
 * its copies in sync but one at most. Asked in the background, and only while somebody wants to know.
 */
export class BrokerWatch {
  #admin: Admin | undefined;
  #asking: Promise<void> | undefined;
  #askedAt = Number.NEGATIVE_INFINITY;
  #answeredAt = Number.NEGATIVE_INFINITY;
  #wellSince: number | undefined;

  constructor(private readonly log: Pick<EventLog, 'admin'>) {}

  /** @returns for how long the brokers are known to have been well, in milliseconds: 0 while that is not known. */
  wellForMs(): number {
    const now = performance.now();
    if (now - this.#answeredAt > staleMs) this.#wellSince = undefined;
    if (!this.#asking && now - this.#askedAt >= askEveryMs) {
      this.#askedAt = now;
      this.#asking = this.#ask().finally(() => {
        this.#asking = undefined;
      });
    }
    return this.#wellSince === undefined ? 0 : now - this.#wellSince;
  }

  async stop(): Promise<void> {
    await this.#forget();
  }

  async #ask(): Promise<void> {
    const areWell = await this.#areWell().catch(() => false);
    const now = performance.now();
    this.#answeredAt = now;
    if (!areWell) this.#wellSince = undefined;
    else this.#wellSince ??= now;
  }

  async #areWell(): Promise<boolean> {
    this.#admin ??= this.log.admin();
    try {
      await this.#admin.connect();
      const { topics } = await this.#admin.fetchTopicMetadata({ topics: Object.keys(productTopics) });
      const partitions = topics.flatMap((topic) => topic.partitions);
      return partitions.every(({ leader, isr, replicas }) => leader >= 0 && isr.length >= Math.max(1, replicas.length - 1));
    } catch (error) {
      await this.#forget();
      throw error;
    }
  }

  async #forget(): Promise<void> {
    const admin = this.#admin;
    this.#admin = undefined;
    await admin?.disconnect().catch(() => undefined);
  }
}
