import { setTimeout as sleep } from 'node:timers/promises';
import type { Admin } from 'kafkajs';
import { InfrastructureError } from '../failures.js';
import type { EndableAdmin } from './connections.js';

/** Where a partition begins and ends. */
export interface PartitionEnds {
  partition: number;
  low: bigint;
  high: bigint;
}

/**
 * Asks the brokers on one connection that stays. What fails is asked again on a new one: the client's admin goes on asking the
 * leaders it first heard of, for minutes after they have moved.
 */
export class BrokerQuestions {
  #connected: Promise<EndableAdmin> | undefined;
  #isOver = false;

  /** @param patienceMs for so long a question is asked again. */
  constructor(
    private readonly makeAdmin: () => EndableAdmin,
    private readonly patienceMs = 30_000,
  ) {}

  /** @throws what the question fails with when it has failed for `patienceMs`, or after `stop`. */
  async ask<T>(question: (admin: Admin) => Promise<T>): Promise<T> {
    for (const end = Date.now() + this.patienceMs; ; await sleep(100 + Math.random() * 100)) {
      if (this.#isOver) throw new InfrastructureError('asking the brokers was stopped');
      const connected = this.#connected ?? this.#connect();
      this.#connected = connected;
      try {
        return await question((await connected).admin);
      } catch (error) {
        await this.#disconnect(connected);
        if (Date.now() > end) throw error;
      }
    }
  }

  /** @returns where each partition of a topic begins and ends now. @throws as `ask` does, such as while nobody leads one. */
  async ends(topic: string): Promise<PartitionEnds[]> {
    const offsets = await this.ask((admin) => admin.fetchTopicOffsets(topic));
    return offsets.map(({ partition, low, high }) => ({ partition, low: BigInt(low), high: BigInt(high) }));
  }

  /** Deletes a group that nobody needs, and leaves it to the brokers' own time when that fails. */
  async deleteGroup(group: string): Promise<void> {
    const connected = this.#connected ?? this.#connect();
    this.#connected = connected;
    await connected.then(({ admin }) => admin.deleteGroups([group])).catch(() => undefined);
  }

  /** Ends the connection, and what is being asked with its next failure. */
  async stop(): Promise<void> {
    this.#isOver = true;
    await this.#disconnect(this.#connected);
  }

  async #connect(): Promise<EndableAdmin> {
    const made = this.makeAdmin();
    try {
      await made.admin.connect();
      return made;
    } catch (error) {
      await made.end();
      throw error;
    }
  }

  async #disconnect(connected: Promise<EndableAdmin> | undefined): Promise<void> {
    if (this.#connected !== connected) return;
    this.#connected = undefined;
    const made = await connected?.catch(() => undefined);
    await made?.end();
  }
}
