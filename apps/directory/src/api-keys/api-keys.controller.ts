import { type ApiKeyView, type AppId, apiKeyBodySchema, appIdSchema, type Subject } from '@communication-center/contracts';
import { From, JsonBody, PathParam, ProblemError } from '@communication-center/service';
import { Controller, Delete, Get, HttpCode, Post } from '@nestjs/common';
import { z } from 'zod';
import { AppStore } from '../apps/app-store.js';
import { requireAdminOf } from '../apps/apps.controller.js';
import { noteOf } from '../audit/audit.js';
import { ApiKeyStore } from './api-key-store.js';

@Controller('v1/apps/:appId/api-keys')
export class ApiKeysController {
  constructor(
    private readonly apps: AppStore,
    private readonly keys: ApiKeyStore,
  ) {}

  /** Makes a key and shows it, this once. */
  @Post()
  async make(
    @From() subject: Subject,
    @PathParam('appId', appIdSchema) appId: AppId,
    @JsonBody(apiKeyBodySchema) body: z.infer<typeof apiKeyBodySchema>,
  ): Promise<ApiKeyView> {
    requireAdminOf(subject, appId);
    await this.apps.get(appId);
    return this.keys.make(appId, body.name, body.scopes, (keyId) => noteOf(subject, appId, 'api_key.made', keyId));
  }

  @Get()
  async list(@From() subject: Subject, @PathParam('appId', appIdSchema) appId: AppId): Promise<{ keys: ApiKeyView[] }> {
    requireAdminOf(subject, appId);
    return { keys: await this.keys.list(appId) };
  }

  /** Revokes a key: its next request is refused. */
  @Delete(':keyId')
  @HttpCode(204)
  async revoke(
    @From() subject: Subject,
    @PathParam('appId', appIdSchema) appId: AppId,
    @PathParam('keyId', z.uuid()) keyId: string,
  ): Promise<void> {
    requireAdminOf(subject, appId);
    if (!(await this.keys.revoke(appId, keyId, noteOf(subject, appId, 'api_key.revoked', keyId))))
      throw new ProblemError('not_found', 'No such key');
  }
}
