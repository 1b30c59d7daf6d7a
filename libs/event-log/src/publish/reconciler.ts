import { topics as productTopics, type Topic } from '@communication-center/contracts';
import type { Repair } from '../consume/gaps.js';
import type { Database } from '../database.js';
import type { PartitionEnds } from '../log/broker-questions.js';
import type { EventLog } from '../log/event-log.js';
import { type OffsetRange, RangeReader } from '../log/range-reader.js';
import { Comparison, messageIdOf, type Stray } from './compare.js';
import { laneName, type WrittenRow } from './lanes.js';
import { type OutboxEntry, writeOutbox } from './outbox.js';
import {
  asEntries,
  comparedThrough,
  comparedUntil,
  lastOfKeys,
  noteCompared,
  type Published,
  type PublishedSpan,
  publishedSince,
} from './reconcile-rows.js';
import { type NeverGiven, StoreLooks } from './store-looks.js';

export interface ReconcilerOptions {
  log: EventLog;
  database: Database;
  /** Reads events of a subject from the service's own store, for topics whose events `sent` does not keep. */
  fromStore?: Repair | undefined;
  /** Finds what the store has taken in a span of time and has never given to the outbox. */
  neverGiven?: NeverGiven | undefined;
  isCompacted?: (topic: string) => boolean;
  /** How long ago something was published that is compared: longer than any statement that marks it may take. */
  settleMs?: number;
  rowsPerStep?: number;
  /** Told how many rows were compared. */
  onCompared?: (rows: number) => void;
  /** Told what the log lacked, or holds in the wrong order, before it is sent again. */
  onMissing?: (topic: string, keys: readonly string[]) => void;
}

/** What one step of a comparison came to. */
export interface Reconciled {
  compared: number;
  /** What is sent again. */
  repaired: OutboxEntry[];
  /** What the relay is told of. */
  wake: WrittenRow[];
  isAll: boolean;
}

/** The topic whose events its owner keeps for ever. */
const storedTopic: Topic = 'calls.events';

const keysAtOnce = 1000;
/** Some fifteen events: of what a step compares each partition has that many or less, as a rule. */
const bytesPerPartition = 12 * 1024;
/** So many rows keep the processor busy for some 15 ms, for which a command may have to wait. */
const rowsPerStep = 300;

/** Where the next step begins, as the last one noted it. */
interface Place {
  until: string;
  through: Map<string, bigint>;
}

/**
 * Compares what counts as published with what the topics hold, span by span, and sends again what they lack. In a compacted
 * topic the last message of each key must be the last that was published: an old one that came late is followed by the right
 * one, so that nobody who reads the topic from its beginning takes the old one for the truth.
 */
export class Reconciler {
  readonly #options: ReconcilerOptions & Required<Pick<ReconcilerOptions, 'isCompacted' | 'settleMs' | 'rowsPerStep'>>;
  #reader: RangeReader | undefined;
  readonly #looks: StoreLooks;
  #place: Place | undefined;
  /** Where partitions ended at the last look: what lies before has been marked since. */
  #ends = new Map<string, bigint>();

  constructor(options: ReconcilerOptions) {
    this.#options = { isCompacted, settleMs: 15_000, rowsPerStep, ...options };
    this.#looks = new StoreLooks(options.database, options.neverGiven);
  }

  /**
   * Compares the next span.
   * @throws when the database or the brokers cannot be reached: nothing is noted, and the next one begins at the same place.
   */
  async step(): Promise<Reconciled> {
    const { onCompared } = this.#options;
    const { until: after, through } = this.#place ?? (await this.#placeOnRecord());
    // Whatever goes wrong, the next step asks where this one began.
    this.#place = undefined;
    const { span, ranges, lacking } = await this.#compare(after, through);
    const repaired = [...lacking, ...(await this.#neverGiven({ after, until: span.until, isAll: span.isAll }))];
    const wake = await this.#note(span.until, ranges, repaired);
    for (const { topic, partition, to } of ranges) through.set(laneName({ topic, partition }), to);
    this.#place = { until: span.until, through };
    onCompared?.(span.rows.length);
    return { compared: span.rows.length, repaired, wake, isAll: span.isAll };
  }

  async #placeOnRecord(): Promise<Place> {
    const { database } = this.#options;
    this.#looks.forget();
    return { until: await comparedUntil(database), through: await comparedThrough(database) };
  }

  async #note(until: string, ranges: OffsetRange[], repaired: OutboxEntry[]): Promise<WrittenRow[]> {
    const { database } = this.#options;
    if (repaired.length > 0)
      return database.transaction(async (tx) => {
        await noteCompared(tx, until, ranges);
        return writeOutbox(tx, repaired);
      });
    await noteCompared(database, until, ranges);
    return [];
  }

  /**
   * Compares all that is on record, and notes nothing.
   * @param onLacking gets what should be sent again.
   * @returns how much was compared.
   */
  async compareAll(onLacking: (entries: OutboxEntry[]) => Promise<void>): Promise<number> {
    let compared = 0;
    for (let [after, isAll] = ['-infinity', false]; !isAll; ) {
      const { span, lacking } = await this.#compare(after, new Map());
      if (lacking.length > 0) await onLacking(lacking);
      compared += span.rows.length;
      [after, isAll] = [span.until, span.isAll];
    }
    return compared;
  }

  async #compare(
    after: string,
    through: ReadonlyMap<string, bigint>,
  ): Promise<{ span: PublishedSpan; ranges: OffsetRange[]; lacking: OutboxEntry[] }> {
    const { database, settleMs, rowsPerStep } = this.#options;
    const span = await publishedSince(database, { after, settleMs, limit: rowsPerStep });
    const lanesBefore = [...through.keys()].map((name) => name.slice(0, name.lastIndexOf('/')));
    const topics = [...new Set([...span.rows.map(({ topic }) => topic), ...lanesBefore])];
    const comparison = new Comparison(span.rows, this.#options.isCompacted);
    const ranges = topics.length === 0 ? [] : await this.#read(topics, span, through, comparison);
    return { span, ranges, lacking: [...(await this.#lost(comparison.missing)), ...(await this.#overtaken(comparison.strays))] };
  }

  /** Lets the brokers go, until the next step, and what another may know better meanwhile. */
  async rest(): Promise<void> {
    const reader = this.#reader;
    this.#reader = undefined;
    this.#place = undefined;
    this.#ends.clear();
    await reader?.stop();
  }

  async #read(topics: string[], span: PublishedSpan, through: ReadonlyMap<string, bigint>, comparison: Comparison): Promise<OffsetRange[]> {
    try {
      const reader = await this.#readerOf(topics);
      const ranges = await this.#rangesOf(reader, topics, span, through);
      await reader.read(ranges, (range, messages) => comparison.see(range, messages));
      return ranges;
    } catch (error) {
      await this.rest();
      throw error;
    }
  }

  async #rangesOf(
    reader: RangeReader,
    topics: string[],
    span: PublishedSpan,
    through: ReadonlyMap<string, bigint>,
  ): Promise<OffsetRange[]> {
    const byLane = Map.groupBy(span.rows, laneName);
    const ranges: OffsetRange[] = [];
    for (const topic of topics) {
      for (const ends of await reader.ends(topic)) {
        const { partition } = ends;
        const name = laneName({ topic, partition });
        const settled = span.isAll ? this.#ends.get(name) : undefined;
        const range = rangeOf({ rows: byLane.get(name) ?? [], next: through.get(name), settled }, ends);
        this.#ends.set(name, ends.high);
        if (range) ranges.push({ topic, partition, ...range });
      }
    }
    return ranges;
  }

  async #readerOf(topics: string[]): Promise<RangeReader> {
    if (this.#reader && topics.every((topic) => this.#reader?.topics.includes(topic))) return this.#reader;
    await this.rest();
    const reader = new RangeReader(this.#options.log, topics, bytesPerPartition);
    await reader.start().catch(async (error: unknown) => {
      await reader.stop();
      throw error;
    });
    this.#reader = reader;
    return reader;
  }

  /** What counts as published and is not there; in a compacted topic only what is the last of its key. */
  async #lost(missing: readonly Published[]): Promise<OutboxEntry[]> {
    const lost: Published[] = [];
    for (const [topic, rows] of Map.groupBy(missing, (row) => row.topic)) {
      if (!this.#options.isCompacted(topic)) lost.push(...rows);
      else for (const some of chunks(rows)) lost.push(...(await this.#lastOnes(topic, some)));
    }
    if (lost.length === 0) return [];
    for (const [topic, rows] of Map.groupBy(lost, (row) => row.topic)) this.#tell(topic, rows);
    const kept = await asEntries(this.#options.database, lost);
    const found = new Set(kept.map(({ topic, key, event }) => `${topic} ${key} ${event?.id ?? null}`));
    const elsewhere = lost.filter((row) => !found.has(`${row.topic} ${row.key} ${row.eventId}`));
    return [...kept, ...(await this.#fromStore(elsewhere))];
  }

  async #lastOnes(topic: string, rows: readonly Published[]): Promise<Published[]> {
    const keys = [...new Set(rows.map(({ key }) => key))];
    const last = await lastOfKeys(this.#options.database, topic, keys);
    return rows.filter(({ key, id }) => last.get(key)?.id === id);
  }

  async #fromStore(rows: readonly Pick<Published, 'topic' | 'key' | 'sequence'>[]): Promise<OutboxEntry[]> {
    const { fromStore } = this.#options;
    const entries: OutboxEntry[] = [];
    for (const { topic, key, sequence } of rows) {
      const events = sequence === null ? [] : await fromStore?.(key, sequence - 1, sequence + 1);
      for (const event of events ?? []) entries.push({ topic: topic as Topic, key, event });
    }
    return entries;
  }

  /** The last that was published of keys behind whose last message an older one came. */
  async #overtaken(strays: readonly Stray[]): Promise<OutboxEntry[]> {
    const entries: OutboxEntry[] = [];
    for (const [topic, ofTopic] of Map.groupBy(strays, (stray) => stray.topic)) {
      for (const some of chunks(ofTopic)) {
        const keys = some.map(({ key }) => key);
        const last = await lastOfKeys(this.#options.database, topic, keys);
        const overtaken = some.flatMap(({ key, offset, id }) => {
          const truth = last.get(key);
          return truth && truth.offset < offset && messageIdOf(truth) !== id ? [truth] : [];
        });
        if (overtaken.length > 0) this.#tell(topic, overtaken);
        entries.push(...overtaken.map(({ key, event }) => ({ topic: topic as Topic, key, event })));
      }
    }
    return entries;
  }

  async #neverGiven(step: { after: string; until: string; isAll: boolean }): Promise<OutboxEntry[]> {
    const rows = (await this.#looks.look(step)).map((row) => ({ ...row, topic: storedTopic }));
    if (rows.length > 0) this.#tell(storedTopic, rows);
    return this.#fromStore(rows);
  }

  #tell(topic: string, rows: readonly { key: string }[]): void {
    this.#options.onMissing?.(
      topic,
      rows.map(({ key }) => key),
    );
  }
}

interface Known {
  rows: readonly Published[];
  /** Where the last comparison ended. */
  next: bigint | undefined;
  /** Where the partition ended at the last look. */
  settled: bigint | undefined;
}

/**
 * What of a partition is read: from where the last comparison ended to the last row of this one, and to where the partition
 * ended a while ago, since what has come late has no row.
 */
function rangeOf({ rows, next, settled }: Known, { low, high }: PartitionEnds): { from: bigint; to: bigint } | undefined {
  const offsets = rows.map(({ offset }) => offset);
  // A topic that is shorter than it was begins anew.
  const start = next !== undefined && next > high ? low : next;
  const [first] = offsets;
  const from = offsets.reduce(least, start ?? first ?? high);
  const to = offsets.map((offset) => offset + 1n).reduce(most, most(start ?? from, start === undefined ? from : (settled ?? from)));
  return from < to ? { from: most(from, low), to: least(to, high) } : undefined;
}

const least = (one: bigint, other: bigint) => (one < other ? one : other);
const most = (one: bigint, other: bigint) => (one > other ? one : other);

function isCompacted(topic: string): boolean {
  return topic in productTopics && productTopics[topic as Topic].retention === 'compacted';
}

function chunks<T>(all: readonly T[]): T[][] {
  return Array.from({ length: Math.ceil(all.length / keysAtOnce) }, (_, index) => all.slice(index * keysAtOnce, (index + 1) * keysAtOnce));
}
