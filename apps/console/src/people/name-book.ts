import type { CommunicationCenter } from '@communication-center/client';
import { useSyncExternalStore } from 'react';

/** So many may be asked for in one question. */
const atOnce = 64;
/** In an app with more people the others go by their aliases: a page does not ask for a whole town. */
const askedAtMost = 2000;
/** Names that are wanted at the same moment are asked for together. */
const gatherMs = 20;
/** After a question that failed the names are asked for again, the next time somebody wants them. */
const againMs = 5000;

type Ask = (userAliases: string[]) => Promise<{ userAlias: string; name: string | null }[]>;

/** What people are called: their names where they have one, else their aliases. Each is asked for once. */
export class NameBook {
  readonly #names = new Map<string, string>();
  readonly #asked = new Set<string>();
  readonly #wanted = new Set<string>();
  readonly #listeners = new Set<() => void>();
  #gathering: ReturnType<typeof setTimeout> | undefined;
  #nameOf = this.#newReader();

  constructor(private readonly ask: Ask) {}

  subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  /** @returns what reads names as they are known now: another function once more are known. */
  reader = (): ((userAlias: string) => string) => this.#nameOf;

  #newReader(): (userAlias: string) => string {
    return (userAlias) => {
      this.#want(userAlias);
      return this.#names.get(userAlias) ?? userAlias;
    };
  }

  #want(userAlias: string): void {
    if (this.#asked.has(userAlias) || this.#asked.size >= askedAtMost) return;
    this.#asked.add(userAlias);
    this.#wanted.add(userAlias);
    this.#gathering ??= setTimeout(() => void this.#askAll(), gatherMs);
  }

  async #askAll(): Promise<void> {
    this.#gathering = undefined;
    const wanted = [...this.#wanted];
    this.#wanted.clear();
    for (let from = 0; from < wanted.length; from += atOnce) await this.#askSome(wanted.slice(from, from + atOnce));
    this.#nameOf = this.#newReader();
    for (const listener of this.#listeners) listener();
  }

  async #askSome(userAliases: string[]): Promise<void> {
    try {
      for (const { userAlias, name } of await this.ask(userAliases)) if (name) this.#names.set(userAlias, name);
    } catch {
      setTimeout(() => {
        for (const userAlias of userAliases) this.#asked.delete(userAlias);
      }, againMs);
    }
  }
}

const books = new WeakMap<CommunicationCenter, NameBook>();

function bookOf(center: CommunicationCenter): NameBook {
  const book = books.get(center) ?? new NameBook((userAliases) => center.profiles(userAliases));
  books.set(center, book);
  return book;
}

/** @returns what to call people; whoever draws with it draws anew once more names are known. */
export function useNames(center: CommunicationCenter): (userAlias: string) => string {
  const book = bookOf(center);
  return useSyncExternalStore(book.subscribe, book.reader);
}
