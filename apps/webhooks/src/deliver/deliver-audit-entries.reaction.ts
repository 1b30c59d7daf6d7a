import { EventLogServer, type ReactionBatch, ReactToEvents } from '@communication-center/event-log';
import { Controller } from '@nestjs/common';
import { EndpointStore } from '../endpoints/endpoint-store.js';
import { Deliveries } from './deliveries.js';

@Controller()
export class DeliverAuditEntries {
  constructor(
    private readonly deliveries: Deliveries,
    endpoints: EndpointStore,
    server: EventLogServer,
  ) {
    server.letRest('deliver-audit-entries', endpoints.newRest());
  }

  @ReactToEvents('deliver-audit-entries', { topics: ['audit.events'], pace: 'steady' })
  async deliver({ events }: ReactionBatch<'audit.events'>): Promise<void> {
    await this.deliveries.take(events);
  }
}
