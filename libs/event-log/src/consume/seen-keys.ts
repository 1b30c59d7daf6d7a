const maxKeys = 100_000;

/**
 * What one member knows of the keys it has handled since its partitions were assigned: that they are not parked (only it
 * could park them), and their last sequence. Made anew at each assignment; a batch that is still in hand keeps the old one.
 * Bounded: the key that was quiet for longest is forgotten, and is then unknown.
 */
export class SeenKeys {
  readonly #last = new Map<string, number>();

  constructor(private readonly max = maxKeys) {}

  get isEmpty(): boolean {
    return this.#last.size === 0;
  }

  has(topic: string, key: string): boolean {
    return this.#last.has(nameOf(topic, key));
  }

  /** @returns the last sequence handled; undefined for an unknown key, or one of which nothing was handled yet. */
  last(topic: string, key: string): number | undefined {
    return this.#last.get(nameOf(topic, key)) || undefined;
  }

  /** Notes that a key is not parked, and up to where it is handled. */
  note(topic: string, key: string, sequence = 0): void {
    const name = nameOf(topic, key);
    const last = this.#last.get(name) ?? 0;
    this.#last.delete(name);
    this.#last.set(name, Math.max(last, sequence));
    if (this.#last.size > this.max) this.#last.delete(this.#last.keys().next().value as string);
  }

  forget(topic: string, key: string): void {
    this.#last.delete(nameOf(topic, key));
  }
}

const nameOf = (topic: string, key: string) => `${topic} ${key}`;
