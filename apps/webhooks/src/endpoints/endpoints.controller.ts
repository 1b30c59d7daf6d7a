import {
  type AppId,
  type EndpointBody,
  type EndpointEnabling,
  type EndpointPatch,
  type EndpointView,
  endpointBodySchema,
  endpointEnablingSchema,
  endpointPatchSchema,
  type SecretRotation,
  type ServiceAct,
  type Subject,
  secretRotationSchema,
} from '@communication-center/contracts';
import { ActsOnRecord, AddressGuard, appOfKey, From, JsonBody, PathParam, ProblemError, Settings } from '@communication-center/service';
import { Controller, Delete, Get, HttpCode, Inject, Patch, Post } from '@nestjs/common';
import { v7 as uuidv7 } from 'uuid';
import { z } from 'zod';
import type { WebhooksSettings } from '../settings.js';
import { EndpointStore } from './endpoint-store.js';
import { judgeEndpoint } from './judge-endpoint.js';

const EndpointIdParam = () => PathParam('endpointId', z.uuid());
type EndpointAct = Extract<ServiceAct, `endpoint.${string}`>;

@Controller('v1/webhook-endpoints')
export class EndpointsController {
  readonly #guard: AddressGuard;

  constructor(
    private readonly endpoints: EndpointStore,
    private readonly acts: ActsOnRecord,
    @Inject(Settings) private readonly settings: WebhooksSettings,
  ) {
    this.#guard = new AddressGuard(settings);
  }

  /** Makes an endpoint and shows its signing secret, this once. */
  @Post()
  async make(@From() subject: Subject, @JsonBody(endpointBodySchema) body: EndpointBody): Promise<EndpointView> {
    const appId = appOfKey(subject, 'webhooks');
    this.#judge(body);
    const endpointId = uuidv7();
    await this.#note(subject, appId, 'endpoint.made', endpointId);
    return this.endpoints.make(appId, body, endpointId);
  }

  @Get()
  async list(@From() subject: Subject): Promise<{ endpoints: EndpointView[] }> {
    return { endpoints: await this.endpoints.list(appOfKey(subject, 'webhooks')) };
  }

  @Get(':endpointId')
  async read(@From() subject: Subject, @EndpointIdParam() endpointId: string): Promise<EndpointView> {
    return this.endpoints.get(appOfKey(subject, 'webhooks'), endpointId);
  }

  /** Changes the fields that are given. */
  @Patch(':endpointId')
  async change(
    @From() subject: Subject,
    @EndpointIdParam() endpointId: string,
    @JsonBody(endpointPatchSchema) patch: EndpointPatch,
  ): Promise<EndpointView> {
    const appId = appOfKey(subject, 'webhooks');
    this.#judge(patch);
    await this.#noteIfThere(subject, appId, 'endpoint.changed', endpointId);
    return this.endpoints.change(appId, endpointId, patch);
  }

  @Post(':endpointId/enable')
  @HttpCode(200)
  async enable(
    @From() subject: Subject,
    @EndpointIdParam() endpointId: string,
    @JsonBody(endpointEnablingSchema) { from }: EndpointEnabling,
  ): Promise<EndpointView> {
    const appId = appOfKey(subject, 'webhooks');
    await this.#noteIfThere(subject, appId, 'endpoint.enabled', endpointId);
    return this.endpoints.enable(appId, endpointId, from);
  }

  @Post(':endpointId/disable')
  @HttpCode(200)
  async disable(@From() subject: Subject, @EndpointIdParam() endpointId: string): Promise<EndpointView> {
    const appId = appOfKey(subject, 'webhooks');
    await this.#noteIfThere(subject, appId, 'endpoint.disabled', endpointId);
    return this.endpoints.stop(appId, endpointId);
  }

  /** Gives the endpoint a new secret, shown this once; the one before signs beside it for a while. */
  @Post(':endpointId/secrets/rotate')
  @HttpCode(200)
  async rotate(
    @From() subject: Subject,
    @EndpointIdParam() endpointId: string,
    @JsonBody(secretRotationSchema) rotation: SecretRotation,
  ): Promise<EndpointView> {
    const appId = appOfKey(subject, 'webhooks');
    await this.#noteIfThere(subject, appId, 'endpoint.secret_rotated', endpointId);
    return this.endpoints.rotate(appId, endpointId, rotation);
  }

  @Delete(':endpointId')
  @HttpCode(204)
  async delete(@From() subject: Subject, @EndpointIdParam() endpointId: string): Promise<void> {
    const appId = appOfKey(subject, 'webhooks');
    await this.#noteIfThere(subject, appId, 'endpoint.deleted', endpointId);
    if (!(await this.endpoints.delete(appId, endpointId))) throw new ProblemError('not_found', 'No such endpoint');
  }

  #judge(given: EndpointPatch): void {
    judgeEndpoint(given, this.#guard, this.settings.REQUEST_TIMEOUT_MS, Date.now());
  }

  /** What is not there is neither done nor on record. */
  async #noteIfThere(subject: Subject, appId: AppId, act: EndpointAct, endpointId: string): Promise<void> {
    await this.endpoints.get(appId, endpointId);
    await this.#note(subject, appId, act, endpointId);
  }

  async #note(subject: Subject, appId: AppId, act: EndpointAct, endpointId: string): Promise<void> {
    await this.acts.note(subject, { appId, act, target: endpointId });
  }
}
