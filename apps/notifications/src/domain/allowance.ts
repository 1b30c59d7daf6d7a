/** Lets each of many through so many times a second. */
export class Allowance {
  #second = 0;
  readonly #taken = new Map<string, number>();

  constructor(private readonly perSecond: number) {}

  /** @param nowMs the time. @returns whether this one may pass. */
  take(who: string, nowMs: number): boolean {
    const second = Math.floor(nowMs / 1000);
    if (second !== this.#second) this.#taken.clear();
    this.#second = second;
    const taken = (this.#taken.get(who) ?? 0) + 1;
    this.#taken.set(who, taken);
    return taken <= this.perSecond;
  }
}
