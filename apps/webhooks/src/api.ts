import { deliveryViewSchema, endpointBodySchema, endpointViewSchema } from '@communication-center/contracts';
import { describeRoutes } from '@communication-center/service';
import { z } from 'zod';

const received = {
  Delivery: deliveryViewSchema,
  Endpoint: endpointViewSchema,
  EndpointList: z.object({ endpoints: z.array(endpointViewSchema) }),
  DeliveryList: z.object({ deliveries: z.array(deliveryViewSchema) }),
};

/** The service's public routes, for the API document. */
export const api = describeRoutes({
  sent: {
    EndpointBody: endpointBodySchema,
  },
  received,
  routes: {
    'POST /v1/webhook-endpoints': { summary: 'Make an endpoint; its signing secret is shown once', by: ['webhooks'], answer: 'Endpoint' },
    'GET /v1/webhook-endpoints': { summary: 'Endpoints', by: ['webhooks'], answer: 'EndpointList' },
    'DELETE /v1/webhook-endpoints/{endpointId}': { summary: 'Delete an endpoint', by: ['webhooks'], refusals: ['not_found'] },
    'GET /v1/webhook-deliveries': { summary: 'The newest deliveries with every attempt', by: ['webhooks'], answer: 'DeliveryList' },
  },
});
