import { type EndpointBody, type EndpointView, endpointBodySchema, type Subject } from '@communication-center/contracts';
import { AddressGuard, appOfKey, From, JsonBody, PathParam, ProblemError, Settings } from '@communication-center/service';
import { Controller, Delete, Get, HttpCode, Inject, Post } from '@nestjs/common';
import { z } from 'zod';
import type { WebhooksSettings } from '../settings.js';
import { EndpointStore } from './endpoint-store.js';

@Controller('v1/webhook-endpoints')
export class EndpointsController {
  readonly #guard: AddressGuard;

  constructor(
    private readonly endpoints: EndpointStore,
    @Inject(Settings) settings: WebhooksSettings,
  ) {
    this.#guard = new AddressGuard(settings);
  }

  /** Makes an endpoint and shows its signing secret, this once. */
  @Post()
  async make(@From() subject: Subject, @JsonBody(endpointBodySchema) body: EndpointBody): Promise<EndpointView> {
    const appId = appOfKey(subject, 'webhooks');
    this.#guard.requireUrl('url', body.url);
    return this.endpoints.make(appId, body);
  }

  @Get()
  async list(@From() subject: Subject): Promise<{ endpoints: EndpointView[] }> {
    return { endpoints: await this.endpoints.list(appOfKey(subject, 'webhooks')) };
  }

  @Delete(':endpointId')
  @HttpCode(204)
  async delete(@From() subject: Subject, @PathParam('endpointId', z.uuid()) endpointId: string): Promise<void> {
    if (!(await this.endpoints.delete(appOfKey(subject, 'webhooks'), endpointId))) throw new ProblemError('not_found', 'No such endpoint');
  }
}
