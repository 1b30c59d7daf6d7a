import { EventLogServer, type ReactionBatch, ReactToEvents } from '@communication-center/event-log';
import { Controller } from '@nestjs/common';
import { EndpointStore } from '../endpoints/endpoint-store.js';
import { KeepMessages } from '../messages/keep-messages.js';

@Controller()
export class DeliverCallEvents {
  constructor(
    private readonly messages: KeepMessages,
    endpoints: EndpointStore,
    server: EventLogServer,
  ) {
    server.letRest('deliver-call-events', endpoints.newRest());
    server.heedOnly('deliver-call-events', messages.heeds('all'));
  }

  @ReactToEvents('deliver-call-events', { topics: ['calls.events'] })
  async deliver({ events }: ReactionBatch<'calls.events'>): Promise<void> {
    await this.messages.take(events);
  }
}
