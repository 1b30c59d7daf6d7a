/** A device is told who speaks so often at most, in milliseconds; more would be seen by nobody. */
const paceMs = 300;

/**
 * Who speaks in a room, by Janus' word for each section of sound. Changes of a moment are told together, as a list of all who speak: whatever
 * was missed, the next list makes up for.
 */
export class Speakers {
  readonly #heard = new Set<string>();
  readonly #tell: (heard: ReadonlySet<string>) => void;
  #told = '';
  #pause: NodeJS.Timeout | undefined;

  /** @param tell is told the sections that are heard, by {@link sectionKey}. */
  constructor(tell: (heard: ReadonlySet<string>) => void) {
    this.#tell = tell;
  }

  /** Janus hears a section of sound, or has not for a while. */
  note({ feed, mid, talking }: { feed: string; mid?: string; talking: boolean }): void {
    const key = sectionKey(feed, mid ?? '');
    if (talking) this.#heard.add(key);
    else this.#heard.delete(key);
    this.#follow();
  }

  /** A feed is gone, and with it whatever was heard of it. */
  forget(feed: string): void {
    for (const key of this.#heard) if (key.endsWith(` ${feed}`)) this.#heard.delete(key);
    this.#follow();
  }

  /** Tells anew: somebody else listens. */
  again(): void {
    this.#told = '';
    this.#follow();
  }

  stop(): void {
    clearTimeout(this.#pause);
    this.#heard.clear();
    this.#told = '';
  }

  #follow(): void {
    if (this.#pause !== undefined) return;
    const told = [...this.#heard].sort().join();
    if (told === this.#told) return;
    this.#told = told;
    this.#pause = setTimeout(() => {
      this.#pause = undefined;
      this.#follow();
    }, paceMs).unref();
    this.#tell(this.#heard);
  }
}

/** Names of sections have no blanks (RFC 8843 §9.1: a token). */
export const sectionKey = (feed: string, mid: string): string => `${mid} ${feed}`;
