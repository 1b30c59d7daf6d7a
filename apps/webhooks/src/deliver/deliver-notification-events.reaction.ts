import { EventLogServer, type ReactionBatch, ReactToEvents } from '@communication-center/event-log';
import { Controller } from '@nestjs/common';
import { EndpointStore } from '../endpoints/endpoint-store.js';
import { KeepMessages } from '../messages/keep-messages.js';

/** Of what nobody waits for, one consumer reads all: how the media of calls went, and what becomes of recordings and broadcasts, too. */
@Controller()
export class DeliverNotificationEvents {
  constructor(
    private readonly messages: KeepMessages,
    endpoints: EndpointStore,
    server: EventLogServer,
  ) {
    server.letRest('deliver-notification-events', endpoints.newRest());
    server.heedOnly('deliver-notification-events', messages.heeds('all'));
  }

  /** The name is its consumer group's, of when it read notifications alone. */
  @ReactToEvents('deliver-notification-events', {
    topics: ['broadcasts.events', 'notifications.events', 'quality.events', 'recordings.events'],
    pace: 'steady',
  })
  async deliver({
    events,
  }: ReactionBatch<'broadcasts.events' | 'notifications.events' | 'quality.events' | 'recordings.events'>): Promise<void> {
    await this.messages.take(events);
  }
}
