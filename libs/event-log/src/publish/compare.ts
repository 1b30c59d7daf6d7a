import type { KafkaMessage } from 'kafkajs';
import type { OffsetRange } from '../log/range-reader.js';
import { laneName } from './lanes.js';
import type { Published } from './reconcile-rows.js';

/** The last that a range of a compacted topic holds of a key, and that no row is known for at its place. */
export interface Stray {
  topic: string;
  key: string;
  offset: bigint;
  /** Of its event, or its tombstone. */
  id: string;
}

/** What a message of a published row is known by. */
export function messageIdOf({ eventId, id }: Pick<Published, 'eventId' | 'id'>): string {
  return eventId ?? `tombstone-${id}`;
}

/** Compares what counts as published with what the log holds, message by message. */
export class Comparison {
  readonly #missing: Map<string, Published>;
  readonly #placed: Map<string, string>;
  readonly #last = new Map<string, Stray & { isPlaced: boolean }>();

  constructor(
    rows: readonly Published[],
    private readonly isCompacted: (topic: string) => boolean,
  ) {
    this.#missing = new Map(rows.map((row) => [`${row.topic} ${messageIdOf(row)}`, row]));
    this.#placed = new Map(rows.map((row) => [`${laneName(row)} ${row.offset}`, messageIdOf(row)]));
  }

  see(range: OffsetRange, messages: readonly KafkaMessage[]): void {
    const { topic } = range;
    for (const message of messages) {
      const id = String(message.headers?.ce_id ?? '');
      this.#missing.delete(`${topic} ${id}`);
      if (!this.isCompacted(topic)) continue;
      const isPlaced = this.#placed.get(`${laneName(range)} ${message.offset}`) === id;
      const key = String(message.key);
      this.#last.set(`${topic} ${key}`, { topic, key, offset: BigInt(message.offset), id, isPlaced });
    }
  }

  /** Rows whose message was not seen. In a compacted topic a later one of the key may have taken its place. */
  get missing(): Published[] {
    return [...this.#missing.values()];
  }

  /** What may be an old message that came late. */
  get strays(): Stray[] {
    return [...this.#last.values()].filter(({ isPlaced }) => !isPlaced);
  }
}
