import { Spacing } from '../spacing.js';

/** A rest is so long at most, in milliseconds: then what has come meanwhile is fetched at once. */
const restMs = 1000;
/** Where a fetch did not bring all there was, for so long none is put off: the rest is behind it. */
const hurryMs = 100;
/** So many fetches may follow each other at once before they keep their pace. */
const unpaced = 10;

/**
 * Puts off the next fetch of a consumer while nobody waits for what it would bring, so that it wakes once a second and not for each
 * event. Nothing is skipped: whoever comes to wait ends the rest, and what was published meanwhile comes first, in its order.
 *
 * Who waits is noted first, then {@link wake} is called, then whatever the events are newer than is read: so none is missed.
 */
export class Rest {
  #resting: Promise<void> | undefined;
  #end: (() => void) | undefined;
  #wokenAt = Number.NEGATIVE_INFINITY;
  #notBefore = Number.NEGATIVE_INFINITY;
  readonly #spacing: Spacing;
  #pacing: Promise<void> | undefined;

  /**
   * @param forMs for how long the next fetch may be put off now, in milliseconds: 0 while somebody waits.
   * @param paceMs so many milliseconds apart fetches are made where they follow each other without a pause, somebody waiting or not:
   *   what comes fast is handled in fewer, larger batches, and what comes after a pause waits for nothing. As fast as they come when left out.
   */
  constructor(
    private readonly forMs: () => number,
    paceMs = 0,
  ) {
    this.#spacing = new Spacing(paceMs, unpaced);
  }

  /** @returns a rest of a second, unless somebody waits; then fetches keep a pace, where one is given. */
  static unless(isAwaited: () => boolean, paceMs = 0): Rest {
    return new Rest(() => (isAwaited() ? 0 : restMs), paceMs);
  }

  /** @returns what never rests, and keeps a pace. */
  static paced(paceMs: number): Rest {
    return new Rest(() => 0, paceMs);
  }

  /**
   * For how long events have come at once, in milliseconds; 0 at rest. What was published before a rest ended may take as long to
   * be heard as a fetch that finds nothing.
   */
  get awakeForMs(): number {
    return this.#resting ? 0 : performance.now() - this.#wokenAt;
  }

  /** Resolves when the next fetch is to be made. @param isAll whether the last one brought all there was. */
  async over(isAll = true): Promise<void> {
    const now = performance.now();
    if (!isAll) this.#notBefore = Math.max(this.#notBefore, now + hurryMs);
    const isHurried = now < this.#notBefore;
    const forMs = isHurried ? 0 : this.forMs();
    if (forMs <= 0) {
      this.wake();
      return isHurried ? undefined : this.#keepPace(now);
    }
    this.#resting ??= this.#begin(forMs);
    await this.#resting;
  }

  /** Somebody waits from now on: ends the rest. */
  wake(): void {
    this.#end?.();
  }

  /** Ends the rest, and is the last one. */
  stop(): void {
    this.#notBefore = Number.POSITIVE_INFINITY;
    this.wake();
  }

  /** What one fetch brought of several partitions is over several times, in one moment: that counts once. */
  async #keepPace(now: number): Promise<void> {
    if (this.#spacing.everyMs === 0) return;
    this.#pacing ??= this.#pause(now);
    await this.#pacing;
  }

  async #pause(now: number): Promise<void> {
    this.#spacing.begun(now);
    const dueInMs = this.#spacing.dueInMs(now);
    await new Promise<void>((resolve) => (dueInMs > 0 ? setTimeout(resolve, dueInMs) : setImmediate(resolve)));
    this.#pacing = undefined;
  }

  #begin(forMs: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => this.#end?.(), forMs);
      this.#end = () => {
        clearTimeout(timer);
        this.#resting = undefined;
        this.#end = undefined;
        this.#wokenAt = performance.now();
        resolve();
      };
    });
  }
}
