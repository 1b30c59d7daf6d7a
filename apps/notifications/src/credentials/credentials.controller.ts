import { setTimeout as sleep } from 'node:timers/promises';
import {
  type PushCredentialBody,
  type PushCredentialVerdict,
  type PushCredentialView,
  type PushProvider,
  pushCredentialBodySchema,
  pushProviderSchema,
  type Subject,
} from '@communication-center/contracts';
import { ActsOnRecord, appOf, appOfKey, From, NeededBody, PathParam, ProblemError } from '@communication-center/service';
import { Controller, Delete, Get, HttpCode, Post, Put } from '@nestjs/common';
import { PushChannels } from '../channels/push-channels.js';
import { CredentialStore } from './credential-store.js';
import { seenEverywhereMs } from './known-credentials.js';

/** Keeps with what an app pushes. What is secret of it goes in and never comes out. */
@Controller('v1/push-credentials')
export class CredentialsController {
  constructor(
    private readonly credentials: CredentialStore,
    private readonly channels: PushChannels,
    private readonly acts: ActsOnRecord,
  ) {}

  /** Answers when every replica pushes with them. */
  @Put()
  async save(@From() subject: Subject, @NeededBody(pushCredentialBodySchema) body: PushCredentialBody): Promise<PushCredentialView> {
    const appId = appOfKey(subject, 'notifications');
    await this.acts.note(subject, { appId, act: 'push_credential.saved', target: body.provider });
    const saved = await this.credentials.save(appId, body);
    await sleep(seenEverywhereMs);
    return saved;
  }

  @Get()
  async list(@From() subject: Subject): Promise<{ credentials: PushCredentialView[] }> {
    return { credentials: await this.credentials.list(appOfKey(subject, 'notifications')) };
  }

  /** What a page subscribes with; users may read it, since every page of the app shows it. */
  @Get('web_push/public-key')
  async publicKey(@From() subject: Subject): Promise<{ publicKey: string }> {
    const all = await this.credentials.list(appOf(subject, 'notifications'));
    const publicKey = all.find(({ provider }) => provider === 'web_push')?.publicKey;
    if (!publicKey) throw new ProblemError('not_found', 'This app has no credentials for Web Push');
    return { publicKey };
  }

  @Delete(':provider')
  @HttpCode(204)
  async delete(@From() subject: Subject, @PathParam('provider', pushProviderSchema) provider: PushProvider): Promise<void> {
    const appId = appOfKey(subject, 'notifications');
    if (!(await this.credentials.read(appId, provider))) throw new ProblemError('not_found', 'No such credentials');
    await this.acts.note(subject, { appId, act: 'push_credential.deleted', target: provider });
    await this.credentials.delete(appId, provider);
  }

  /** Asks the provider whether it takes them. No device hears of it. */
  @Post(':provider/verify')
  @HttpCode(200)
  async verify(
    @From() subject: Subject,
    @PathParam('provider', pushProviderSchema) provider: PushProvider,
  ): Promise<PushCredentialVerdict> {
    const kept = await this.credentials.read(appOfKey(subject, 'notifications'), provider);
    if (!kept) throw new ProblemError('not_found', 'No such credentials');
    const outcome = await this.channels.of(provider).verify(kept);
    return outcome.outcome === 'accepted' ? { works: true, reason: null } : { works: false, reason: outcome.reason };
  }
}
