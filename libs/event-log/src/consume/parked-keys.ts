import type { DeadLetters } from './dead-letters.js';
import type { SeenKeys } from './seen-keys.js';

export interface ParkedKeysOptions {
  deadLetters: Pick<DeadLetters, 'parkedOf' | 'parkedAmong'>;
  group: string;
  /** Above so many parked keys they are not kept here: each new key is asked about. */
  max?: number;
}

const mostKept = 10_000;

/**
 * Which keys of its group a member has to ask about: those that were parked when it got its partitions, and those that it parked
 * since. All others it handles without asking.
 *
 * That is enough because a key is parked before the offset behind its event is committed, and offsets are committed only by who
 * owns the partition: whoever begins at an offset, and reads what is parked after he was given the partition, knows of every
 * event before it. What a former owner parks later, without being able to commit it, comes to the new one again, who judges it
 * himself. A key that was freed elsewhere is found free when it is asked about, at its next message.
 */
export class ParkedKeys {
  readonly #options: Required<ParkedKeysOptions>;
  /** What was parked when it was read; undefined where that is too much to keep. */
  #read: Promise<Set<string> | undefined> | undefined;
  /** What was parked since the last read began. */
  #since = new Set<string>();

  constructor(options: ParkedKeysOptions) {
    this.#options = { max: mostKept, ...options };
  }

  /** Reads anew what is parked: to be called once partitions were given, before anything of them is handled. */
  assigned(): void {
    this.#read = undefined;
    this.#since = new Set();
    // Where this fails it is tried again by whoever has to know.
    this.#known().catch(() => undefined);
  }

  /** Notes that a key is parked, once it is. */
  note(topic: string, key: string): void {
    this.#since.add(nameOf(topic, key));
    if (this.#since.size > this.#options.max) this.#read = Promise.resolve(undefined);
  }

  /** Notes that a key was found free. */
  async free(topic: string, key: string): Promise<void> {
    this.#since.delete(nameOf(topic, key));
    (await this.#known())?.delete(nameOf(topic, key));
  }

  /**
   * @returns those of some keys that may be parked: the database says whether they still are.
   * @throws as the database does: then nothing is known, and nothing may be handled.
   */
  async among(topic: string, keys: readonly string[], seen: SeenKeys): Promise<Set<string>> {
    const known = await this.#known();
    if (known) return new Set(keys.filter((key) => known.has(nameOf(topic, key)) || this.#since.has(nameOf(topic, key))));
    const unknown = keys.filter((key) => !seen.has(topic, key));
    if (unknown.length === 0) return new Set();
    return this.#options.deadLetters.parkedAmong(this.#options.group, topic, unknown);
  }

  #known(): Promise<Set<string> | undefined> {
    if (this.#read) return this.#read;
    const read: Promise<Set<string> | undefined> = this.#readAll().catch((error: unknown) => {
      if (this.#read === read) this.#read = undefined;
      throw error;
    });
    this.#read = read;
    return read;
  }

  async #readAll(): Promise<Set<string> | undefined> {
    const { deadLetters, group, max } = this.#options;
    const parked = await deadLetters.parkedOf(group, max + 1);
    return parked.length > max ? undefined : new Set(parked.map(({ topic, key }) => nameOf(topic, key)));
  }
}

const nameOf = (topic: string, key: string) => `${topic} ${key}`;
