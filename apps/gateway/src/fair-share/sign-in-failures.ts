import { createHash } from 'node:crypto';
import { type ProblemCode, type Rate, signInFailureLimits } from '@communication-center/contracts';
import { ProblemError, Settings } from '@communication-center/service';
import { type Asked, FairShare, refusalFor } from '@communication-center/service/fair-share';
import { Inject, Injectable } from '@nestjs/common';
import type { GatewaySettings } from '../settings.js';

/** Who tries to sign in, as far as it says; nothing of it is believed yet. */
export interface Attempt {
  credential: string;
  address: string;
  /** App and alias that it names. */
  claims?: string | undefined;
}

const failures = new Set<ProblemCode>(['unauthenticated', 'unknown_app', 'forbidden']);
/** Credentials that were good: so many are kept in mind, for so long. */
const good = { most: 5000, forMs: 600_000 };

/**
 * Counts sign-ins that failed, by address and by alias at an address. Who has too many behind it is refused before anybody looks at what it shows;
 * but for a credential that was good there a short while ago, so that nobody is kept out by a neighbour behind the same address.
 */
@Injectable()
export class SignInFailures {
  readonly #good = new Map<string, number>();
  /** How many requests of an address are being looked at. */
  readonly #looks = new Map<string, number>();

  readonly #address: Rate;

  constructor(
    private readonly shares: FairShare,
    @Inject(Settings) settings: Pick<GatewaySettings, 'SIGN_IN_FAILURES_PER_SECOND' | 'SIGN_IN_FAILURE_BURST'>,
  ) {
    this.#address = { perSecond: settings.SIGN_IN_FAILURES_PER_SECOND, burst: settings.SIGN_IN_FAILURE_BURST };
  }

  /**
   * Looks at a credential, unless too many failed before.
   * @throws what looking at it throws; ProblemError `rate_limited` where it is not looked at.
   */
  async watch<T>(attempt: Attempt, look: () => Promise<T>): Promise<T> {
    const counted = this.#countedIn(attempt);
    const lacks = this.#lackOf(attempt, counted);
    if (lacks) throw refusalFor('failed sign-ins', lacks);
    const done = attempt.claims === undefined ? this.#looking(attempt.address) : undefined;
    try {
      const found = await look();
      this.#noteGood(attempt);
      return found;
    } catch (error) {
      if (error instanceof ProblemError && failures.has(error.code)) for (const one of counted) this.shares.buckets.charge(one);
      throw error;
    } finally {
      done?.();
    }
  }

  /** Whether so much failed from an address that what it shows is not looked at now. */
  isOver(address: string): boolean {
    return this.shares.buckets.lackOf(this.#countedIn({ address, credential: '' })) !== undefined;
  }

  /**
   * Whether a request should wait: it would not be looked at now; or as many of its address are being looked at already as may fail, of which nobody
   * knows yet how many do. Without that a flood that comes faster than it is looked at would never be one.
   */
  mustWait(attempt: Attempt): boolean {
    const isTooMuch = this.isOver(attempt.address) || (this.#looks.get(attempt.address) ?? 0) >= this.#address.burst;
    return isTooMuch && !this.#wasGood(attempt);
  }

  /** @returns ends it. */
  #looking(address: string): () => void {
    this.#looks.set(address, (this.#looks.get(address) ?? 0) + 1);
    return () => {
      const left = (this.#looks.get(address) ?? 0) - 1;
      if (left > 0) this.#looks.set(address, left);
      else this.#looks.delete(address);
    };
  }

  #lackOf(attempt: Attempt, counted: readonly Asked[]): ReturnType<FairShare['buckets']['lackOf']> {
    const lacks = this.shares.buckets.lackOf(counted);
    return lacks && !this.#wasGood(attempt) ? lacks : undefined;
  }

  #countedIn({ address, claims }: Attempt): Asked[] {
    return [
      { name: `sign_in_failures address ${address}`, rate: this.#address },
      ...(claims === undefined ? [] : [{ name: `sign_in_failures alias ${address} ${claims}`, rate: signInFailureLimits.alias }]),
    ];
  }

  #wasGood(attempt: Attempt): boolean {
    return (this.#good.get(nameOf(attempt)) ?? 0) > performance.now();
  }

  #noteGood(attempt: Attempt): void {
    const name = nameOf(attempt);
    this.#good.delete(name);
    this.#good.set(name, performance.now() + good.forMs);
    if (this.#good.size > good.most) this.#good.delete(this.#good.keys().next().value as string);
  }
}

/** What is kept in mind must not be the credential itself. */
function nameOf({ credential, address }: Attempt): string {
  return createHash('sha256').update(`${address} ${credential}`).digest('base64url');
}
