import type { TopicPartitionOffsetAndMetadata } from 'kafkajs';

export interface OffsetCommitOptions {
  /** @throws where the brokers did not take them. */
  commit: (offsets: TopicPartitionOffsetAndMetadata[]) => Promise<void>;
  onError: (error: unknown) => void;
  everyMs?: number;
}

/** What brokers answer a member that is not, or not yet again, what it was: its successor decides what was handled. */
const notMine = new Set(['REBALANCE_IN_PROGRESS', 'ILLEGAL_GENERATION', 'UNKNOWN_MEMBER_ID', 'FENCED_INSTANCE_ID']);

/**
 * Commits how far partitions are handled, all of a member's in one request and not more often than each second: brokers write
 * a commit as they write an event, to as many copies. Whoever takes over a partition of a member that died gets its last second
 * again.
 */
export class OffsetCommits {
  readonly #options: Required<OffsetCommitOptions>;
  #handled = new Map<string, TopicPartitionOffsetAndMetadata>();
  #timer: NodeJS.Timeout | undefined;
  #isOver = false;

  constructor(options: OffsetCommitOptions) {
    this.#options = { everyMs: 1000, ...options };
  }

  /** Notes that a partition is handled up to this message. */
  handled(topic: string, partition: number, offset: string): void {
    if (this.#isOver) return;
    this.#handled.set(`${topic} ${partition}`, { topic, partition, offset: String(BigInt(offset) + 1n) });
    this.#timer ??= setTimeout(() => void this.flush(), this.#options.everyMs);
  }

  /** Commits what is noted, now. */
  async flush(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#handled.size === 0 || this.#isOver) return;
    const noted = this.#handled;
    this.#handled = new Map();
    try {
      await this.#options.commit([...noted.values()]);
    } catch (error) {
      if (this.#isOver || isNotMine(error)) return;
      this.#options.onError(error);
      this.#keep(noted);
    }
  }

  /** Forgets what is noted: its partitions may be another's by now. */
  end(): void {
    this.#isOver = true;
    clearTimeout(this.#timer);
  }

  #keep(noted: Map<string, TopicPartitionOffsetAndMetadata>): void {
    this.#handled = new Map([...noted, ...this.#handled]);
    this.#timer ??= setTimeout(() => void this.flush(), this.#options.everyMs * (1 + Math.random()));
  }
}

function isNotMine(error: unknown): boolean {
  return error instanceof Error && 'type' in error && notMine.has(String(error.type));
}
