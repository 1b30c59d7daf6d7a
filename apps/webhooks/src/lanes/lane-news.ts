import type { AppId } from '@communication-center/contracts';

const [watching, placed] = ['watch:', 'placed:'];
/** So long after it was said for the last time that somebody watches an app, its lane's owner tells no more of it, in milliseconds. */
const watchedMs = 5000;
/** A notification holds 8,000 bytes. */
const wordsAtOnce = 100;
/** More apps than these are looked through for those that nobody watches any more. */
const mostWatched = 1000;

export interface LaneNewsTools {
  /** Tells all replicas, this one too. */
  tell: (words: readonly string[]) => Promise<void>;
  /** Whether this replica gives an app's messages their places. */
  owns: (appId: AppId) => boolean;
  now: () => number;
}

/**
 * Tells those who wait for an app's messages that some got their places, in this process and in others: a replica in which somebody
 * waits says so, and the owner of the app's lane tells it, as long as it goes on saying so. What is lost of either costs time alone:
 * whoever waits looks by himself as well. Where nobody waits nothing is told.
 */
export class LaneNews {
  readonly #watchers = new Map<AppId, Set<() => void>>();
  /** Apps that others watch, and until when. */
  readonly #watchedElsewhere = new Map<AppId, number>();
  #untold = new Set<AppId>();
  #isTelling = false;

  constructor(private readonly tools: LaneNewsTools) {}

  /** The apps that somebody watches in this process. */
  get watched(): AppId[] {
    return [...this.#watchers.keys()];
  }

  /** Calls `onNews` when messages of an app may have got their places, until it is let go. @returns lets it go. */
  watch(appId: AppId, onNews: () => void): () => void {
    const watchers = this.#watchers.get(appId) ?? new Set();
    const isFirst = watchers.size === 0;
    this.#watchers.set(appId, watchers.add(onNews));
    if (isFirst) this.announce([appId]);
    return () => {
      watchers.delete(onNews);
      if (watchers.size === 0 && this.#watchers.get(appId) === watchers) this.#watchers.delete(appId);
    };
  }

  /** Says that apps are watched here, where another replica owns their lanes. */
  announce(appIds: readonly AppId[]): void {
    const elsewhere = appIds.filter((appId) => !this.tools.owns(appId)).map((appId) => `${watching}${appId}`);
    for (let from = 0; from < elsewhere.length; from += wordsAtOnce) void this.tools.tell(elsewhere.slice(from, from + wordsAtOnce));
  }

  /** Messages of these apps have got their places here. */
  placed(appIds: readonly AppId[]): void {
    const now = this.tools.now();
    for (const appId of appIds) {
      this.wake(appId);
      const until = this.#watchedElsewhere.get(appId);
      if (until === undefined) continue;
      if (until > now) this.#untold.add(appId);
      else this.#watchedElsewhere.delete(appId);
    }
    this.#tellOn();
  }

  wake(appId: AppId): void {
    for (const onNews of this.#watchers.get(appId) ?? []) onNews();
  }

  /** Takes what replicas tell each other of this. @returns what is of something else. */
  heard(words: readonly string[]): string[] {
    const others: string[] = [];
    for (const word of words) {
      if (word.startsWith(placed)) this.wake(word.slice(placed.length) as AppId);
      else if (word.startsWith(watching)) this.#watchedFor(word.slice(watching.length) as AppId);
      else others.push(word);
    }
    return others;
  }

  #watchedFor(appId: AppId): void {
    if (!this.tools.owns(appId)) return;
    const now = this.tools.now();
    this.#watchedElsewhere.set(appId, now + watchedMs);
    if (this.#watchedElsewhere.size <= mostWatched) return;
    for (const [one, until] of this.#watchedElsewhere) if (until <= now) this.#watchedElsewhere.delete(one);
  }

  /** What comes while others are told goes together with the next. */
  #tellOn(): void {
    if (this.#isTelling || this.#untold.size === 0) return;
    const words = [...this.#untold].slice(0, wordsAtOnce);
    for (const appId of words) this.#untold.delete(appId);
    this.#isTelling = true;
    void this.tools.tell(words.map((appId) => `${placed}${appId}`)).finally(() => {
      this.#isTelling = false;
      this.#tellOn();
    });
  }
}
