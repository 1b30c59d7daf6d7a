import { Module } from '@nestjs/common';
import { DeliverCallEvents } from './deliver/deliver-call-events.reaction.js';
import { Deliveries } from './deliver/deliveries.js';
import { Sender } from './deliver/sender.js';
import { EndpointStore } from './endpoints/endpoint-store.js';
import { EndpointsController } from './endpoints/endpoints.controller.js';
import { DeliveriesController } from './read-deliveries/deliveries.controller.js';

@Module({
  controllers: [EndpointsController, DeliveriesController, DeliverCallEvents],
  providers: [EndpointStore, Deliveries, Sender],
})
export class AppModule {}
