import type { BrokerQuestions } from '../log/broker-questions.js';
import type { EventLog } from '../log/event-log.js';

/** Who consumes which topics, and how far that is known here. */
export interface Consuming {
  group: string;
  topics: readonly string[];
  /** Where one that follows by itself is; of a consumer group the brokers know. */
  positions?: ReadonlyMap<number, bigint>;
  /** Whether a group that has committed nothing yet has everything before it. */
  fromBeginning: boolean;
}

/** How many events of a topic somebody has yet to consume. */
export interface Lag {
  group: string;
  topic: string;
  events: number;
}

const freshMs = 10_000;
/** Whoever asks for figures does not wait for brokers that are away. */
const waitMs = 2000;

/** How far consumers are behind, asked of the brokers when somebody wants to know, and not more often than each ten seconds. */
export class ConsumerLags {
  #brokers: BrokerQuestions | undefined;
  #asking: Promise<void> | undefined;
  #known: { at: number; lags: Lag[] } = { at: Number.NEGATIVE_INFINITY, lags: [] };

  constructor(
    private readonly log: Pick<EventLog, 'questions'>,
    private readonly consuming: () => readonly Consuming[],
  ) {}

  /** @returns what is known of late; nothing while the brokers do not answer: an old figure would look like a new one. */
  async read(): Promise<readonly Lag[]> {
    if (performance.now() - this.#known.at > freshMs) {
      this.#asking ??= this.#ask().finally(() => {
        this.#asking = undefined;
      });
      await Promise.race([this.#asking.catch(() => undefined), new Promise((resolve) => setTimeout(resolve, waitMs).unref())]);
    }
    return performance.now() - this.#known.at > 2 * freshMs ? [] : this.#known.lags;
  }

  async stop(): Promise<void> {
    await this.#brokers?.stop();
  }

  async #ask(): Promise<void> {
    const consuming = this.consuming();
    this.#brokers ??= this.log.questions();
    const brokers = this.#brokers;
    const ends = new Map<string, Map<number, { low: bigint; high: bigint }>>();
    for (const topic of new Set(consuming.flatMap(({ topics }) => topics))) {
      ends.set(topic, new Map((await brokers.ends(topic)).map(({ partition, low, high }) => [partition, { low, high }])));
    }
    const lags: Lag[] = [];
    for (const { group, topics, positions, fromBeginning } of consuming) {
      const committed = positions ? undefined : await committedOf(brokers, group, topics);
      for (const topic of topics) {
        const at = positions ?? committed?.get(topic);
        const behind = [...(ends.get(topic) ?? [])].map(([partition, { low, high }]) => {
          const next = at?.get(partition) ?? (fromBeginning ? low : high);
          return next < low ? high - low : high - next;
        });
        lags.push({ group, topic, events: Number(behind.reduce((sum, one) => (one > 0n ? sum + one : sum), 0n)) });
      }
    }
    this.#known = { at: performance.now(), lags };
  }
}

async function committedOf(
  brokers: BrokerQuestions,
  groupId: string,
  topics: readonly string[],
): Promise<Map<string, Map<number, bigint>>> {
  const told = await brokers.ask((admin) => admin.fetchOffsets({ groupId, topics: [...topics] }));
  const known = told.map(({ topic, partitions }) => {
    const offsets = partitions.map(({ partition, offset }) => [partition, BigInt(offset)] as const);
    return [topic, new Map(offsets.filter(([, offset]) => offset >= 0n))] as const;
  });
  return new Map(known);
}
