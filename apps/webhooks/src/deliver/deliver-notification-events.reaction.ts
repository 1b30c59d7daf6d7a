import { EventLogServer, type ReactionBatch, ReactToEvents } from '@communication-center/event-log';
import { Controller } from '@nestjs/common';
import { EndpointStore } from '../endpoints/endpoint-store.js';
import { KeepMessages } from '../messages/keep-messages.js';

@Controller()
export class DeliverNotificationEvents {
  constructor(
    private readonly messages: KeepMessages,
    endpoints: EndpointStore,
    server: EventLogServer,
  ) {
    server.letRest('deliver-notification-events', endpoints.newRest());
  }

  @ReactToEvents('deliver-notification-events', { topics: ['notifications.events'], pace: 'steady' })
  async deliver({ events }: ReactionBatch<'notifications.events'>): Promise<void> {
    await this.messages.take(events);
  }
}
