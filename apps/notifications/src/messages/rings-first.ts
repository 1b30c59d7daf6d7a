/** What waits for nobody gives way to rings for so long at most, in milliseconds: where a provider is away rings are under way for minutes. */
const mostMs = 100;
/** How often it is looked whether any is under way still, in milliseconds. */
const lookEveryMs = 5;

interface Waiting {
  since: number;
  goOn: () => void;
}

/**
 * Lets rings that are under way in this process go before messages that wait for nobody: what a mail is made of keeps the process for some
 * milliseconds, and several at once keep a ring waiting longer than all else does. Each begins in a turn of the event loop of its own.
 */
export class RingsFirst {
  readonly #waiting: Waiting[] = [];
  #looking: NodeJS.Timeout | undefined;
  #isBeginning = false;

  /** @param areUnderWay whether rings are, now. */
  constructor(private readonly areUnderWay: () => boolean) {}

  /** Resolves when a message may begin: those that came first do first. */
  turn(): Promise<void> {
    return new Promise((goOn) => {
      this.#waiting.push({ since: performance.now(), goOn });
      this.#look();
    });
  }

  #look(): void {
    const [first] = this.#waiting;
    if (!first || this.#isBeginning || this.#looking) return;
    if (this.areUnderWay() && performance.now() - first.since < mostMs) {
      this.#looking = setTimeout(() => {
        this.#looking = undefined;
        this.#look();
      }, lookEveryMs);
      return;
    }
    this.#isBeginning = true;
    setImmediate(() => {
      this.#isBeginning = false;
      this.#waiting.shift()?.goOn();
      this.#look();
    });
  }
}
