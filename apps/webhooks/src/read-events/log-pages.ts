import type { AppId } from '@communication-center/contracts';
import type { Sql } from '@communication-center/event-log';
import { type CallFacts, needsCallFacts } from '../domain/event-filter.js';
import type { PlacedMessage } from '../domain/message.js';
import { type ReaderWish, wantsToRead } from '../domain/reader-wish.js';
import { type LogPage, readOn } from './log-places.js';

/** Messages that one statement brings, wanted or not. */
const pageSize = 200;

export interface PageTools {
  sql: Sql;
  /** What filters ask of the calls of messages. @throws while nobody knows. */
  callsOf: (messages: readonly PlacedMessage[]) => Promise<ReadonlyMap<string, CallFacts>>;
}

/** What is wanted of a stretch of an app's log. */
export interface WantedPage {
  messages: PlacedMessage[];
  /** Up to where was looked. */
  upTo: number;
  /** Whether there was nothing more to look at then. */
  isAll: boolean;
}

/** Reads apps' logs for whoever follows them: those who are at the same place at the same time share a statement. */
export class LogPages {
  readonly #reading = new Map<string, Promise<LogPage>>();

  constructor(private readonly tools: PageTools) {}

  /**
   * @param most how many wanted messages are taken. @param looks how many pages are looked through for them.
   * @throws ProblemError `position_expired`; what the database or the calls service fails with.
   */
  async read(appId: AppId, after: number, wish: ReaderWish, { most, looks }: { most: number; looks: number }): Promise<WantedPage> {
    const found: PlacedMessage[] = [];
    let [upTo, isAll] = [after, false];
    for (let look = 0; look < looks && !isAll && found.length < most; look += 1) {
      const page = await this.#page(appId, upTo);
      const wanted = await this.#wanted(page.messages, wish);
      const taken = wanted.slice(0, most - found.length);
      found.push(...taken);
      const isWhole = taken.length === wanted.length;
      upTo = isWhole ? page.upTo : (taken.at(-1)?.position ?? upTo);
      isAll = isWhole && page.isAll;
    }
    return { messages: found, upTo, isAll };
  }

  async #wanted(messages: readonly PlacedMessage[], wish: ReaderWish): Promise<PlacedMessage[]> {
    const calls = needsCallFacts(wish) ? await this.tools.callsOf(messages) : undefined;
    return messages.filter((message) => wantsToRead(wish, message, calls?.get(message.subject)));
  }

  #page(appId: AppId, after: number): Promise<LogPage> {
    const key = `${appId} ${after}`;
    const shared = this.#reading.get(key);
    if (shared) return shared;
    const reading = readOn(this.tools.sql, appId, after, pageSize).finally(() => this.#reading.delete(key));
    this.#reading.set(key, reading);
    return reading;
  }
}
