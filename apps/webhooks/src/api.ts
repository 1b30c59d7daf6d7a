import {
  deliveryViewSchema,
  endpointBodySchema,
  endpointEnablingSchema,
  endpointPatchSchema,
  endpointTestedSchema,
  endpointTestSchema,
  endpointViewSchema,
  secretRotationSchema,
} from '@communication-center/contracts';
import { eventTypeListSchema, eventTypeViewSchema } from '@communication-center/contracts/event-types';
import {
  acknowledgementSchema,
  consumerBodySchema,
  consumerViewSchema,
  eventPageSchema,
  readEventSchema,
} from '@communication-center/contracts/reading-events';
import {
  attemptListSchema,
  attemptSchema,
  jobBodySchema,
  jobListSchema,
  jobViewSchema,
  messageListSchema,
  messageViewSchema,
  resendSchema,
} from '@communication-center/contracts/webhook-messages';
import { describeRoutes } from '@communication-center/service';
import { z } from 'zod';

const received = {
  Delivery: deliveryViewSchema,
  Endpoint: endpointViewSchema,
  EndpointList: z.object({ endpoints: z.array(endpointViewSchema) }),
  EndpointTested: endpointTestedSchema,
  EventType: eventTypeViewSchema,
  EventTypeList: eventTypeListSchema,
  Attempt: attemptSchema,
  AttemptList: attemptListSchema,
  Job: jobViewSchema,
  JobList: jobListSchema,
  Message: messageViewSchema,
  MessageList: messageListSchema,
  EventConsumer: consumerViewSchema,
  EventConsumerList: z.object({ consumers: z.array(consumerViewSchema) }),
  EventPage: eventPageSchema,
  ReadEvent: readEventSchema,
  DeliveryList: z.object({ deliveries: z.array(deliveryViewSchema) }),
};

/** The service's public routes, for the API document. */
export const api = describeRoutes({
  sent: {
    Acknowledgement: acknowledgementSchema,
    EventConsumerBody: consumerBodySchema,
    EndpointBody: endpointBodySchema,
    EndpointEnabling: endpointEnablingSchema,
    EndpointPatch: endpointPatchSchema,
    EndpointTest: endpointTestSchema,
    JobBody: jobBodySchema,
    Resend: resendSchema,
    SecretRotation: secretRotationSchema,
  },
  received,
  routes: {
    'POST /v1/webhook-endpoints': {
      summary: 'Make an endpoint; its signing secret is shown once',
      by: ['webhooks'],
      answer: 'Endpoint',
      refusals: ['conflict', 'position_expired'],
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
      summary: 'Let deliveries to an endpoint go on, from where it is or from the place that is named',
      by: ['webhooks'],
      answer: 'Endpoint',
      refusals: ['not_found', 'conflict', 'position_expired'],
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
    'GET /v1/events': {
      summary: 'The events after a place, or the next one that comes; `position_expired` for a place older than what is kept',
      by: ['webhooks'],
      answer: 'EventPage',
      refusals: ['events_not_kept', 'position_expired'],
    },
    'GET /v1/events/stream': {
      summary: 'The same, as server-sent events: each named by its type, with its cursor as its id; Last-Event-ID goes on after one',
      by: ['webhooks'],
      answer: 'ReadEvent',
      answersAs: 'text/event-stream',
      refusals: ['events_not_kept', 'position_expired'],
    },
    'GET /v1/events/consumers': { summary: 'Consumers', by: ['webhooks'], answer: 'EventConsumerList' },
    'PUT /v1/events/consumers/{name}': {
      summary: 'Make a consumer, a reader of events whose place is kept here, or say anew what it wants',
      by: ['webhooks'],
      answer: 'EventConsumer',
      refusals: ['conflict', 'position_expired'],
    },
    'GET /v1/events/consumers/{name}': {
      summary: 'A consumer, and how far it is',
      by: ['webhooks'],
      answer: 'EventConsumer',
      refusals: ['not_found'],
    },
    'DELETE /v1/events/consumers/{name}': { summary: 'Delete a consumer', by: ['webhooks'], refusals: ['not_found'] },
    'GET /v1/events/consumers/{name}/events': {
      summary: 'The events after what a consumer has acknowledged, or the next one that comes; two who ask get the same',
      by: ['webhooks'],
      answer: 'EventPage',
      refusals: ['not_found', 'position_expired'],
    },
    'POST /v1/events/consumers/{name}/acknowledge': {
      summary: 'Say that all events up to a cursor are done: a consumer’s place moves by this alone',
      by: ['webhooks'],
      answer: 'EventConsumer',
      refusals: ['not_found'],
    },
    'GET /v1/event-types': { summary: 'What endpoints may be told of', by: ['webhooks'], answer: 'EventTypeList' },
    'GET /v1/event-types/{type}': { summary: 'One event type', by: ['webhooks'], answer: 'EventType', refusals: ['not_found'] },
    'POST /v1/webhook-endpoints/{endpointId}/jobs': {
      summary: 'Have many messages delivered to an endpoint again, beside what is new and no faster than the installation allows',
      by: ['webhooks'],
      answer: 'Job',
      refusals: ['not_found', 'conflict'],
    },
    'GET /v1/webhook-jobs': { summary: 'The newest jobs, with how far they are', by: ['webhooks'], answer: 'JobList' },
    'GET /v1/webhook-jobs/{jobId}': { summary: 'A job, with how far it is', by: ['webhooks'], answer: 'Job', refusals: ['not_found'] },
    'POST /v1/webhook-jobs/{jobId}/cancel': {
      summary: 'Cancel a job; what is under way is still delivered, and what was given up before it stays so',
      by: ['webhooks'],
      answer: 'Job',
      refusals: ['not_found'],
    },
    'GET /v1/webhook-messages': {
      summary:
        'Messages, newest first; with what became of each at an endpoint, where one is named. Those that wait, are held or failed come by when they first failed',
      by: ['webhooks'],
      answer: 'MessageList',
      refusals: ['not_found'],
    },
    'GET /v1/webhook-messages/{messageId}': {
      summary: 'A message, with its attempts at every endpoint',
      by: ['webhooks'],
      answer: 'Message',
      refusals: ['not_found'],
    },
    'POST /v1/webhook-messages/{messageId}/resend': {
      summary: 'Have a message delivered to an endpoint again, whether it wants such or not',
      by: ['webhooks'],
      refusals: ['not_found', 'conflict'],
    },
    'GET /v1/webhook-attempts': { summary: 'Attempts, newest first', by: ['webhooks'], answer: 'AttemptList', refusals: ['not_found'] },
    'GET /v1/webhook-deliveries': { summary: 'The newest deliveries with every attempt', by: ['webhooks'], answer: 'DeliveryList' },
  },
});
