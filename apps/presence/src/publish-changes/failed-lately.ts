/** More than these are not remembered: the oldest are forgotten. */
const mostNames = 10_000;

/** Remembers for a while who was among those that failed together, until it is known who of them it was. */
export class FailedLately {
  readonly #until = new Map<string, number>();

  /** @param forMs how long a name is remembered. */
  constructor(private readonly forMs = 60_000) {}

  note(names: readonly string[], now = performance.now()): void {
    for (const name of names) {
      // Written anew, so that the order is that of the times.
      this.#until.delete(name);
      this.#until.set(name, now + this.forMs);
    }
    for (const [name, until] of this.#until) {
      if (until > now && this.#until.size <= mostNames) break;
      this.#until.delete(name);
    }
  }

  has(name: string, now = performance.now()): boolean {
    return (this.#until.get(name) ?? 0) > now;
  }
}
