import {
  deliveryViewSchema,
  endpointBodySchema,
  endpointPatchSchema,
  endpointTestedSchema,
  endpointTestSchema,
  endpointViewSchema,
  secretRotationSchema,
} from '@communication-center/contracts';
import { eventTypeListSchema, eventTypeViewSchema } from '@communication-center/contracts/event-types';
import { describeRoutes } from '@communication-center/service';
import { z } from 'zod';

const received = {
  Delivery: deliveryViewSchema,
  Endpoint: endpointViewSchema,
  EndpointList: z.object({ endpoints: z.array(endpointViewSchema) }),
  EndpointTested: endpointTestedSchema,
  EventType: eventTypeViewSchema,
  EventTypeList: eventTypeListSchema,
  DeliveryList: z.object({ deliveries: z.array(deliveryViewSchema) }),
};

/** The service's public routes, for the API document. */
export const api = describeRoutes({
  sent: {
    EndpointBody: endpointBodySchema,
    EndpointPatch: endpointPatchSchema,
    EndpointTest: endpointTestSchema,
    SecretRotation: secretRotationSchema,
  },
  received,
  routes: {
    'POST /v1/webhook-endpoints': {
      summary: 'Make an endpoint; its signing secret is shown once',
      by: ['webhooks'],
      answer: 'Endpoint',
      refusals: ['conflict'],
    },
    'GET /v1/webhook-endpoints': { summary: 'Endpoints', by: ['webhooks'], answer: 'EndpointList' },
    'GET /v1/webhook-endpoints/{endpointId}': { summary: 'An endpoint', by: ['webhooks'], answer: 'Endpoint', refusals: ['not_found'] },
    'PATCH /v1/webhook-endpoints/{endpointId}': {
      summary: 'Change the fields of an endpoint that are given; each takes the place of the whole field',
      by: ['webhooks'],
      answer: 'Endpoint',
      refusals: ['not_found'],
    },
    'DELETE /v1/webhook-endpoints/{endpointId}': { summary: 'Delete an endpoint', by: ['webhooks'], refusals: ['not_found'] },
    'POST /v1/webhook-endpoints/{endpointId}/enable': {
      summary: 'Let deliveries to an endpoint go on',
      by: ['webhooks'],
      answer: 'Endpoint',
      refusals: ['not_found'],
    },
    'POST /v1/webhook-endpoints/{endpointId}/disable': {
      summary: 'Stop deliveries to an endpoint until it is enabled',
      by: ['webhooks'],
      answer: 'Endpoint',
      refusals: ['not_found'],
    },
    'POST /v1/webhook-endpoints/{endpointId}/secrets/rotate': {
      summary: 'Give an endpoint a new signing secret, shown once; those from before sign beside it for a while',
      by: ['webhooks'],
      answer: 'Endpoint',
      refusals: ['not_found', 'conflict'],
    },
    'POST /v1/webhook-endpoints/{endpointId}/test': {
      summary: 'Send an endpoint one message now, and say how that went; it is not tried again',
      by: ['webhooks'],
      answer: 'EndpointTested',
      refusals: ['not_found'],
    },
    'GET /v1/event-types': { summary: 'What endpoints may be told of', by: ['webhooks'], answer: 'EventTypeList' },
    'GET /v1/event-types/{type}': { summary: 'One event type', by: ['webhooks'], answer: 'EventType', refusals: ['not_found'] },
    'GET /v1/webhook-deliveries': { summary: 'The newest deliveries with every attempt', by: ['webhooks'], answer: 'DeliveryList' },
  },
});
