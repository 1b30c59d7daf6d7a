import type { AppId, ChannelProvider, PushProvider } from '@communication-center/contracts';
import { Breaker } from '../domain/breaker.js';
import { lookEveryMs, Places } from '../domain/places.js';

const { eventLoopUtilization } = performance;

export interface LaneLimits {
  /** Requests under way at a time at most: see {@link Places}. */
  concurrency: number;
  /** Pushes in hand at a time, those that wait for their next try among them. */
  waiting: number;
}

/**
 * The pushes of one app through one provider. Lanes share nothing: an app whose certificate has expired, or a provider that answers
 * slowly, holds nobody else up.
 */
export class Lane {
  readonly breaker = new Breaker();
  fault: string | null = null;
  #inHand = 0;
  #underWay = 0;
  readonly #turns: (() => void)[] = [];
  readonly #held = new Set<() => void>();
  readonly #places: Places;
  #busy = eventLoopUtilization();
  #looking: NodeJS.Timeout | undefined;

  constructor(private readonly limits: LaneLimits) {
    this.#places = new Places(limits.concurrency);
  }

  /** Pushes in it, those that wait for their next try among them. */
  get inHand(): number {
    return this.#inHand;
  }

  get isIdle(): boolean {
    return this.#inHand === 0;
  }

  get isFull(): boolean {
    return this.#inHand >= this.limits.waiting;
  }

  /** @returns whether there is room for one more push; {@link leave} makes it again. */
  enter(): boolean {
    if (this.isFull) return false;
    this.#inHand += 1;
    return true;
  }

  leave(): void {
    this.#inHand -= 1;
  }

  /** Its provider answers: whoever is held back goes on now, since a ring has no time to lose. */
  answers(): void {
    const wasAway = this.breaker.isOpen;
    this.breaker.succeeded();
    if (!wasAway) return;
    for (const goOn of this.#held) goOn();
    this.#held.clear();
  }

  /** Has it said when its provider answers again. @returns what ends that. */
  onceItAnswers(goOn: () => void): () => void {
    this.#held.add(goOn);
    return () => this.#held.delete(goOn);
  }

  /** Makes a request in its turn. */
  async request<T>(work: () => Promise<T>): Promise<T> {
    if (this.#underWay >= this.#places.count) {
      // Of a provider that is slow the first answer comes long after it could be seen that this process has time.
      this.#looking ??= setInterval(() => this.#letOn(), lookEveryMs).unref();
      await new Promise<void>((go) => this.#turns.push(go));
    } else this.#underWay += 1;
    try {
      return await work();
    } finally {
      this.#underWay -= 1;
      if (this.#turns.length > 0) this.#letOn();
    }
  }

  #letOn(): void {
    const now = performance.now();
    if (this.#places.isDue(now)) {
      const busy = eventLoopUtilization();
      this.#places.noted(now, eventLoopUtilization(busy, this.#busy).utilization);
      this.#busy = busy;
    }
    while (this.#underWay < this.#places.count) {
      const next = this.#turns.shift();
      if (!next) break;
      this.#underWay += 1;
      next();
    }
    if (this.#turns.length > 0) return;
    clearInterval(this.#looking);
    this.#looking = undefined;
  }
}

/** The lane of each app and provider; one that nobody uses, and of which nothing is to be remembered, is forgotten. */
export class Lanes {
  readonly #lanes = new Map<string, Lane>();

  constructor(private readonly limits: LaneLimits) {}

  of(appId: AppId, provider: PushProvider | ChannelProvider | 'webhook'): Lane {
    const key = `${appId}/${provider}`;
    const known = this.#lanes.get(key);
    if (known) return known;
    this.#forgetIdle();
    const lane = new Lane(this.limits);
    this.#lanes.set(key, lane);
    return lane;
  }

  /** How this replica's lanes are: those in use, those whose provider is held back for its failures, and the pushes in them. */
  get figures(): { lanes: number; heldBack: number; pushes: number } {
    const all = [...this.#lanes.values()];
    return {
      lanes: all.filter((lane) => !lane.isIdle).length,
      heldBack: all.filter(({ breaker }) => breaker.isOpen).length,
      pushes: all.reduce((sum, { inHand }) => sum + inHand, 0),
    };
  }

  /** @returns apps and providers, such as `demo/fcm`, whose lanes have no room. */
  get full(): string[] {
    return [...this.#lanes].flatMap(([key, lane]) => (lane.isFull ? [key] : []));
  }

  #forgetIdle(): void {
    if (this.#lanes.size < 1000) return;
    for (const [key, lane] of this.#lanes) if (lane.isIdle && !lane.breaker.isOpen && !lane.fault) this.#lanes.delete(key);
  }
}
