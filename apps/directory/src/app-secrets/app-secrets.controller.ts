import { type AppId, type AppSecretView, appIdSchema, type Subject } from '@communication-center/contracts';
import { From, PathParam, ProblemError } from '@communication-center/service';
import { Controller, Delete, Get, HttpCode, Post } from '@nestjs/common';
import { z } from 'zod';
import { AppStore } from '../apps/app-store.js';
import { requireAdminOf } from '../apps/apps.controller.js';
import { noteOf } from '../audit/audit.js';
import { AppSecretStore } from './app-secret-store.js';

@Controller('v1/apps/:appId/secrets')
export class AppSecretsController {
  constructor(
    private readonly apps: AppStore,
    private readonly secrets: AppSecretStore,
  ) {}

  /** Makes a signing secret beside the ones in use and shows it, this once. */
  @Post()
  async make(@From() subject: Subject, @PathParam('appId', appIdSchema) appId: AppId): Promise<AppSecretView> {
    requireAdminOf(subject, appId);
    await this.apps.get(appId);
    return this.secrets.make(appId, (kid) => noteOf(subject, appId, 'secret.made', kid));
  }

  @Get()
  async list(@From() subject: Subject, @PathParam('appId', appIdSchema) appId: AppId): Promise<{ secrets: AppSecretView[] }> {
    requireAdminOf(subject, appId);
    return { secrets: await this.secrets.list(appId) };
  }

  /** Revokes a secret: tokens it signed are refused from now on. */
  @Delete(':kid')
  @HttpCode(204)
  async revoke(
    @From() subject: Subject,
    @PathParam('appId', appIdSchema) appId: AppId,
    @PathParam('kid', z.uuid()) kid: string,
  ): Promise<void> {
    requireAdminOf(subject, appId);
    if (!(await this.secrets.revoke(appId, kid, noteOf(subject, appId, 'secret.revoked', kid))))
      throw new ProblemError('not_found', 'No such secret');
  }
}
