import { type AppId, newestPayloadVersion, type Subject } from '@communication-center/contracts';
import {
  type EventStreamQuery,
  type EventsQuery,
  eventStreamQuerySchema,
  eventsQuerySchema,
} from '@communication-center/contracts/reading-events';
import { appOfKey, From, Postgres, ProblemError, QueryString, Settings } from '@communication-center/service';
import { Controller, Get, Headers, Inject, Res } from '@nestjs/common';
import type { ReaderWish } from '../domain/reader-wish.js';
import type { WebhooksSettings } from '../settings.js';
import { answerPage, type Reply } from './answer-page.js';
import { EventReaders } from './event-readers.js';
import { placeOf } from './log-places.js';

const longestCursor = 1024;

/** An app's events, for those who ask for them instead of being sent them. */
@Controller('v1/events')
export class EventsController {
  constructor(
    private readonly readers: EventReaders,
    private readonly database: Postgres,
    @Inject(Settings) private readonly settings: WebhooksSettings,
  ) {}

  /** The events after a place, as many as there are; with `wait` the next one, if it comes by then. */
  @Get()
  async read(@From() subject: Subject, @QueryString(eventsQuerySchema) query: EventsQuery, @Res() reply: Reply): Promise<void> {
    const appId = appOfKey(subject, 'webhooks');
    await this.readers.requireKept(appId);
    const after = await this.#placeOf(appId, query, 'start');
    await answerPage(this.readers, { appId, after, wish: wishOf(query), limit: query.limit }, query.wait, reply);
  }

  /** The same, as server-sent events, for as long as the reader stays. */
  @Get('stream')
  async stream(
    @From() subject: Subject,
    @QueryString(eventStreamQuerySchema) query: EventStreamQuery,
    @Headers('last-event-id') lastEventId: string | undefined,
    @Res() reply: Reply,
  ): Promise<void> {
    const appId = appOfKey(subject, 'webhooks');
    await this.readers.requireKept(appId);
    this.readers.requireRoom(appId);
    const after =
      lastEventId === undefined ? await this.#placeOf(appId, query, 'end') : await this.#placeOfPoint(appId, lastEventId, 'lastEventId');
    this.readers.requireRoom(appId);
    reply.hijack();
    reply.raw.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-store', 'x-accel-buffering': 'no' });
    // There may be nothing to tell for long.
    reply.raw.flushHeaders();
    this.readers.serve({ appId, after, wish: wishOf(query) }, reply.raw);
  }

  #placeOf(appId: AppId, { after, since }: { after?: string | undefined; since?: string | undefined }, otherwise: string): Promise<number> {
    return this.#placeOfPoint(appId, since ?? after ?? otherwise, since === undefined ? 'after' : 'since');
  }

  async #placeOfPoint(appId: AppId, point: string, field: string): Promise<number> {
    if (point.length > longestCursor || (field !== 'since' && point.includes(':'))) {
      const message = 'send the id of the last event you got, or leave it out';
      throw new ProblemError('invalid_request', `${field}: ${message}`, { fields: [{ field, message }] });
    }
    return placeOf(appId, point, { sql: this.database.of('reads'), keepDays: this.settings.KEEP_MESSAGES_DAYS, field });
  }
}

function wishOf({ eventType, userAlias, callType, customData, callId, payloadVersion }: EventStreamQuery): ReaderWish {
  return {
    eventTypes: eventType ?? ['*'],
    filters: {
      ...(userAlias && { userAliases: userAlias }),
      ...(callType && { callTypes: callType }),
      ...(customData && { customData }),
    },
    callId,
    payloadVersion: payloadVersion ?? newestPayloadVersion,
  };
}
