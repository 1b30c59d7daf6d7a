import type { Known } from '../domain/presence-of.js';
import type { Look } from './look-at.js';

/** What was known, and said last, of somebody in a turn of theirs. */
export interface Remembered {
  turn: number;
  known: Known;
  said: Look['said'];
  /** When all of it was read; it may have gone on since. */
  readAt: number;
}

/** People who are remembered at most, some 3 KB each: others are looked at. */
const mostPeople = 3000;

/**
 * What was found of people lately, each with the turn in which it was; that nobody has looked since is found out under their lock.
 * After some minutes all is read again, since devices that were not seen for a month are forgotten without a look.
 */
export class KnownLately {
  readonly #people = new Map<string, Remembered>();

  /** @param forMs how long what was read is gone on from. */
  constructor(private readonly forMs = 300_000) {}

  get(name: string, now = performance.now()): Remembered | undefined {
    const remembered = this.#people.get(name);
    return remembered && remembered.readAt + this.forMs > now ? remembered : undefined;
  }

  /** Notes what has been committed. */
  note(name: string, remembered: Remembered): void {
    const before = this.#people.get(name);
    // Answers of two connections may come in another order than their commits.
    if (before && before.turn >= remembered.turn) return;
    this.#people.delete(name);
    this.#people.set(name, remembered);
    for (const oldest of this.#people.keys().take(Math.max(0, this.#people.size - mostPeople))) this.#people.delete(oldest);
  }

  forget(name: string): void {
    this.#people.delete(name);
  }
}
