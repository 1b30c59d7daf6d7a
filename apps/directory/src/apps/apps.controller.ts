import { type AppBody, type AppId, type AppView, appBodySchema, appIdSchema, type Subject } from '@communication-center/contracts';
import { type Inquiry, internal } from '@communication-center/contracts/internal';
import { From, InquiryOf, JsonBody, PathParam, ProblemError, requireOperator, Serves, Settings } from '@communication-center/service';
import { Controller, Delete, Get, HttpCode, Inject, Post, Put } from '@nestjs/common';
import { noteOf } from '../audit/audit.js';
import { EraseApps } from '../erase-apps/erase-apps.js';
import type { DirectorySettings } from '../settings.js';
import { AppStore } from './app-store.js';

@Controller()
export class AppsController {
  constructor(
    private readonly apps: AppStore,
    private readonly erasing: EraseApps,
    @Inject(Settings) private readonly settings: DirectorySettings,
  ) {}

  /** Makes an app, or changes it. For the operator. */
  @Put('v1/apps/:appId')
  async save(
    @From() subject: Subject,
    @PathParam('appId', appIdSchema) appId: AppId,
    @JsonBody(appBodySchema) body: AppBody,
  ): Promise<AppView> {
    requireOperator(subject);
    if (body.trustsBareAlias && !this.settings.ALLOW_BARE_ALIAS) {
      throw new ProblemError('forbidden', 'trustsBareAlias: this Center does not allow it; it is for development');
    }
    const noteLimits = (changed: string) => noteOf(subject, appId, 'limits.changed', changed);
    return this.apps.save(appId, body, noteOf(subject, appId, 'app.saved', appId), noteLimits);
  }

  @Get('v1/apps/:appId')
  async get(@From() subject: Subject, @PathParam('appId', appIdSchema) appId: AppId): Promise<AppView> {
    requireAdminOf(subject, appId);
    return this.apps.get(appId);
  }

  /** Ends everything the app let in, within seconds and on every replica, until it is resumed. For the operator. */
  @Post('v1/apps/:appId/suspend')
  @HttpCode(200)
  async suspend(@From() subject: Subject, @PathParam('appId', appIdSchema) appId: AppId): Promise<AppView> {
    requireOperator(subject);
    return this.apps.suspend(appId, noteOf(subject, appId, 'app.suspended', appId));
  }

  @Post('v1/apps/:appId/resume')
  @HttpCode(200)
  async resume(@From() subject: Subject, @PathParam('appId', appIdSchema) appId: AppId): Promise<AppView> {
    requireOperator(subject);
    return this.apps.resume(appId, noteOf(subject, appId, 'app.resumed', appId));
  }

  /** Ends the app at once and for good; what it stored is erased after the answer. For the operator. */
  @Delete('v1/apps/:appId')
  @HttpCode(204)
  async delete(@From() subject: Subject, @PathParam('appId', appIdSchema) appId: AppId): Promise<void> {
    requireOperator(subject);
    await this.apps.delete(appId, noteOf(subject, appId, 'app.deleted', appId));
    this.erasing.wake();
  }

  @Serves(internal.erasedApps)
  async erased(@InquiryOf(internal.erasedApps) { query }: Inquiry<typeof internal.erasedApps>) {
    return { apps: await this.erasing.erasedAfter(query.after) };
  }

  @Serves(internal.appOptions)
  async options(@InquiryOf(internal.appOptions) { params }: Inquiry<typeof internal.appOptions>) {
    return this.apps.options(params.appId);
  }

  @Serves(internal.originAllowed)
  async isAllowed(@InquiryOf(internal.originAllowed) { query }: Inquiry<typeof internal.originAllowed>) {
    return { isAllowed: await this.apps.isOriginOfAny(query.origin) };
  }
}

/** @throws ProblemError unless the operator, or a key of this app with the scope `admin`, asks. */
export function requireAdminOf(subject: Subject, appId: AppId): void {
  if (subject.kind === 'operator') return;
  if (subject.kind === 'nobody') throw new ProblemError('unauthenticated');
  if (subject.kind !== 'key' || subject.appId !== appId || !subject.scopes.includes('admin')) {
    throw new ProblemError('forbidden', "This needs the operator's key or an admin key of the app");
  }
}
