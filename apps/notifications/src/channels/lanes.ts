import type { AppId, ChannelProvider, PushProvider } from '@communication-center/contracts';
import { Breaker } from '../domain/breaker.js';
import { type Ended, lookEveryMs, Places } from '../domain/places.js';

const { eventLoopUtilization } = performance;

export interface LaneLimits {
  /** Requests under way at a time at most: see {@link Places}. */
  concurrency: number;
  /** Pushes in hand at a time, those that wait for their next try among them. */
  waiting: number;
}

/** A place among the requests of a lane, taken before there is a request. It is to be given back, used or not. */
export class Turn {
  #isHad = true;

  constructor(private readonly leave: () => void) {}

  /** @returns whether there is a place: once. */
  take(): boolean {
    const isHad = this.#isHad;
    this.#isHad = false;
    return isHad;
  }

  /** Lets the next have it, unless a request did. */
  giveBack(): void {
    if (this.take()) this.leave();
  }
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
  /** Requests that have ended since it was looked how busy this process is. */
  #ended: Ended = { count: 0, quickestMs: Number.POSITIVE_INFINITY };
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

  /** Begins something when it has a place for a request: while it waits for that, nothing of it has to be held but what begins it. */
  inTurn(begin: (turn: Turn) => void): void {
    const go = () => begin(new Turn(() => this.#leavePlace()));
    if (this.#hasPlace()) go();
    else this.#turns.push(go);
  }

  /** Makes a request in its turn. @param turn one that is had already. */
  async request<T>(work: () => Promise<T>, turn?: Turn): Promise<T> {
    if (!turn?.take() && !this.#hasPlace()) await new Promise<void>((go) => this.#turns.push(go));
    const from = performance.now();
    try {
      return await work();
    } finally {
      this.#ended.count += 1;
      this.#ended.quickestMs = Math.min(this.#ended.quickestMs, performance.now() - from);
      this.#leavePlace();
    }
  }

  /** @returns whether a place was free, and is taken now. Where none is, whoever waits gets one with his turn. */
  #hasPlace(): boolean {
    if (this.#underWay < this.#places.count) {
      this.#underWay += 1;
      return true;
    }
    // Of a provider that is slow the first answer comes long after it could be seen that this process has time.
    this.#looking ??= setInterval(() => this.#letOn(), lookEveryMs).unref();
    return false;
  }

  #leavePlace(): void {
    this.#underWay -= 1;
    if (this.#turns.length > 0) this.#letOn();
  }

  #letOn(): void {
    const now = performance.now();
    if (this.#places.isDue(now)) {
      const busy = eventLoopUtilization();
      this.#places.noted(now, eventLoopUtilization(busy, this.#busy).utilization, this.#ended);
      this.#busy = busy;
      this.#ended = { count: 0, quickestMs: Number.POSITIVE_INFINITY };
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
