import {
  type AppId,
  appIdSchema,
  type SipAccountBody,
  type SipAccountView,
  type Subject,
  sipAccountBodySchema,
  sipUsernameSchema,
} from '@communication-center/contracts';
import { type Inquiry, internal } from '@communication-center/contracts/internal';
import { From, InquiryOf, JsonBody, PathParam, ProblemError, Serves } from '@communication-center/service';
import { Controller, Delete, Get, HttpCode, Put } from '@nestjs/common';
import { AppStore } from '../apps/app-store.js';
import { requireAdminOf } from '../apps/apps.controller.js';
import { noteOf } from '../audit/audit.js';
import { SipAccountStore } from './sip-account-store.js';

const AppIdParam = () => PathParam('appId', appIdSchema);
const UsernameParam = () => PathParam('username', sipUsernameSchema);

@Controller()
export class SipAccountsController {
  constructor(
    private readonly apps: AppStore,
    private readonly accounts: SipAccountStore,
  ) {}

  /** Makes an account for a phone system, or gives it a new password; shown this once. */
  @Put('v1/apps/:appId/sip-accounts/:username')
  async make(
    @From() subject: Subject,
    @AppIdParam() appId: AppId,
    @UsernameParam() username: string,
    @JsonBody(sipAccountBodySchema) { algorithms }: SipAccountBody,
  ): Promise<SipAccountView> {
    requireAdminOf(subject, appId);
    await this.apps.get(appId);
    return this.accounts.make(appId, { username, algorithms }, noteOf(subject, appId, 'sip_account.made', username));
  }

  @Get('v1/apps/:appId/sip-accounts')
  async list(@From() subject: Subject, @AppIdParam() appId: AppId): Promise<{ accounts: SipAccountView[] }> {
    requireAdminOf(subject, appId);
    return { accounts: await this.accounts.list(appId) };
  }

  @Delete('v1/apps/:appId/sip-accounts/:username')
  @HttpCode(204)
  async delete(@From() subject: Subject, @AppIdParam() appId: AppId, @UsernameParam() username: string): Promise<void> {
    requireAdminOf(subject, appId);
    const note = noteOf(subject, appId, 'sip_account.deleted', username);
    if (!(await this.accounts.delete(appId, username, note))) throw new ProblemError('not_found', 'No such account');
  }

  @Serves(internal.sipSecrets)
  async secrets(@InquiryOf(internal.sipSecrets) { params }: Inquiry<typeof internal.sipSecrets>) {
    const secrets = await this.accounts.secretsOf(params.appId, params.username);
    if (!secrets) throw new ProblemError('not_found', 'No such account');
    return secrets;
  }
}
