/** Somebody who begins one thing when it is its turn, and asks again for the next. */
export interface TakesTurns {
  endpoint: { appId: string };
  pump: () => void;
}

/** So many deliveries are begun in one turn of the event loop: some milliseconds of work. */
const mostInATurn = 16;

/**
 * Shares the processor among apps: a few deliveries are begun in a turn of the event loop, of each app in its turn, so that one
 * with a thousand endpoints and a long backlog keeps another's only delivery waiting for milliseconds.
 */
export class Turns {
  /** Who waits, by app, in the order of turns. */
  readonly #waiting = new Map<string, Set<TakesTurns>>();
  #begun = 0;
  #isDue = false;
  #granted: TakesTurns | undefined;

  constructor(private readonly most = mostInATurn) {}

  /** @returns whether it may begin one thing now; else it is pumped when its turn has come. */
  take(one: TakesTurns): boolean {
    this.#tickSoon();
    if (this.#granted === one) {
      this.#granted = undefined;
      return true;
    }
    if (this.#waiting.size === 0 && this.#begun < this.most) {
      this.#begun += 1;
      return true;
    }
    const { appId } = one.endpoint;
    const ofApp = this.#waiting.get(appId) ?? new Set();
    this.#waiting.set(appId, ofApp.add(one));
    return false;
  }

  #tickSoon(): void {
    if (this.#isDue) return;
    this.#isDue = true;
    setImmediate(() => this.#tick());
  }

  #tick(): void {
    this.#isDue = false;
    this.#begun = 0;
    while (this.#begun < this.most) {
      const [turn] = this.#waiting;
      if (!turn) return;
      const [appId, ofApp] = turn;
      const [one] = ofApp;
      this.#waiting.delete(appId);
      if (!one) continue;
      ofApp.delete(one);
      // Whose turn it was is the last to have the next.
      if (ofApp.size > 0) this.#waiting.set(appId, ofApp);
      this.#begun += 1;
      this.#granted = one;
      one.pump();
      this.#granted = undefined;
    }
    if (this.#waiting.size > 0) this.#tickSoon();
  }
}
