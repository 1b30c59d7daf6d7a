import { EventLogServer, type ReactionBatch, ReactToEvents } from '@communication-center/event-log';
import { Controller } from '@nestjs/common';
import { EndpointStore } from '../endpoints/endpoint-store.js';
import { Deliveries } from './deliveries.js';

@Controller()
export class DeliverPresenceChanges {
  constructor(
    private readonly deliveries: Deliveries,
    endpoints: EndpointStore,
    server: EventLogServer,
  ) {
    server.letRest('deliver-presence-changes', endpoints.newRest());
  }

  @ReactToEvents('deliver-presence-changes', { topics: ['presence.events'] })
  async deliver({ events }: ReactionBatch<'presence.events'>): Promise<void> {
    await this.deliveries.take(events);
  }
}
