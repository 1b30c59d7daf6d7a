import type { KafkaMessage } from 'kafkajs';
import type { PartitionEnds } from '../log/broker-questions.js';
import type { EventLog } from '../log/event-log.js';
import { type OffsetRange, RangeReader } from '../log/range-reader.js';

/** An event as its owner keeps it. */
export interface Stored {
  /** A UUIDv7, so that ids are in the order of their times. */
  id: string;
  key: string;
  sequence: number;
}

export interface StoreComparison {
  log: EventLog;
  topic: string;
  /** Reads events in the order of their ids: those after one, so many at most. */
  stored: (afterId: string, limit: number) => Promise<Stored[]>;
  /** Events in memory at a time, as a rule. */
  chunk?: number;
  /** Told how many were looked at. */
  onProgress?: (compared: number) => void;
}

/** More than so many missing events are not gathered: then a topic is gone, not an event. */
const mostMissing = 500_000;
const firstId = '00000000-0000-0000-0000-000000000000';
/** What is published a little later than it was written is read with it. */
const slackMs = 60_000;

/**
 * Compares a store with its topic, from the first event to the last, and holds in memory only what is between the two: both
 * are read in the order of time, chunk by chunk.
 * @returns events that the topic lacks, in the order of their ids, and how many were compared.
 * @throws Error when more than half a million are missing.
 */
export async function compareStore(options: StoreComparison): Promise<{ missing: Stored[]; compared: number }> {
  const reader = new RangeReader(options.log, [options.topic]);
  await reader.start();
  try {
    return await new Merge(options, reader).run();
  } finally {
    await reader.stop();
  }
}

class Merge {
  readonly #missing = new Map<string, Stored>();
  /** Ids that the topic held before the store was read so far. */
  readonly #early = new Set<string>();
  readonly #positions = new Map<number, bigint>();
  #loaded = firstId;
  #compared = 0;

  constructor(
    private readonly options: StoreComparison,
    private readonly reader: RangeReader,
  ) {}

  async run(): Promise<{ missing: Stored[]; compared: number }> {
    const { topic, chunk = 50_000, stored, onProgress } = this.options;
    const ends = await this.reader.ends(topic);
    for (const { partition, low } of ends) this.#positions.set(partition, low);
    for (let isLast = false; !isLast; ) {
      const some = await stored(this.#loaded, chunk);
      isLast = some.length < chunk;
      this.#load(some);
      await this.#readUntil(ends, isLast ? undefined : timeOf(this.#loaded) + slackMs);
      onProgress?.(this.#compared);
      if (this.#missing.size > mostMissing) throw new Error(`${topic} lacks more than ${mostMissing} events: was it made anew?`);
    }
    return { missing: [...this.#missing.values()], compared: this.#compared };
  }

  #load(some: readonly Stored[]): void {
    for (const event of some) if (!this.#early.delete(event.id)) this.#missing.set(event.id, event);
    this.#compared += some.length;
    this.#loaded = some.at(-1)?.id ?? this.#loaded;
  }

  async #readUntil(ends: readonly PartitionEnds[], time: number | undefined): Promise<void> {
    const { topic } = this.options;
    const until = time === undefined || time > Date.now() ? undefined : await this.reader.offsetsAt(topic, time);
    const ranges: OffsetRange[] = [];
    for (const { partition, high } of ends) {
      const from = this.#positions.get(partition) ?? 0n;
      const to = within(until?.get(partition), high);
      if (to <= from) continue;
      ranges.push({ topic, partition, from, to });
      this.#positions.set(partition, to);
    }
    await this.reader.read(ranges, (_range, messages) => this.#see(messages));
  }

  #see(messages: readonly KafkaMessage[]): void {
    for (const { headers } of messages) {
      const id = String(headers?.ce_id ?? '');
      if (!this.#missing.delete(id) && id > this.#loaded) this.#early.add(id);
    }
  }
}

/** @returns a position that is not behind the end. */
function within(wanted: bigint | undefined, end: bigint): bigint {
  return wanted !== undefined && wanted < end ? wanted : end;
}

/** The time in a UUIDv7, in milliseconds. */
function timeOf(id: string): number {
  return Number.parseInt(id.replaceAll('-', '').slice(0, 12), 16);
}
