import type { Database } from '../database.js';
import type { LaneOwnership } from './lane-ownership.js';
import { findLanes } from './lanes.js';
import { emptyOldSlots } from './old-slots.js';
import { placeRows, rememberCounts } from './partition-counts.js';
import type { TopicMap } from './topic-map.js';
import type { UnsendableRows } from './unsendable.js';

export interface UpkeepOptions {
  database: Database;
  topics: readonly string[];
  keepMs: number;
  onError: (error: unknown, doing: string) => void;
  onCountChanged?: ((topic: string) => void) | undefined;
  /** Called when rows may be read that could not be before. */
  onPlaced: () => void;
}

const countEveryMs = 30_000;
const countAgainMs = 3000;
const answerEveryMs = 15_000;
const answerAgainMs = 2000;
/** A slot lasts ten minutes, and is kept for an hour. */
const emptyEveryMs = 60_000;

/** What has to be done beside publishing, and keeps nothing waiting: most of it by the owner of the first shard. */
export class OutboxUpkeep {
  #working: Promise<void> | undefined;
  #countAt = 0;
  #countedAt = Number.NEGATIVE_INFINITY;
  #answerAt = 0;
  #emptyAt = 0;
  #stopping = false;

  constructor(
    private readonly options: UpkeepOptions,
    private readonly ownership: LaneOwnership,
    private readonly map: TopicMap,
    private readonly unsendable: UnsendableRows,
  ) {}

  /** Does what is due, unless it is at it. */
  tick(): void {
    if (this.#working || this.#stopping) return;
    this.#working = this.#work()
      .catch((error: unknown) => this.options.onError(error, 'the upkeep of the outbox'))
      .finally(() => {
        this.#working = undefined;
      });
  }

  /** Rows without a partition hold up their topic: counts at once, unless that was just tried. */
  placeSoon(): void {
    if (!this.ownership.owned.has(0) || performance.now() - this.#countedAt < 1000) return;
    this.#countAt = 0;
    this.tick();
  }

  /** Answers events that were just set aside: at once, and where that fails, soon again. */
  async answerNow(): Promise<void> {
    if (!(await this.unsendable.answer())) this.#answerAt = Math.min(this.#answerAt, performance.now() + answerAgainMs);
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    await this.#working;
  }

  async #work(): Promise<void> {
    const { database, keepMs, onError } = this.options;
    const now = performance.now();
    if (now >= this.#countAt) {
      this.#countedAt = now;
      this.#countAt = now + countEveryMs;
      await this.#count().catch((error: unknown) => {
        this.#countAt = now + countAgainMs;
        onError(error, 'counting the partitions of topics');
      });
    }
    if (!this.ownership.owned.has(0)) return;
    if (now >= this.#answerAt) {
      this.#answerAt = now + answerEveryMs;
      if (!(await this.unsendable.answer())) this.#answerAt = now + answerAgainMs;
    }
    if (now < this.#emptyAt) return;
    this.#emptyAt = now + emptyEveryMs;
    await emptyOldSlots(database, keepMs);
  }

  async #count(): Promise<void> {
    const { database, topics, onCountChanged, onPlaced } = this.options;
    const unplaced = (await findLanes(database)).filter(({ partition }) => partition < 0).map(({ topic }) => topic);
    const asked = [...new Set([...topics, ...unplaced])];
    await this.map.learn(asked);
    const counts = new Map(
      asked.flatMap((topic) => [[topic, this.map.partitionsOf(topic) ?? 0] as const]).filter(([, count]) => count > 0),
    );
    for (const topic of await rememberCounts(database, counts)) onCountChanged?.(topic);
    const placeable = new Map([...counts].filter(([topic]) => unplaced.includes(topic)));
    if (placeable.size === 0 || !this.ownership.owned.has(0)) return;
    while (await placeRows(database, placeable));
    onPlaced();
  }
}
