import type { Subject } from '@communication-center/contracts';
import { ProblemError } from '@communication-center/service';
import { Places } from '../domain/places.js';

interface Waiting {
  whose: string;
  begin: () => void;
}

/** @returns who has a share of what a gateway can do: an app; the operator, and whoever names nobody, are one each. */
export function whoseShare(subject: Subject): string {
  return 'appId' in subject ? `app ${subject.appId}` : subject.kind;
}

/** @returns why whoever asks gets no place. */
export function noPlace(lacks: 'share' | 'place' | undefined, what: string): ProblemError {
  return lacks === 'share'
    ? new ProblemError('rate_limited', `This app has as many ${what} here as it may`)
    : new ProblemError('service_unavailable', `This gateway takes no more ${what}`);
}

/** Lets so many at a time do what takes long, and as many others wait; neither may all be one app's. Whoever waited longest is next. */
export class Turns {
  readonly #places: Places;
  readonly #seats: Places;
  readonly #waiting = new Set<Waiting>();

  constructor(
    most: number,
    share: number,
    private readonly waitMs: number,
  ) {
    this.#places = new Places(most, share);
    this.#seats = new Places(most, share);
  }

  /**
   * @param gone whoever asks is.
   * @returns once it is the asker's turn: what ends it.
   * @throws ProblemError `rate_limited` or `service_unavailable` where too many wait already, or the wait was too long.
   */
  async take(whose: string, gone: AbortSignal): Promise<() => void> {
    if (!this.#places.take(whose)) await this.#wait(whose, gone);
    return () => {
      this.#places.giveBack(whose);
      this.#callNext();
    };
  }

  async #wait(whose: string, gone: AbortSignal): Promise<void> {
    const lacks = this.#seats.lacks(whose);
    if (!this.#seats.take(whose)) throw noPlace(lacks, 'transfers');
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const waiting = { whose, begin: resolve };
    const giveUp = () => {
      this.#waiting.delete(waiting);
      reject(noPlace(this.#places.lacks(whose), 'transfers'));
    };
    const late = setTimeout(giveUp, this.waitMs);
    gone.addEventListener('abort', giveUp);
    this.#waiting.add(waiting);
    try {
      await promise;
    } finally {
      clearTimeout(late);
      gone.removeEventListener('abort', giveUp);
      this.#waiting.delete(waiting);
      this.#seats.giveBack(whose);
    }
  }

  #callNext(): void {
    for (const waiting of this.#waiting) {
      if (!this.#places.take(waiting.whose)) continue;
      this.#waiting.delete(waiting);
      waiting.begin();
      return;
    }
  }
}
