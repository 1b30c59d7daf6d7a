/** So many groups take turns in one heartbeat. */
const groupCount = 50;

/**
 * The open sockets, each with its heartbeat in the turn of its group. All at once they would keep everybody else waiting, and what
 * their pings take until they are written would be in memory for all of them.
 */
export class BeatingSockets<S extends { beat(now: number): void }> {
  readonly #groups = Array.from({ length: groupCount }, () => new Set<S>());
  #size = 0;
  #added = 0;
  #turn = 0;
  #beating: NodeJS.Timeout | undefined;

  get size(): number {
    return this.#size;
  }

  /** Beats each socket once in `everyMs` from now on. */
  start(everyMs: number): void {
    this.#beating = setInterval(() => {
      const now = Date.now();
      for (const socket of this.#groups[this.#turn++ % groupCount] ?? []) socket.beat(now);
    }, everyMs / groupCount);
  }

  stop(): void {
    clearInterval(this.#beating);
  }

  /** One that is there already is not to be added again. */
  add(socket: S): void {
    this.#size += 1;
    this.#groups[this.#added++ % groupCount]?.add(socket);
  }

  delete(socket: S): void {
    if (this.#groups.some((group) => group.delete(socket))) this.#size -= 1;
  }

  *[Symbol.iterator](): Iterator<S> {
    for (const group of this.#groups) yield* group;
  }
}
