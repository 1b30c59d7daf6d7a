import type { Subject } from '@communication-center/contracts';
import {
  type Acknowledgement,
  acknowledgementSchema,
  type ConsumerBody,
  type ConsumerEventsQuery,
  type ConsumerView,
  consumerBodySchema,
  consumerEventsQuerySchema,
  consumerNameSchema,
} from '@communication-center/contracts/reading-events';
import { appOfKey, From, JsonBody, NeededBody, PathParam, ProblemError, QueryString } from '@communication-center/service';
import { Controller, Delete, Get, HttpCode, Post, Put, Res } from '@nestjs/common';
import { answerPage, type Reply } from '../read-events/answer-page.js';
import { EventReaders } from '../read-events/event-readers.js';
import { ConsumerStore } from './consumer-store.js';

const NameParam = () => PathParam('name', consumerNameSchema);

/**
 * Readers of an app's events whose place is kept here. A place moves by acknowledgement alone: what was read and not acknowledged is
 * read again. Nothing is claimed by reading: two who read one consumer at once get the same events.
 */
@Controller('v1/events/consumers')
export class ConsumersController {
  constructor(
    private readonly consumers: ConsumerStore,
    private readonly readers: EventReaders,
  ) {}

  @Get()
  async list(@From() subject: Subject): Promise<{ consumers: ConsumerView[] }> {
    return { consumers: await this.consumers.list(appOfKey(subject, 'webhooks')) };
  }

  /** Makes a consumer, or says anew what it wants. */
  @Put(':name')
  async save(@From() subject: Subject, @NameParam() name: string, @JsonBody(consumerBodySchema) body: ConsumerBody): Promise<ConsumerView> {
    return this.consumers.save(appOfKey(subject, 'webhooks'), name, body);
  }

  @Get(':name')
  async get(@From() subject: Subject, @NameParam() name: string): Promise<ConsumerView> {
    return this.consumers.view(appOfKey(subject, 'webhooks'), name);
  }

  @Delete(':name')
  @HttpCode(204)
  async delete(@From() subject: Subject, @NameParam() name: string): Promise<void> {
    if (!(await this.consumers.delete(appOfKey(subject, 'webhooks'), name))) throw new ProblemError('not_found', 'No such consumer');
  }

  /** The events after its place. */
  @Get(':name/events')
  async read(
    @From() subject: Subject,
    @NameParam() name: string,
    @QueryString(consumerEventsQuerySchema) { limit, wait }: ConsumerEventsQuery,
    @Res() reply: Reply,
  ): Promise<void> {
    const appId = appOfKey(subject, 'webhooks');
    const { position: after, ...wish } = await this.consumers.get(appId, name);
    await answerPage(this.readers, { appId, after, wish, limit }, wait, reply);
  }

  /** All up to a cursor is done. */
  @Post(':name/acknowledge')
  @HttpCode(200)
  async acknowledge(
    @From() subject: Subject,
    @NameParam() name: string,
    @NeededBody(acknowledgementSchema) { cursor }: Acknowledgement,
  ): Promise<ConsumerView> {
    return this.consumers.acknowledge(appOfKey(subject, 'webhooks'), name, cursor);
  }
}
