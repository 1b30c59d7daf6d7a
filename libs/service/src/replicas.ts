import { z } from 'zod';
import { Addresses, type Resolve } from './addresses.js';

/** Makes a setting that lists where the replicas of a service answer. */
export function replicasSetting() {
  return z
    .string()
    .transform((text) => text.split(',').map((url) => url.trim()))
    .pipe(z.array(z.url({ protocol: /^https?$/ })).min(1));
}

const avoidMs = 2000;
/** So many are asked in turn at most: each that hangs costs the time of a connection. */
const mostTries = 5;

/** Shares requests out among the replicas of a service, and keeps away for a while from one that did not answer. */
export class Replicas {
  readonly #addresses: Addresses;
  readonly #avoidUntil = new Map<string, number>();
  #next = 0;

  /**
   * @param urls where replicas answer: addresses, or names of several.
   * @param resolve finds the addresses of a name; as the system does when left out.
   */
  constructor(urls: readonly string[], resolve?: Resolve) {
    this.#addresses = new Addresses(urls, resolve);
  }

  /** @returns the next replica in turn, of those found last; one that failed just now only when all did. */
  pick(now = Date.now()): string {
    const urls = this.#addresses.known;
    const first = this.#next % urls.length;
    const turn = [...urls.slice(first), ...urls.slice(0, first)];
    this.#next = first + 1;
    return turn.find((url) => (this.#avoidUntil.get(url) ?? 0) <= now) ?? (turn[0] as string);
  }

  /** @returns as {@link pick}, once it is known who the replicas are. */
  async next(): Promise<string> {
    await this.#addresses.current();
    return this.pick();
  }

  failed(url: string, now = Date.now()): void {
    for (const [other, until] of this.#avoidUntil) if (until <= now) this.#avoidUntil.delete(other);
    this.#avoidUntil.set(url, now + avoidMs);
  }

  /**
   * Has one replica asked, and others in turn where it cannot be reached at all.
   * @param send asks the replica at a URL; what is broken off by its own caller says nothing of the replica.
   * @throws what the last one failed with.
   */
  async reach<T>(send: (url: string) => Promise<T>): Promise<T> {
    const urls = await this.#addresses.current();
    for (let tries = Math.min(urls.length, mostTries); ; tries -= 1) {
      const url = this.pick();
      try {
        return await send(url);
      } catch (error) {
        if (!isBrokenOff(error)) this.failed(url);
        if (tries <= 1 || !neverArrived(error)) throw error;
      }
    }
  }
}

const isBrokenOff = (error: unknown) => error instanceof Error && error.name === 'AbortError';

/** Codes of a connection that was not made; some are also those of one that broke, unless it was `connect` that failed. */
const neverMade = ['ECONNREFUSED', 'UND_ERR_CONNECT_TIMEOUT', 'ENOTFOUND', 'EAI_AGAIN'];
const notMade = ['EHOSTUNREACH', 'ENETUNREACH', 'ETIMEDOUT'];

/** Whether a request that failed never reached the other side, so that even one that must not be repeated may go elsewhere. */
export function neverArrived(error: unknown): boolean {
  const { code, syscall } = (error instanceof Error ? error : {}) as { code?: string; syscall?: string };
  return code !== undefined && (neverMade.includes(code) || (syscall === 'connect' && notMade.includes(code)));
}
