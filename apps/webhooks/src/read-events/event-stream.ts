import type { AppId } from '@communication-center/contracts';
import { ProblemError } from '@communication-center/service';
import { writeCursor } from '../domain/event-cursor.js';
import { eventOf, type ReaderWish } from '../domain/reader-wish.js';
import type { LogPages, WantedPage } from './log-pages.js';
import { Waiting } from './waiting.js';

/** What a stream needs of an HTTP response. */
export interface StreamResponse {
  write(text: string): boolean;
  end(): void;
  once(event: 'close' | 'drain', listener: () => void): unknown;
  off(event: 'close' | 'drain', listener: () => void): unknown;
}

/** So many wanted messages, and looks for them, before what was found is written. */
const step = { most: 200, looks: 5 };
/** Two reads of a stream that is at the end are so far apart at least, in milliseconds: what comes in between goes together. */
const paceMs = 20;
/** How long after a failure it is tried again: at least, and by chance up to twice as long. */
const againMs = 1000;

export interface Followed {
  appId: AppId;
  wish: ReaderWish;
  /** The place after which it begins. */
  after: number;
}

/**
 * One reader of an app's log, as server-sent events. It holds a page at most: who reads slowly gets the next one when he has taken
 * this one, from the log, however long that takes.
 */
export class EventStream {
  readonly waiting = new Waiting();
  #position: number;
  #ended = false;

  constructor(
    private readonly pages: LogPages,
    private readonly followed: Followed,
    private readonly response: StreamResponse,
    private readonly heartbeatMs: number,
    private readonly onError: (error: unknown) => void,
  ) {
    this.#position = followed.after;
  }

  /** Tells what comes until it is ended, or the reader goes. */
  async run(): Promise<void> {
    // Whoever is cut off before the first event knows where he was.
    await this.#beat();
    let beatAt = performance.now() + this.heartbeatMs;
    while (!this.#ended) {
      const readAt = performance.now();
      this.waiting.look();
      const page = await this.#read();
      if (page) await this.#tell(page);
      if (!page?.isAll) continue;
      await this.waiting.forNews(Math.max(0, beatAt - performance.now()));
      if (performance.now() >= beatAt) {
        await this.#beat();
        beatAt = performance.now() + this.heartbeatMs;
      }
      const restMs = paceMs - (performance.now() - readAt);
      if (restMs > 0) await sleep(restMs);
    }
  }

  end(): void {
    if (this.#ended) return;
    this.#ended = true;
    this.waiting.tell();
    this.response.end();
  }

  /** @returns undefined where it could not be read: it is tried again, or has ended. */
  async #read(): Promise<WantedPage | undefined> {
    const { appId, wish } = this.followed;
    try {
      return await this.pages.read(appId, this.#position, wish, step);
    } catch (error) {
      if (error instanceof ProblemError && error.code === 'position_expired') {
        await this.#write(`event: problem\ndata: ${JSON.stringify(error.toProblem())}\n\n`);
        this.end();
      } else {
        this.onError(error);
        await sleep(againMs * (1 + Math.random()));
      }
      return undefined;
    }
  }

  async #tell({ messages, upTo }: WantedPage): Promise<void> {
    for (const message of messages) {
      if (this.#ended) return;
      const { cursor, ...told } = eventOf(message, this.followed.wish.payloadVersion);
      await this.#write(`event: ${message.type}\nid: ${cursor}\ndata: ${JSON.stringify({ ...told, cursor })}\n\n`);
      this.#position = message.position;
    }
    this.#position = upTo;
  }

  /** Says also how far was read: whoever wants little comes back to where he was, and not to the last event that he got. */
  async #beat(): Promise<void> {
    await this.#write(`: still here\nid: ${writeCursor({ appId: this.followed.appId, position: this.#position })}\n\n`);
  }

  async #write(text: string): Promise<void> {
    if (this.#ended || this.response.write(text)) return;
    await new Promise<void>((resolve) => {
      const go = () => {
        this.response.off('drain', go);
        this.response.off('close', go);
        resolve();
      };
      this.response.once('drain', go);
      this.response.once('close', go);
    });
  }
}

async function sleep(milliseconds: number): Promise<void> {
  await new Promise((resolve) => setTimeout(resolve, milliseconds));
}
