import { EventLogServer, type ReactionBatch, ReactToEvents } from '@communication-center/event-log';
import { Controller } from '@nestjs/common';
import { EndpointStore } from '../endpoints/endpoint-store.js';
import { KeepMessages } from '../messages/keep-messages.js';

const told = ['broadcasts.events', 'notifications.events', 'quality.events', 'recordings.events'] as const;

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
  @ReactToEvents('deliver-notification-events', { topics: told, pace: 'steady' })
  async deliver({ events }: ReactionBatch<(typeof told)[number]>): Promise<void> {
    await this.messages.take(events);
  }
}
