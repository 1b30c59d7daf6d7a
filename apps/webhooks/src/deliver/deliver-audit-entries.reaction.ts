import { EventLogServer, type ReactionBatch, ReactToEvents } from '@communication-center/event-log';
import { Controller } from '@nestjs/common';
import { EndpointStore } from '../endpoints/endpoint-store.js';
import { KeepMessages } from '../messages/keep-messages.js';

@Controller()
export class DeliverAuditEntries {
  constructor(
    private readonly messages: KeepMessages,
    endpoints: EndpointStore,
    server: EventLogServer,
  ) {
    server.letRest('deliver-audit-entries', endpoints.newRest());
    server.heedOnly('deliver-audit-entries', messages.heeds('all'));
  }

  @ReactToEvents('deliver-audit-entries', { topics: ['audit.events'], pace: 'steady' })
  async deliver({ events }: ReactionBatch<'audit.events'>): Promise<void> {
    await this.messages.take(events);
  }
}
