import type {
  ChannelCredentialBody,
  ChannelCredentialView,
  ChannelProvider,
  ChannelVerdict,
  Subject,
} from '@communication-center/contracts';
import { channelCredentialBodySchema, channelProviderSchema } from '@communication-center/contracts/notification-rules';
import { ActsOnRecord, appOfKey, From, NeededBody, PathParam, ProblemError } from '@communication-center/service';
import { Controller, Delete, Get, HttpCode, Post, Put } from '@nestjs/common';
import { ChannelCredentialStore } from './channel-credential-store.js';
import { Mail } from './mail-channel.js';

/** Keeps through which mail server an app sends. What is secret of it goes in and never comes out. */
@Controller('v1/channel-credentials')
export class ChannelCredentialsController {
  constructor(
    private readonly credentials: ChannelCredentialStore,
    private readonly mail: Mail,
    private readonly acts: ActsOnRecord,
  ) {}

  @Put()
  async save(
    @From() subject: Subject,
    @NeededBody(channelCredentialBodySchema) body: ChannelCredentialBody,
  ): Promise<ChannelCredentialView> {
    const appId = appOfKey(subject, 'notifications');
    await this.acts.note(subject, { appId, act: 'channel_credential.saved', target: body.provider });
    return this.credentials.save(appId, body);
  }

  @Get()
  async list(@From() subject: Subject): Promise<{ credentials: ChannelCredentialView[] }> {
    return { credentials: await this.credentials.list(appOfKey(subject, 'notifications')) };
  }

  @Delete(':provider')
  @HttpCode(204)
  async delete(@From() subject: Subject, @PathParam('provider', channelProviderSchema) provider: ChannelProvider): Promise<void> {
    const appId = appOfKey(subject, 'notifications');
    if ((await this.credentials.list(appId)).length === 0) throw new ProblemError('not_found', 'No such credentials');
    await this.acts.note(subject, { appId, act: 'channel_credential.deleted', target: provider });
    await this.credentials.delete(appId);
  }

  /** Signs in at the mail server; nothing is sent. */
  @Post(':provider/verify')
  @HttpCode(200)
  async verify(
    @From() subject: Subject,
    @PathParam('provider', channelProviderSchema) _provider: ChannelProvider,
  ): Promise<ChannelVerdict> {
    const outcome = await this.mail.verify(appOfKey(subject, 'notifications'));
    if (!outcome) throw new ProblemError('not_found', 'No such credentials');
    return outcome.outcome === 'accepted' ? { works: true, reason: null } : { works: false, reason: outcome.reason };
  }
}
