import { purgeRows } from '@communication-center/service';
import { Module } from '@nestjs/common';
import { DeliverCallEvents } from './deliver/deliver-call-events.reaction.js';
import { DeliverPresenceChanges } from './deliver/deliver-presence-changes.reaction.js';
import { Deliveries } from './deliver/deliveries.js';
import { Sender } from './deliver/sender.js';
import { EndpointStore } from './endpoints/endpoint-store.js';
import { EndpointsController } from './endpoints/endpoints.controller.js';
import { DeliveriesController } from './read-deliveries/deliveries.controller.js';

/** Deliveries that have ended stay on record, with their attempts, for 30 days. */
const oldRows = [
  `DELETE FROM deliveries WHERE delivery_id IN (
     SELECT delivery_id FROM deliveries WHERE state <> 'pending' AND created_at < clock_timestamp() - interval '30 days' LIMIT 5000)`,
];

@Module({
  controllers: [EndpointsController, DeliveriesController, DeliverCallEvents, DeliverPresenceChanges],
  providers: [EndpointStore, Deliveries, Sender, purgeRows(oldRows)],
})
export class AppModule {}
