import { type AppId, type Presence, presenceSchema, type UserAlias } from '@communication-center/contracts';
import type { Sql } from '@communication-center/event-log';
import type { ReportError } from '@communication-center/service';
import { type StreamPlace, writePlace } from '../domain/stream-place.js';
import { readEverybody, readSome } from '../read-presence/read-said.js';
import { isKept, readBounds } from './read-changes.js';
import type { SharedReads } from './shared-reads.js';
import { ToldAlready } from './told-already.js';

/** What a stream needs of an HTTP response. */
export interface StreamResponse {
  write(text: string): boolean;
  end(): void;
  once(event: 'close' | 'drain', listener: () => void): unknown;
}

const pageSize = 500;

/**
 * One reader of an app's presence, as server-sent events (WHATWG HTML §9.2). Each event's id is the reader's
 * place in the orders of the app's buckets; whoever comes back with the last one misses nothing. One that is new, or was away too long, is first told
 * where everybody is.
 */
export class PresenceStream {
  #place: StreamPlace | undefined;
  #already: ToldAlready | undefined;
  #working = false;
  #woken = false;
  #ended = false;

  constructor(
    private readonly database: Sql,
    private readonly reads: SharedReads,
    private readonly about: { appId: AppId; only: readonly UserAlias[] | undefined; from: StreamPlace | undefined },
    private readonly response: StreamResponse,
    private readonly report: ReportError,
  ) {}

  /** Looks for what is new. */
  wake(): void {
    this.#woken = true;
    if (!this.#working) void this.#work();
  }

  beat(): void {
    if (!this.#ended) this.response.write(': still here\n\n');
    this.wake();
  }

  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.response.end();
  }

  async #work(): Promise<void> {
    this.#working = true;
    try {
      while (this.#woken && !this.#ended) {
        this.#woken = false;
        this.#place = await this.#tellChanges(this.#place ?? (await this.#begin()));
      }
    } catch (error) {
      // The reader comes back, with the last id it got.
      this.report(error, 'streaming presence');
      this.end();
    } finally {
      this.#working = false;
    }
  }

  /** @returns the place to go on from. */
  async #begin(): Promise<StreamPlace> {
    const { appId, from } = this.about;
    const bounds = await readBounds(this.database, appId);
    if (from !== undefined && isKept(from, bounds)) return from;
    await this.#write('event: reset\ndata: {}\n\n');
    this.#already = new ToldAlready(this.database, appId, bounds.end);
    await this.#tellEverybody(this.#already);
    await this.#write(`event: ready\nid: ${writePlace(bounds.end)}\ndata: {}\n\n`);
    return bounds.end;
  }

  async #tellEverybody(already: ToldAlready): Promise<void> {
    const { appId, only } = this.about;
    if (only) {
      await this.#tellPage(await readSome(this.database, appId, only), already);
      return;
    }
    for (let after = ''; !this.#ended; ) {
      const page = await this.#tellPage(await readEverybody(this.database, appId, { after, limit: pageSize }), already);
      const last = page.at(-1);
      if (!last || page.length < pageSize) return;
      after = last.userAlias;
    }
  }

  async #tellPage(read: readonly unknown[], already: ToldAlready): Promise<Presence[]> {
    const page = read.map((said) => presenceSchema.parse(said));
    await already.note(page);
    for (const presence of page) await this.#tell(JSON.stringify(presence));
    return page;
  }

  async #tellChanges(from: StreamPlace): Promise<StreamPlace> {
    const { appId, only } = this.about;
    let place = from;
    while (!this.#ended) {
      const { changes, isMore } = await this.reads.read(appId, place);
      for (const { bucket, position, userAlias, said } of changes) {
        place = place.with(bucket, position);
        if ((!only || only.includes(userAlias)) && !this.#already?.has(userAlias, said)) await this.#tell(said, place);
      }
      if (this.#already?.isBehind(place)) this.#already = undefined;
      if (!isMore) break;
    }
    return place;
  }

  async #tell(said: string, place?: StreamPlace): Promise<void> {
    await this.#write(`event: presence\n${place ? `id: ${writePlace(place)}\n` : ''}data: ${said}\n\n`);
  }

  /** A reader that reads slowly holds up itself alone: nothing piles up for it in memory. */
  async #write(text: string): Promise<void> {
    if (this.#ended || this.response.write(text)) return;
    await new Promise<void>((resolve) => {
      this.response.once('drain', resolve);
      this.response.once('close', resolve);
    });
  }
}
