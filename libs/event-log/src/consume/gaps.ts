import type { AnyEvent } from '@communication-center/contracts';
import type { SeenKeys } from './seen-keys.js';

/** Events of one subject that a topic should have held and did not. */
export interface Gap {
  topic: string;
  key: string;
  /** What was had last. */
  after: number;
  /** What came next. */
  before: number;
}

/**
 * Reads the events of a subject after one sequence and before another from their owner's store.
 * @throws InfrastructureError while nobody answers.
 */
export type Repair = (key: string, after: number, before: number) => Promise<AnyEvent[]>;

export interface GapOptions {
  /** The topic whose subjects count their events without a gap, and whose owner keeps them all. */
  topic: string;
  repair: Repair;
  /**
   * Where the consumer's own table keeps a sequence for each subject: those of some subjects; absent ones have none.
   * Without it a subject is judged only by what was handled since the partitions were assigned: what lies before the
   * committed offset was handled then, and an event that is sent again later still finds its effect undone, and does it.
   */
  sequences?: (keys: string[]) => Promise<Map<string, number>>;
  /** Up to where somebody gave up a subject's events: they are not missing. */
  givenUpThrough: (key: string) => Promise<number>;
  onGap: (gap: Gap) => void;
}

/** Fills gaps in the events of a subject, so that nobody ever folds over one. */
export class Gaps {
  constructor(private readonly options: GapOptions) {}

  /**
   * @returns the events with what was missing between them, in order.
   * @throws Error when the store lacks them too, or InfrastructureError while nobody answers.
   */
  async fill(topic: string, events: readonly AnyEvent[], seen: SeenKeys): Promise<readonly AnyEvent[]> {
    if (topic !== this.options.topic) return events;
    const known = await this.#ask(events, seen);
    const had = new Map<string, number>();
    const filled: AnyEvent[] = [];
    for (const event of events) {
      const { subject: key, sequence } = event;
      const last = had.get(key) ?? seen.last(topic, key) ?? known.get(key);
      if (last !== undefined && sequence > last + 1) filled.push(...(await this.#missing(key, last, sequence)));
      had.set(key, Math.max(last ?? 0, sequence));
      filled.push(event);
    }
    return filled;
  }

  /** Asks the table only about subjects that are new here and begin in their middle: none, as a rule. */
  async #ask(events: readonly AnyEvent[], seen: SeenKeys): Promise<Map<string, number>> {
    const { sequences, topic } = this.options;
    if (!sequences) return new Map();
    const first = new Map<string, number>();
    for (const { subject, sequence } of events) if (!first.has(subject)) first.set(subject, sequence);
    const asked = [...first].filter(([key, sequence]) => sequence > 1 && seen.last(topic, key) === undefined).map(([key]) => key);
    if (asked.length === 0) return new Map();
    const found = await sequences(asked);
    return new Map(asked.map((key) => [key, found.get(key) ?? 0]));
  }

  async #missing(key: string, last: number, before: number): Promise<AnyEvent[]> {
    const after = Math.max(last, await this.options.givenUpThrough(key));
    if (after + 1 >= before) return [];
    this.options.onGap({ topic: this.options.topic, key, after, before });
    const events = await this.options.repair(key, after, before);
    const isWhole = events.length === before - after - 1 && events.every(({ sequence }, index) => sequence === after + 1 + index);
    if (!isWhole) throw new Error(`The store has ${events.length} of the ${before - after - 1} events of ${key} before ${before}`);
    return events;
  }
}
