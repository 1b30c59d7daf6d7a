import type { AppId, PushProvider } from '@communication-center/contracts';
import { Breaker } from '../domain/breaker.js';

export interface LaneLimits {
  /** Requests under way at a time. */
  concurrency: number;
  /** Pushes in hand at a time, those that wait for their next try among them. */
  waiting: number;
}

/** How one app fares at one provider. */
export interface LaneHealth {
  appId: AppId;
  provider: PushProvider;
  isHeldBack: boolean;
  /** What the provider said against the credentials, until it takes a push again. */
  fault: string | null;
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

  constructor(private readonly limits: LaneLimits) {}

  get isIdle(): boolean {
    return this.#inHand === 0;
  }

  /** @returns whether there is room for one more push; {@link leave} makes it again. */
  enter(): boolean {
    if (this.#inHand >= this.limits.waiting) return false;
    this.#inHand += 1;
    return true;
  }

  leave(): void {
    this.#inHand -= 1;
  }

  /** Makes a request in its turn. */
  async request<T>(work: () => Promise<T>): Promise<T> {
    if (this.#underWay >= this.limits.concurrency) await new Promise<void>((go) => this.#turns.push(go));
    else this.#underWay += 1;
    try {
      return await work();
    } finally {
      // The place goes to the next one as it is.
      const next = this.#turns.shift();
      if (next) next();
      else this.#underWay -= 1;
    }
  }
}

/** The lane of each app and provider; one that nobody uses, and of which nothing is to be remembered, is forgotten. */
export class Lanes {
  readonly #lanes = new Map<string, { appId: AppId; provider: PushProvider; lane: Lane }>();

  constructor(private readonly limits: LaneLimits) {}

  of(appId: AppId, provider: PushProvider): Lane {
    const key = `${appId}/${provider}`;
    const known = this.#lanes.get(key);
    if (known) return known.lane;
    this.#forgetIdle();
    const lane = new Lane(this.limits);
    this.#lanes.set(key, { appId, provider, lane });
    return lane;
  }

  health(): LaneHealth[] {
    return [...this.#lanes.values()].map(({ appId, provider, lane }) => ({
      appId,
      provider,
      isHeldBack: lane.breaker.isOpen,
      fault: lane.fault,
    }));
  }

  #forgetIdle(): void {
    if (this.#lanes.size < 1000) return;
    for (const [key, { lane }] of this.#lanes) if (lane.isIdle && !lane.breaker.isOpen && !lane.fault) this.#lanes.delete(key);
  }
}
