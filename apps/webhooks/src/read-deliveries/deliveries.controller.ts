import { type DeliveryListQuery, type DeliveryView, deliveryListQuerySchema, type Subject } from '@communication-center/contracts';
import { appOfKey, From, Postgres, QueryString } from '@communication-center/service';
import { Controller, Get } from '@nestjs/common';
import { newestDeliveries } from './delivery-list.js';

@Controller('v1/webhook-deliveries')
export class DeliveriesController {
  constructor(private readonly database: Postgres) {}

  /** The newest deliveries, each with every attempt that was made. */
  @Get()
  async list(
    @From() subject: Subject,
    @QueryString(deliveryListQuerySchema) query: DeliveryListQuery,
  ): Promise<{ deliveries: DeliveryView[] }> {
    return { deliveries: await newestDeliveries(this.database.of('lists'), appOfKey(subject, 'webhooks'), query) };
  }
}
