export interface Freshness {
  /** So long after the beginning of its reading a value is told, in milliseconds. */
  goodForMs: number;
  /** After so long it is read anew, beside the work of who asks for it. */
  renewAfterMs: number;
}

interface Kept<T> {
  readAt: number;
  value: Promise<T>;
}

/** A value of elsewhere that is read anew before it is too old, so that who asks for it often does not wait for it. */
export class KeptFresh<T> {
  #kept: Kept<T> | undefined;
  #isRenewing = false;

  /** @param read its failures are told to who waits; one that nobody waits for is tried again by who asks next. */
  constructor(
    private readonly read: () => Promise<T>,
    private readonly freshness: Freshness,
  ) {}

  /**
   * @returns the value, as it was at most `goodForMs` ago.
   * @throws what its reading failed with.
   */
  get(): Promise<T> {
    const kept = this.#kept;
    const age = kept ? performance.now() - kept.readAt : Number.POSITIVE_INFINITY;
    if (!kept || age >= this.freshness.goodForMs) return this.#readNow();
    if (age >= this.freshness.renewAfterMs) void this.#renew();
    return kept.value;
  }

  #readNow(): Promise<T> {
    const reading = { readAt: performance.now(), value: this.read() };
    this.#kept = reading;
    reading.value.catch(() => {
      if (this.#kept === reading) this.#kept = undefined;
    });
    return reading.value;
  }

  async #renew(): Promise<void> {
    if (this.#isRenewing) return;
    this.#isRenewing = true;
    try {
      const readAt = performance.now();
      const value = Promise.resolve(await this.read());
      if (readAt > (this.#kept?.readAt ?? Number.NEGATIVE_INFINITY)) this.#kept = { readAt, value };
    } catch {
      // Who asks once the old value is too old reads it himself, and hears why he cannot.
    } finally {
      this.#isRenewing = false;
    }
  }
}
