import type { AppId } from '@communication-center/contracts';
import type { EventPage } from '@communication-center/contracts/reading-events';
import type { Sql } from '@communication-center/event-log';
import { DueRows, Postgres, ProblemError, Report, type ReportError, Settings, tellFigure } from '@communication-center/service';
import { type BeforeApplicationShutdown, Inject, Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import { writeCursor } from '../domain/event-cursor.js';
import { eventOf } from '../domain/reader-wish.js';
import { EndpointStore } from '../endpoints/endpoint-store.js';
import { KnownCalls } from '../known-calls/known-calls.js';
import { Lanes } from '../lanes/lanes.js';
import type { WebhooksSettings } from '../settings.js';
import { EventStream, type Followed, type StreamResponse } from './event-stream.js';
import { LogPages, type WantedPage } from './log-pages.js';
import { Waiting } from './waiting.js';

/** How often it is looked for what nobody told of, in milliseconds. */
const lookMs = 1000;
/** Pages that one request looks through, at most. */
const looksAtOnce = 10;
/** A reader who goes makes room; nobody knows when. */
const retryAfterSeconds = 5;

/** What a request wants read. */
export interface Wanted extends Followed {
  limit: number;
}

/** Everybody who reads apps' events by a request or a stream of this replica. */
@Injectable()
export class EventReaders implements OnApplicationBootstrap, BeforeApplicationShutdown {
  readonly #pages: LogPages;
  readonly #sql: Sql;
  readonly #open = new Map<{ end: () => void }, AppId>();
  /** Up to where the logs of watched apps were at the last look. */
  #known = new Map<AppId, number>();
  readonly #loop: DueRows;
  #isStopping = false;

  constructor(
    database: Postgres,
    private readonly lanes: Lanes,
    private readonly endpoints: EndpointStore,
    calls: KnownCalls,
    @Inject(Settings) private readonly settings: WebhooksSettings,
    @Inject(Report) private readonly report: ReportError,
  ) {
    this.#sql = database.of('reads');
    this.#pages = new LogPages({ sql: this.#sql, callsOf: (messages) => calls.of(messages) });
    this.#loop = new DueRows({ name: 'looking for events that are read', work: () => this.#look(), onError: report, maxPauseMs: lookMs });
    tellFigure('event_readers', 'Streams and requests that wait for events, of this replica', () => this.#open.size);
  }

  onApplicationBootstrap(): void {
    this.#loop.start();
  }

  async beforeApplicationShutdown(): Promise<void> {
    this.#isStopping = true;
    for (const one of this.#open.keys()) one.end();
    await this.#loop.stop();
  }

  /** @throws ProblemError `events_not_kept` where nobody has said that the app's events are kept. */
  async requireKept(appId: AppId): Promise<void> {
    if (await this.endpoints.isKept(appId)) return;
    throw new ProblemError(
      'events_not_kept',
      'Set the option eventLog of the app, or make a consumer or an endpoint: events are kept from then on',
    );
  }

  /** @returns what there is now. @throws ProblemError `position_expired`. */
  async page(wanted: Wanted): Promise<EventPage> {
    return pageOf(wanted, await this.#read(wanted, wanted.after));
  }

  /** @throws ProblemError `rate_limited` where this replica serves as many readers of the app as it may; `service_unavailable` for as many at all. */
  requireRoom(appId: AppId): void {
    const { MAX_EVENT_READERS: most, MAX_EVENT_READERS_PER_APP: mostOfApp } = this.settings;
    const ofApp = [...this.#open.values()].filter((one) => one === appId).length;
    if (ofApp >= mostOfApp)
      throw new ProblemError('rate_limited', `As many streams and requests wait for events of this app here as may: ${mostOfApp}`, {
        retryAfterSeconds,
      });
    if (this.#open.size >= most || this.#isStopping)
      throw new ProblemError('service_unavailable', 'This replica serves as many readers as it may');
  }

  /**
   * Waits until there is something that is wanted, until the time is up, or the reader has gone.
   * @returns what there is then. What fails meanwhile is an empty page: whoever waits asks again.
   */
  async pageSoon(wanted: Wanted, milliseconds: number, response: StreamResponse): Promise<EventPage> {
    const waiting = new Waiting();
    const until = performance.now() + milliseconds;
    let hasGone = false;
    const leave = () => {
      hasGone = true;
      waiting.tell();
    };
    response.once('close', leave);
    const letGo = this.#enter(wanted.appId, { end: leave }, waiting);
    let page: EventPage = { events: [], next: writeCursor({ appId: wanted.appId, position: wanted.after }), hasMore: true };
    try {
      for (let after = wanted.after; !hasGone; ) {
        waiting.look();
        const found = await this.#read(wanted, after);
        after = found.upTo;
        page = pageOf(wanted, found);
        const leftMs = until - performance.now();
        if (page.events.length > 0 || leftMs <= 0) break;
        if (found.isAll) await waiting.forNews(leftMs);
      }
    } catch (error) {
      this.report(error, `waiting for events of ${wanted.appId}`);
    } finally {
      letGo();
      response.off('close', leave);
    }
    return page;
  }

  /** Serves a stream until its reader goes. */
  serve(followed: Followed, response: StreamResponse): void {
    const { appId } = followed;
    const stream = new EventStream(this.#pages, followed, response, this.settings.STREAM_HEARTBEAT_MS, (error) =>
      this.report(error, `streaming events of ${appId}`),
    );
    const letGo = this.#enter(appId, stream, stream.waiting);
    response.once('close', () => stream.end());
    void stream
      .run()
      .catch((error: unknown) => this.report(error, `streaming events of ${appId}`))
      .finally(() => {
        letGo();
        stream.end();
      });
  }

  #read({ appId, wish, limit }: Wanted, after: number): Promise<WantedPage> {
    return this.#pages.read(appId, after, wish, { most: limit, looks: looksAtOnce });
  }

  #enter(appId: AppId, reader: { end: () => void }, waiting: Waiting): () => void {
    this.#open.set(reader, appId);
    const letGo = this.lanes.news.watch(appId, waiting.tell);
    return () => {
      letGo();
      this.#open.delete(reader);
    };
  }

  /** Makes sure: whatever was told to nobody is found, in one statement for all that is watched, and none where nothing is. */
  async #look(): Promise<null> {
    const { news } = this.lanes;
    const { watched } = news;
    if (watched.length === 0) {
      this.#known.clear();
      return null;
    }
    news.announce(watched);
    const { rows } = await this.#sql.query<{ appId: AppId; last: number }>(
      'SELECT app_id AS "appId", last::float8 FROM app_positions WHERE app_id = ANY ($1)',
      [watched],
    );
    for (const { appId, last } of rows) if (last > (this.#known.get(appId) ?? 0)) news.wake(appId);
    this.#known = new Map(rows.map(({ appId, last }) => [appId, last]));
    return null;
  }
}

function pageOf({ appId, wish }: Wanted, { messages, upTo, isAll }: WantedPage): EventPage {
  return {
    events: messages.map((message) => eventOf(message, wish.payloadVersion)),
    next: writeCursor({ appId, position: upTo }),
    hasMore: !isAll,
  };
}
