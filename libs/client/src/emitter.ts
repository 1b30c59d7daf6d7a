/** Calls listeners by name, with types. A listener that throws does not keep the others from being called. */
export class Emitter<Events extends Record<string, unknown[]>> {
  readonly #listeners: { [E in keyof Events]?: Set<(...args: Events[E]) => void> } = {};

  /** @returns a function that takes the listener away again. */
  on<E extends keyof Events>(event: E, listener: (...args: Events[E]) => void): () => void {
    const listeners: Set<(...args: Events[E]) => void> = this.#listeners[event] ?? new Set();
    listeners.add(listener);
    this.#listeners[event] = listeners;
    return () => listeners.delete(listener);
  }

  /** As {@link on}, for the next time alone. */
  once<E extends keyof Events>(event: E, listener: (...args: Events[E]) => void): () => void {
    const off = this.on(event, (...args) => {
      off();
      listener(...args);
    });
    return off;
  }

  protected hasListeners(event: keyof Events): boolean {
    return (this.#listeners[event]?.size ?? 0) > 0;
  }

  protected emit<E extends keyof Events>(event: E, ...args: Events[E]): void {
    for (const listener of [...(this.#listeners[event] ?? [])]) {
      try {
        listener(...args);
      } catch (error) {
        // As an unhandled error it reaches the app's own error reporting.
        queueMicrotask(() => {
          throw error;
        });
      }
    }
  }
}
