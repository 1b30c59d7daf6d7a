import { z } from 'zod';

/** Makes a setting that lists where the replicas of a service answer. */
export function replicasSetting() {
  return z
    .string()
    .transform((text) => text.split(',').map((url) => url.trim()))
    .pipe(z.array(z.url({ protocol: /^https?$/ })).min(1));
}

const avoidMs = 2000;

/** Shares requests out among the replicas of a service, and keeps away for a while from one that did not answer. */
export class Replicas {
  readonly #avoidUntil = new Map<string, number>();
  #next = 0;

  constructor(private readonly urls: readonly string[]) {}

  get count(): number {
    return this.urls.length;
  }

  /** @returns the next replica in turn; one that failed just now only when all did. */
  pick(now = Date.now()): string {
    const turn = this.urls.map((_, index) => this.urls[(this.#next + index) % this.urls.length] as string);
    this.#next = (this.#next + 1) % this.urls.length;
    return turn.find((url) => (this.#avoidUntil.get(url) ?? 0) <= now) ?? (turn[0] as string);
  }

  failed(url: string, now = Date.now()): void {
    this.#avoidUntil.set(url, now + avoidMs);
  }

  /**
   * Has one replica asked, and the others in turn where it cannot be reached at all.
   * @param send asks the replica at a URL; what is broken off by its own caller says nothing of the replica.
   * @throws what the last one failed with.
   */
  async reach<T>(send: (url: string) => Promise<T>): Promise<T> {
    for (let tries = this.count; ; tries -= 1) {
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

/** Whether a request that failed never reached the other side, so that even one that must not be repeated may go elsewhere. */
export function neverArrived(error: unknown): boolean {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return code === 'ECONNREFUSED' || code === 'UND_ERR_CONNECT_TIMEOUT';
}
