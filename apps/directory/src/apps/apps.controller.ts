import { type AppBody, type AppId, type AppView, appBodySchema, appIdSchema, type Subject } from '@communication-center/contracts';
import { type Inquiry, internal } from '@communication-center/contracts/internal';
import { From, InquiryOf, JsonBody, PathParam, ProblemError, requireOperator, Serves, Settings } from '@communication-center/service';
import { Controller, Get, Inject, Put } from '@nestjs/common';
import { noteOf } from '../audit/audit.js';
import type { DirectorySettings } from '../settings.js';
import { AppStore } from './app-store.js';

@Controller()
export class AppsController {
  constructor(
    private readonly apps: AppStore,
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
    return this.apps.save(appId, body, noteOf(subject, appId, 'app.saved', appId));
  }

  @Get('v1/apps/:appId')
  async get(@From() subject: Subject, @PathParam('appId', appIdSchema) appId: AppId): Promise<AppView> {
    requireAdminOf(subject, appId);
    return this.apps.get(appId);
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
