import type {
  ChannelCredentialBody,
  ChannelCredentialView,
  ChannelProvider,
  ChannelVerdict,
  Subject,
} from '@communication-center/contracts';
import { channelCredentialBodySchema, channelProviderSchema } from '@communication-center/contracts/channel-credentials';
import { ActsOnRecord, appOfKey, From, NeededBody, PathParam, ProblemError } from '@communication-center/service';
import { Controller, Delete, Get, HttpCode, Post, Put } from '@nestjs/common';
import { Sms } from '../sms/sms.js';
import { ChannelCredentialStore } from './channel-credential-store.js';
import { Mail } from './mail-channel.js';

/** Keeps through which mail server, SMSC or account at Twilio an app sends. What is secret of it goes in and never comes out. */
@Controller('v1/channel-credentials')
export class ChannelCredentialsController {
  constructor(
    private readonly credentials: ChannelCredentialStore,
    private readonly mail: Mail,
    private readonly sms: Sms,
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
    if (!(await this.credentials.list(appId)).some((one) => one.provider === provider))
      throw new ProblemError('not_found', 'No such credentials');
    await this.acts.note(subject, { appId, act: 'channel_credential.deleted', target: provider });
    await this.credentials.delete(appId, provider);
  }

  /** Signs in there; nothing is sent. */
  @Post(':provider/verify')
  @HttpCode(200)
  async verify(@From() subject: Subject, @PathParam('provider', channelProviderSchema) provider: ChannelProvider): Promise<ChannelVerdict> {
    const appId = appOfKey(subject, 'notifications');
    const outcome = await (provider === 'smtp' ? this.mail.verify(appId) : this.sms.verify(appId, provider));
    if (!outcome) throw new ProblemError('not_found', 'No such credentials');
    return outcome.outcome === 'accepted' ? { works: true, reason: null } : { works: false, reason: outcome.reason };
  }
}
