import type { Admin } from 'kafkajs';
import type { EventLog } from '../log/event-log.js';
import type { Lane } from './lanes.js';

export interface TopicMapOptions {
  log: EventLog;
  /** How long what is known counts as fresh. */
  maxAgeMs?: number;
  onError: (error: unknown, doing: string) => void;
}

/**
 * Who leads which partition. Kept up to date in the background, so that nobody who sends waits for a broker that hangs:
 * whatever it led last is sent to it and fails, everything else goes on.
 */
export class TopicMap {
  readonly #options: Required<TopicMapOptions>;
  readonly #leaders = new Map<string, Map<number, number>>();
  readonly #topics = new Set<string>();
  #generation = 0;
  #admin: Admin | undefined;
  #asking: Promise<void> | undefined;
  #askedAt = Number.NEGATIVE_INFINITY;
  #stopped = false;

  constructor(options: TopicMapOptions) {
    this.#options = { maxAgeMs: 2000, ...options };
  }

  /** Rises whenever a partition gets another leader: whoever sent by an older one has to ask the brokers anew. */
  get generation(): number {
    return this.#generation;
  }

  /** @returns the broker that leads a lane; undefined while that is not known, or nobody does. */
  leaderOf({ topic, partition }: Lane): number | undefined {
    this.#topics.add(topic);
    const ofTopic = this.#leaders.get(topic);
    if (!ofTopic) this.refresh(200);
    else this.refresh(this.#options.maxAgeMs);
    const leader = ofTopic?.get(partition);
    return leader === undefined || leader < 0 ? undefined : leader;
  }

  /** @returns how many partitions a topic has; undefined while no broker has told. */
  partitionsOf(topic: string): number | undefined {
    return this.#leaders.get(topic)?.size;
  }

  /** Asks the brokers in the background, unless that was begun less than so long ago. */
  refresh(unlessWithinMs = 300): void {
    if (this.#stopped || this.#asking || performance.now() - this.#askedAt < unlessWithinMs) return;
    this.#askedAt = performance.now();
    this.#asking = this.#ask()
      .catch((error: unknown) => {
        void this.#forgetAdmin();
        if (!this.#stopped) this.#options.onError(error, 'asking who leads the partitions');
      })
      .finally(() => {
        this.#asking = undefined;
      });
  }

  /** Asks the brokers about topics now. @throws when they cannot be asked. */
  async learn(topics: readonly string[]): Promise<void> {
    for (const topic of topics) this.#topics.add(topic);
    this.#askedAt = performance.now();
    await this.#ask();
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#forgetAdmin();
  }

  async #ask(): Promise<void> {
    const admin = this.#admin ?? this.#options.log.admin();
    this.#admin = admin;
    await admin.connect();
    const asked = await this.#existing(admin);
    if (asked.length === 0) return;
    const { topics } = await admin.fetchTopicMetadata({ topics: asked });
    for (const { name, partitions } of topics)
      this.#note(name, new Map(partitions.map(({ partitionId, leader }) => [partitionId, leader])));
  }

  /** Brokers may make a topic that they are asked about: those that nobody knows yet are looked for first. */
  async #existing(admin: Admin): Promise<string[]> {
    const asked = [...this.#topics];
    if (asked.every((topic) => this.#leaders.has(topic))) return asked;
    const existing = new Set(await admin.listTopics());
    return asked.filter((topic) => existing.has(topic));
  }

  #note(topic: string, leaders: Map<number, number>): void {
    const known = this.#leaders.get(topic);
    if (known?.size === leaders.size && [...leaders].every(([partition, leader]) => known.get(partition) === leader)) return;
    this.#leaders.set(topic, leaders);
    this.#generation += 1;
  }

  async #forgetAdmin(): Promise<void> {
    const admin = this.#admin;
    this.#admin = undefined;
    await admin?.disconnect().catch(() => undefined);
  }
}
