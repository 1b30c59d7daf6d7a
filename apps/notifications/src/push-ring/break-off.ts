/** Ends what is under way, between two of its steps. As an `AbortController`, of which each of thousands of pushes would take many times the memory. */
export class BreakOff {
  #reason: string | undefined;
  #isBroken = false;
  #listeners: Set<() => void> | undefined;

  get aborted(): boolean {
    return this.#isBroken;
  }

  /** What is put on record of why; undefined where nothing is. */
  get reason(): string | undefined {
    return this.#reason;
  }

  /** Ends it, once. */
  abort(reason?: string): void {
    if (this.#isBroken) return;
    this.#isBroken = true;
    this.#reason = reason;
    for (const listener of this.#listeners ?? []) listener();
    this.#listeners = undefined;
  }

  /** Has it said when it is ended. @returns what undoes that. */
  onAbort(listener: () => void): () => void {
    this.#listeners ??= new Set();
    this.#listeners.add(listener);
    return () => this.#listeners?.delete(listener);
  }
}
