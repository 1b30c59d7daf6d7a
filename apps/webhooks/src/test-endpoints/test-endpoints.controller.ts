import {
  type EndpointTest,
  type EndpointTested,
  endpointTestSchema,
  type Subject,
  type WebhookBody,
} from '@communication-center/contracts';
import { eventTypes } from '@communication-center/contracts/event-types';
import { appOfKey, From, JsonBody, PathParam, ProblemError } from '@communication-center/service';
import { Controller, HttpCode, Post } from '@nestjs/common';
import { v7 as uuidv7 } from 'uuid';
import { z } from 'zod';
import { Sender } from '../deliver/sender.js';
import { EndpointStore } from '../endpoints/endpoint-store.js';

/** The public door waits longer. */
const answerMs = 10_000;

/** Sends one message to an endpoint for its owner to see whether it arrives: also to one that is disabled, once, and outside of its order. */
@Controller('v1/webhook-endpoints')
export class TestEndpointsController {
  constructor(
    private readonly endpoints: EndpointStore,
    private readonly sender: Sender,
  ) {}

  @Post(':endpointId/test')
  @HttpCode(200)
  async test(
    @From() subject: Subject,
    @PathParam('endpointId', z.uuid()) endpointId: string,
    @JsonBody(endpointTestSchema) { eventType }: EndpointTest,
  ): Promise<EndpointTested> {
    const appId = appOfKey(subject, 'webhooks');
    const endpoint = await this.endpoints.recipient(appId, endpointId);
    const example = eventTypes.find(({ type }) => type === eventType)?.example;
    if (!example) throw unknownType();
    const body: WebhookBody = {
      ...example,
      timestamp: new Date().toISOString(),
      data: { ...example.data, appId, ...(eventType === 'endpoint.test' && { endpointId }), test: true },
    };
    const messageId = uuidv7();
    const signal = AbortSignal.timeout(answerMs);
    const result = await this.sender.send(endpoint, { deliveryId: messageId, body: JSON.stringify(body), signal });
    if (result === 'broken off') return { messageId, status: null, error: `no answer within ${answerMs} ms`, durationMs: answerMs };
    const { status, error, durationMs } = result;
    return { messageId, status, error, durationMs };
  }
}

function unknownType(): ProblemError {
  const message = 'is no event type; GET /v1/event-types lists them';
  return new ProblemError('invalid_request', `eventType: ${message}`, { fields: [{ field: 'eventType', message }] });
}
