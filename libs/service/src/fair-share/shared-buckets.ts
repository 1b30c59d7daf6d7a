import type { Rate } from '@communication-center/contracts';
import type { Taken } from './shared-levels.js';
import { type Bucket, fullBucket, fullInMs, levelAt, taken, waitMs } from './token-bucket.js';

/** A bucket of which one is to be taken. */
export interface Asked {
  name: string;
  rate: Rate;
}

/** What a bucket holds, as far as this process knows. */
export interface Standing extends Asked {
  level: number;
  fullInMs: number;
}

/** What became of an act: of each of its buckets one was taken, or of none since one of them, `lacks`, holds none. */
export interface Taking {
  standings: Standing[];
  lacks?: Asked & { waitMs: number };
}

/** Where processes share their buckets. */
export interface Ledger {
  settle(taken: readonly Taken[]): Promise<number[]>;
}

interface Mirror {
  bucket: Bucket;
  rate: Rate;
  /** Taken here, and not told yet. */
  untold: number;
  /** Taken here, and being told. */
  inTelling: number;
}

const bounds = {
  /** The oldest go, with what they know. 100 bytes each. */
  mirrors: 50_000,
  /** Told at once: the script holds Redis up for a millisecond. */
  told: 250,
  /** By then what was taken is told. */
  tellMs: 1000,
  /** Nobody waits longer for the others' share. */
  waitMs: 50,
  /** Redis that was slow is not waited for, and one that failed not told, for so long; and up to twice as long. */
  restMs: 1000,
  /** How often what is full again is forgotten. */
  sweepMs: 5000,
};

/**
 * Token buckets that replicas share, and that are asked in memory: each replica takes a part of a bucket ahead, an eighth of its burst,
 * and tells the others what it took of it, all buckets in one round trip, once half of that is gone or a second has passed. Only who
 * takes faster than that waits for the answer, 50 ms at most. So all replicas together let through at most the burst, what has come since, and an eighth of the burst each;
 * what was too much is a debt. Refusals cost no round trip.
 *
 * While Redis is away or slow each replica decides by what it knows alone.
 */
export class SharedBuckets {
  readonly #mirrors = new Map<string, Mirror>();
  readonly #dirty = new Set<string>();
  #settling: Promise<void> | undefined;
  #telling: NodeJS.Timeout | undefined;
  #sweeping: NodeJS.Timeout | undefined;
  #awayUntil = 0;
  #slowUntil = 0;
  /** Whether somebody's part is half gone, and not told. */
  #isUrgent = false;

  constructor(
    private readonly ledger: Ledger | undefined,
    private readonly onError: (error: unknown) => void,
    private readonly now: () => number = () => performance.now(),
    private readonly most = bounds.mirrors,
  ) {}

  /** How many buckets are known here. */
  get size(): number {
    return this.#mirrors.size;
  }

  /** Takes one of each, or of none. */
  async take(asked: readonly Asked[]): Promise<Taking> {
    const until = this.now() + bounds.waitMs;
    while (this.#hasTakenItsPart(asked) && !this.lackOf(asked)) {
      if (this.now() >= until || !this.#isAnswering) break;
      await this.#settledWithin(until - this.now());
    }
    return this.takeNow(asked);
  }

  /** As {@link take}, by what is known here: nothing is waited for. */
  takeNow(asked: readonly Asked[]): Taking {
    const lacks = this.lackOf(asked);
    if (!lacks) for (const one of asked) this.charge(one);
    return { standings: asked.map((one) => this.#standingOf(one)), ...(lacks && { lacks }) };
  }

  /** Takes one, though there be none: what it is for has happened. */
  charge(asked: Asked): void {
    const mirror = this.#mirrorOf(asked);
    mirror.bucket = taken(mirror.bucket, mirror.rate, this.now());
    if (!this.ledger || this.now() < this.#awayUntil) return;
    mirror.untold += 1;
    this.#dirty.add(asked.name);
    if (mirror.untold * 2 >= partOf(mirror.rate)) this.#isUrgent = true;
    this.#tellInTime();
  }

  stop(): void {
    clearTimeout(this.#telling);
    clearTimeout(this.#sweeping);
  }

  /** @returns the first that holds none. */
  lackOf(asked: readonly Asked[]): Taking['lacks'] {
    const now = this.now();
    for (const one of asked) {
      const known = this.#mirrors.get(one.name);
      if (!known || !isSame(known.rate, one.rate)) continue;
      const wait = waitMs(known.bucket, known.rate, now);
      if (wait > 0) return { ...one, waitMs: wait };
    }
    return undefined;
  }

  #hasTakenItsPart(asked: readonly Asked[]): boolean {
    return asked.some(({ name, rate }) => {
      const { untold, inTelling } = this.#mirrors.get(name) ?? { untold: 0, inTelling: 0 };
      return untold + inTelling >= partOf(rate);
    });
  }

  get #isAnswering(): boolean {
    return this.ledger !== undefined && this.now() >= this.#awayUntil && this.now() >= this.#slowUntil;
  }

  #standingOf({ name, rate }: Asked): Standing {
    const bucket = this.#mirrors.get(name)?.bucket ?? fullBucket(rate, this.now());
    return { name, rate, level: levelAt(bucket, rate, this.now()), fullInMs: fullInMs(bucket, rate, this.now()) };
  }

  #mirrorOf({ name, rate }: Asked): Mirror {
    const known = this.#mirrors.get(name);
    // Limits that were set anew hold from then on, and what was taken under others counts no more.
    if (known && isSame(known.rate, rate)) {
      known.rate = rate;
      return known;
    }
    const made = { bucket: fullBucket(rate, this.now()), rate, untold: 0, inTelling: 0 };
    this.#mirrors.delete(name);
    this.#mirrors.set(name, made);
    if (this.#mirrors.size > this.most) this.#mirrors.delete(this.#mirrors.keys().next().value as string);
    this.#sweeping ??= setTimeout(() => this.#sweep(), bounds.sweepMs).unref();
    return made;
  }

  /** Forgets what is full again: as much is known of what is not known. */
  #sweep(): void {
    const now = this.now();
    for (const [name, { bucket, rate, untold, inTelling }] of this.#mirrors)
      if (untold + inTelling === 0 && levelAt(bucket, rate, now) >= rate.burst) this.#mirrors.delete(name);
    this.#sweeping = this.#mirrors.size > 0 ? setTimeout(() => this.#sweep(), bounds.sweepMs).unref() : undefined;
  }

  async #settledWithin(ms: number): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<'late'>((resolve) => {
      timer = setTimeout(() => resolve('late'), ms).unref();
    });
    const outcome = await Promise.race([this.#settle(), late]);
    clearTimeout(timer);
    if (outcome === 'late') this.#slowUntil = this.now() + restMs();
  }

  /** Tells what was taken since; one telling at a time. */
  #settle(): Promise<void> {
    this.#settling ??= this.#tell().finally(() => {
      this.#settling = undefined;
      // What was taken meanwhile.
      if (this.#dirty.size > 0) this.#tellInTime();
    });
    return this.#settling;
  }

  #tellInTime(): void {
    if (this.#settling) return;
    if (this.#isUrgent) void this.#settle();
    else this.#telling ??= setTimeout(() => void this.#settle(), bounds.tellMs).unref();
  }

  async #tell(): Promise<void> {
    // What is taken in this turn of the event loop goes along.
    await new Promise<void>((resolve) => setImmediate(resolve));
    clearTimeout(this.#telling);
    this.#telling = undefined;
    this.#isUrgent = false;
    const names = [...this.#dirty];
    this.#dirty.clear();
    for (let from = 0; from < names.length; from += bounds.told) await this.#tellSome(names.slice(from, from + bounds.told));
  }

  async #tellSome(names: readonly string[]): Promise<void> {
    const mirrors = names.flatMap((name) => {
      const mirror = this.#mirrors.get(name);
      if (!mirror || mirror.untold === 0) return [];
      const told = { name, ...mirror.rate, count: mirror.untold };
      mirror.inTelling = mirror.untold;
      mirror.untold = 0;
      return [{ mirror, told }];
    });
    try {
      if (!this.ledger || mirrors.length === 0 || this.now() < this.#awayUntil) return;
      const levels = await this.ledger.settle(mirrors.map(({ told }) => told));
      for (const [index, { mirror, told }] of mirrors.entries()) this.#learn(mirror, told, levels[index] ?? told.burst);
    } catch (error) {
      // Whether it was taken nobody knows; here it is.
      this.#awayUntil = this.now() + restMs();
      this.onError(error);
    } finally {
      for (const { mirror } of mirrors) mirror.inTelling = 0;
    }
  }

  /** What is known here is never less than the truth but for what others took: so the lower of both is nearer to it. */
  #learn(mirror: Mirror, { perSecond, burst }: Taken, level: number): void {
    const now = this.now();
    const shared = Math.max(-burst, level - mirror.untold);
    const own = levelAt(mirror.bucket, mirror.rate, now);
    if (mirror.rate.perSecond === perSecond && mirror.rate.burst === burst && shared < own) mirror.bucket = { level: shared, at: now };
  }
}

/** @returns how many of a bucket one process takes before it has told of them. */
export function partOf({ burst }: Rate): number {
  return Math.max(1, Math.floor(burst / 8));
}

function isSame(one: Rate, other: Rate): boolean {
  return one === other || (one.perSecond === other.perSecond && one.burst === other.burst);
}

function restMs(): number {
  return bounds.restMs * (1 + Math.random());
}
