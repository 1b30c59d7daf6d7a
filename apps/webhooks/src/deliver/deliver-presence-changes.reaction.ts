import { EventLogServer, type ReactionBatch, ReactToEvents } from '@communication-center/event-log';
import { Controller } from '@nestjs/common';
import { EndpointStore } from '../endpoints/endpoint-store.js';
import { KeepMessages } from '../messages/keep-messages.js';

@Controller()
export class DeliverPresenceChanges {
  constructor(
    private readonly messages: KeepMessages,
    endpoints: EndpointStore,
    server: EventLogServer,
  ) {
    server.letRest('deliver-presence-changes', endpoints.newRest());
    server.heedOnly('deliver-presence-changes', messages.heeds('presence'));
  }

  @ReactToEvents('deliver-presence-changes', { topics: ['presence.events'] })
  async deliver({ events }: ReactionBatch<'presence.events'>): Promise<void> {
    await this.messages.take(events);
  }
}
