import type { AnyEvent } from '@communication-center/contracts';
import { faultOf } from '../failures.js';
import type { Gap, Repair } from './gaps.js';
import { SeenKeys } from './seen-keys.js';

export interface InOrderOptions {
  topic: string;
  repair: Repair;
  /** Whether anybody here would miss what is lacking before this event. */
  concerns: (event: AnyEvent) => boolean;
  deliver: (event: AnyEvent) => void;
  /** What is lacking cannot be had in time: whoever these events concern must learn from elsewhere where things stand. */
  giveUp: (events: readonly AnyEvent[]) => void;
  onGap: (gap: Gap) => void;
  onError: (error: unknown, doing: string) => void;
  /** How long events are held back for those before them. */
  waitMs?: number;
  /** How many events of one subject are held back at most. */
  maxHeld?: number;
}

/** The place of an event in its subject. */
type Place = Pick<AnyEvent, 'subject' | 'sequence'>;
/** What waits behind a gap: an event, or the place of one that concerns nobody here. */
type Held = { place: Place; event: AnyEvent | undefined };

/**
 * Hands a tail's events on in order within a subject: what comes after a gap is held back until the gap is filled from the
 * owner's store. Other subjects do not wait. A subject that begins in its middle is not judged: who listens here has a
 * snapshot from before.
 */
export class InOrder {
  readonly #options: Required<InOrderOptions>;
  readonly #seen = new SeenKeys();
  readonly #held = new Map<string, Held[]>();

  constructor(options: InOrderOptions) {
    this.#options = { waitMs: 5000, maxHeld: 1000, ...options };
  }

  take(event: AnyEvent): void {
    if (this.#isHeld(event, event)) return;
    const { topic, concerns, deliver } = this.#options;
    const { subject: key, sequence } = event;
    const last = this.#seen.last(topic, key);
    if (last !== undefined && sequence > last + 1 && concerns(event)) {
      this.#held.set(key, [{ place: event, event }]);
      void this.#fill(key, last, sequence);
      return;
    }
    this.#seen.note(topic, key, sequence);
    deliver(event);
  }

  /**
   * Takes an event before the topic brings it, where it is the next of its subject; any other comes in its turn.
   * What brings it must have it from the owner's store, so that the topic will have it for certain.
   */
  takeEarly(event: AnyEvent): void {
    const { topic, deliver } = this.#options;
    const { subject: key, sequence } = event;
    if (this.#held.has(key) || sequence !== (this.#seen.last(topic, key) ?? 0) + 1) return;
    this.#seen.note(topic, key, sequence);
    deliver(event);
  }

  /** Whether an event at this place was taken, or passed over. */
  has({ subject, sequence }: Place): boolean {
    return sequence <= (this.#seen.last(this.#options.topic, subject) ?? 0);
  }

  /** One that concerns nobody here, and was not read: those after it know that it was there. */
  passOver(place: Place): void {
    if (!this.#isHeld(place, undefined)) this.#seen.note(this.#options.topic, place.subject, place.sequence);
  }

  /** @returns whether it waits now, behind a gap before it. */
  #isHeld(place: Place, event: AnyEvent | undefined): boolean {
    const held = this.#held.get(place.subject);
    if (!held) return false;
    held.push({ place, event });
    if (held.length > this.#options.maxHeld) this.#giveUp(place.subject);
    return true;
  }

  async #fill(key: string, after: number, before: number): Promise<void> {
    const { topic, onGap, onError, deliver } = this.#options;
    onGap({ topic, key, after, before });
    try {
      const missing = await this.#read(key, after, before);
      const held = this.#held.get(key);
      if (!held) return;
      this.#held.delete(key);
      for (const event of missing) deliver(event);
      this.#seen.note(topic, key, before - 1);
      for (const { place, event } of held) event ? this.take(event) : this.passOver(place);
    } catch (error) {
      onError(error, `reading what ${topic} lacks of ${key}`);
      this.#giveUp(key);
    }
  }

  /** Asks again while nobody answers, as long as there is time. */
  async #read(key: string, after: number, before: number): Promise<AnyEvent[]> {
    const until = Date.now() + this.#options.waitMs;
    for (;;) {
      try {
        const missing = await within(until - Date.now(), this.#options.repair(key, after, before));
        if (missing.length === before - after - 1) return missing;
        throw new Error(`The store has ${missing.length} of the ${before - after - 1} events of ${key} before ${before}`);
      } catch (error) {
        if (faultOf(error) !== 'infrastructure' || Date.now() + 100 >= until) throw error;
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
    }
  }

  #giveUp(key: string): void {
    const held = this.#held.get(key);
    if (!held) return;
    this.#held.delete(key);
    for (const { place } of held) this.#seen.note(this.#options.topic, key, place.sequence);
    this.#options.giveUp(held.flatMap(({ event }) => event ?? []));
  }
}

async function within<T>(ms: number, work: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const limit = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error('it took too long')), Math.max(0, ms));
  });
  try {
    return await Promise.race([work, limit]);
  } finally {
    clearTimeout(timer);
  }
}
