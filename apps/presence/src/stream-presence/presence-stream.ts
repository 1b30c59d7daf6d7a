import { type AppId, type Presence, presenceSchema, type UserAlias } from '@communication-center/contracts';
import type { Sql } from '@communication-center/event-log';
import type { ReportError } from '@communication-center/service';
import { type StreamPlace, writePlace } from '../domain/stream-place.js';
import { readEverybody, readSome } from '../read-presence/read-said.js';
import type { Sight, Sights } from '../visibility/sights.js';
import { isKept, readBounds } from './read-changes.js';
import type { SharedReads } from './shared-reads.js';
import { ToldAlready } from './told-already.js';
import { StreamViewer } from './viewer.js';

/** What a stream needs of an HTTP response. */
export interface StreamResponse {
  write(text: string): boolean;
  end(): void;
  once(event: 'close' | 'drain', listener: () => void): unknown;
}

/** Who reads what. */
export interface StreamAbout {
  appId: AppId;
  /** Of whom; everybody where undefined. */
  only: readonly UserAlias[] | undefined;
  /** The place after which to go on; undefined for a fresh reader. */
  from: StreamPlace | undefined;
  /** The user who reads; left out for a key, which sees everybody. */
  viewer?: UserAlias | undefined;
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
  #from: StreamPlace | undefined;
  readonly #viewer: StreamViewer | undefined;
  #working = false;
  #woken = false;
  #beginsAnew = false;
  #ended = false;

  constructor(
    private readonly database: Sql,
    private readonly reads: SharedReads,
    private readonly about: StreamAbout,
    private readonly response: StreamResponse,
    private readonly report: ReportError,
    private readonly sights?: Pick<Sights, 'of'>,
  ) {
    this.#from = about.from;
    this.#viewer = about.viewer === undefined ? undefined : new StreamViewer(about.viewer);
  }

  /** The user who reads, and of which app. */
  get viewer(): { appId: AppId; userAlias: UserAlias } | undefined {
    return this.#viewer && { appId: this.about.appId, userAlias: this.#viewer.userAlias };
  }

  /** Begins anew where what the viewer sees is decided by something else now. */
  seesBy(sight: Sight): void {
    if (!this.#viewer?.isOutdatedBy(sight)) return;
    this.#beginsAnew = true;
    this.wake();
  }

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
        if (this.#beginsAnew) this.#forget();
        this.#place = await this.#tellChanges(this.#place ?? (await this.#begin()));
        if (this.#beginsAnew) this.#woken = true;
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
    const { appId, viewer } = this.about;
    const from = this.#from;
    const sight = viewer === undefined ? undefined : await this.sights?.of(appId, viewer);
    const bounds = await readBounds(this.database, appId);
    if (from !== undefined && isKept(from, bounds)) {
      if (sight) this.#viewer?.goOn(sight);
      return from;
    }
    if (sight) this.#viewer?.begin(sight);
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
    for (const presence of page) {
      const seen = this.#viewer ? this.#viewer.ofMany(presence) : presence;
      if (seen) await this.#tell(JSON.stringify(seen));
    }
    return page;
  }

  async #tellChanges(from: StreamPlace): Promise<StreamPlace> {
    const { appId, only } = this.about;
    let place = from;
    while (!this.#ended && !this.#beginsAnew) {
      const { changes, isMore } = await this.reads.read(appId, place);
      for (const { bucket, position, userAlias, said } of changes) {
        place = place.with(bucket, position);
        if ((!only || only.includes(userAlias)) && !this.#already?.has(userAlias, said)) await this.#tellChange(said, place);
      }
      if (this.#already?.isBehind(place)) this.#already = undefined;
      if (!isMore) break;
    }
    return place;
  }

  async #tellChange(said: string, place: StreamPlace): Promise<void> {
    if (!this.#viewer) return this.#tell(said, place);
    const filtered = this.#viewer.change(presenceSchema.parse(JSON.parse(said)));
    if (filtered === 'anew') this.#beginsAnew = true;
    else if (filtered !== 'nothing') await this.#tell(JSON.stringify(filtered), place);
  }

  #forget(): void {
    this.#beginsAnew = false;
    this.#place = undefined;
    this.#from = undefined;
    this.#already = undefined;
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
