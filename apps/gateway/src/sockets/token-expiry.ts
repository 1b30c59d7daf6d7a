/** So long before a token expires its device is told. */
const tellBeforeMs = 60_000;
/** A device that was let in, or goes on, with less is told no sooner, and so no more often. */
const earliestMs = 10_000;
/** How often it is seen whether the call is over that an expired token does not end. */
const lookAgainMs = 1000;

/**
 * Tells of a token that expires soon, and ends what it let in. Most sockets have long to go: a timer is kept only for those
 * that have not, and the beats of the socket find them.
 */
export class TokenExpiry {
  #expiresAt = 0;
  #timer: NodeJS.Timeout | undefined;
  isOver = false;

  /**
   * @param tell says when it expires, in ISO 8601.
   * @param end puts out. @returns whether it did; asked again where something goes on that an expiry does not end.
   */
  constructor(
    private readonly tell: (expiresAt: string) => void,
    private readonly end: () => boolean,
  ) {}

  /** Whether a token must be watched before so many milliseconds have passed. @param expiresAt in seconds. */
  static isNear(expiresAt: number, withinMs: number): boolean {
    return expiresAt * 1000 - Date.now() <= tellBeforeMs + withinMs;
  }

  /** Watches the token that is held now; the same one once. @param expiresAt in seconds. */
  watch(expiresAt: number): void {
    if (expiresAt === this.#expiresAt) return;
    this.stop();
    this.#expiresAt = expiresAt;
    const leftMs = expiresAt * 1000 - Date.now();
    this.#timer = setTimeout(() => this.#tellNow(), Math.max(leftMs - tellBeforeMs, Math.min(earliestMs, leftMs / 2), 0));
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#expiresAt = 0;
    this.isOver = false;
  }

  #tellNow(): void {
    this.tell(new Date(this.#expiresAt * 1000).toISOString());
    this.#timer = setTimeout(() => this.#expire(), Math.max(0, this.#expiresAt * 1000 - Date.now()));
  }

  #expire(): void {
    this.isOver = true;
    if (!this.end()) this.#timer = setTimeout(() => this.#expire(), lookAgainMs);
  }
}
