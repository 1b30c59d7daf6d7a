import type { AppId, AuditEntry } from '@communication-center/contracts';
import type { Sql } from '@communication-center/event-log';
import { auditAfter } from './audit.js';
import { idAt, timeOf } from './entry-ids.js';

/** What a stream needs of an HTTP response. */
export interface StreamResponse {
  write(text: string): boolean;
  end(): void;
  once(event: 'close' | 'drain', listener: () => void): unknown;
}

/** An entry has its id before it is committed: so long after, in milliseconds, an older one may still come. */
const lateMs = 30_000;
const pageSize = 500;

/**
 * One reader of an app's record, as server-sent events: each entry once as long as the stream lasts, in about the order in which they
 * were made. Whoever comes back with the id of the last one may be told again what was made in the half minute before it.
 */
export class AuditStream {
  /** Entries that are told, of the time in which others may still come before them. */
  readonly #told = new Set<string>();
  /** All entries before are told. */
  #from: string;
  /** Whether what there is now was made before the stream began. */
  #isFresh: boolean;
  #isWorking = false;
  #ended = false;

  /** @param after the last entry the reader has; undefined for a reader who wants what comes from now on. @param now in milliseconds since 1970. */
  constructor(
    private readonly database: Sql,
    private readonly appId: AppId,
    private readonly response: StreamResponse,
    { after, now }: { after: string | undefined; now: number },
  ) {
    this.#from = idAt((after === undefined ? now : timeOf(after)) - lateMs);
    this.#isFresh = after === undefined;
    if (after !== undefined) this.#told.add(after);
  }

  /** Tells what is new. @throws where the database does not answer: the next look tells it. */
  async look(now: number): Promise<void> {
    if (this.#isWorking || this.#ended) return;
    this.#isWorking = true;
    try {
      const isFresh = this.#isFresh;
      let from = this.#from;
      for (let isMore = true; isMore && !this.#ended; ) {
        const entries = await auditAfter(this.database, this.appId, from, pageSize);
        for (const entry of entries) await this.#take(entry, isFresh);
        from = entries.at(-1)?.entryId ?? from;
        isMore = entries.length === pageSize;
      }
      this.#isFresh = false;
      this.#forgetBefore(idAt(now - lateMs));
    } finally {
      this.#isWorking = false;
    }
  }

  beat(): void {
    if (!this.#ended) this.response.write(': still here\n\n');
  }

  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.response.end();
  }

  /** @param isOld whether it was made before the stream began. */
  async #take(entry: AuditEntry, isOld: boolean): Promise<void> {
    if (this.#told.has(entry.entryId)) return;
    this.#told.add(entry.entryId);
    if (!isOld) await this.#write(`event: audit\nid: ${entry.entryId}\ndata: ${JSON.stringify(entry)}\n\n`);
  }

  #forgetBefore(from: string): void {
    if (from <= this.#from) return;
    this.#from = from;
    for (const entryId of this.#told) if (entryId < from) this.#told.delete(entryId);
  }

  /** A reader that reads slowly holds up itself alone. */
  async #write(text: string): Promise<void> {
    if (this.#ended || this.response.write(text)) return;
    await new Promise<void>((resolve) => {
      this.response.once('drain', resolve);
      this.response.once('close', resolve);
    });
  }
}
