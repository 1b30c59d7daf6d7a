import { type PreferencesBody, type PreferencesView, type Subject, type UserAlias, userAliasSchema } from '@communication-center/contracts';
import { preferencesBodySchema } from '@communication-center/contracts/notification-rules';
import { appOf, From, NeededBody, OpenToNobody, PathParam, ProblemError } from '@communication-center/service';
import { Controller, Get, HttpCode, Post, Put } from '@nestjs/common';
import { z } from 'zod';
import { PreferenceStore } from './preference-store.js';
import { UnsubscribeLinks } from './unsubscribe-links.js';

const tokenSchema = z.string().regex(/^[A-Za-z0-9_-]{20,1500}$/, 'use the link as it stands in the e-mail');

/** By which channels users are told: they say so themselves, or keys for them. */
@Controller()
export class PreferencesController {
  constructor(
    private readonly preferences: PreferenceStore,
    private readonly links: UnsubscribeLinks,
  ) {}

  @Get('v1/notification-preferences/:userAlias')
  async read(@From() subject: Subject, @PathParam('userAlias', userAliasSchema) userAlias: UserAlias): Promise<PreferencesView> {
    return this.preferences.read(appOfOwn(subject, userAlias), userAlias);
  }

  @Put('v1/notification-preferences/:userAlias')
  async save(
    @From() subject: Subject,
    @PathParam('userAlias', userAliasSchema) userAlias: UserAlias,
    @NeededBody(preferencesBodySchema) body: PreferencesBody,
  ): Promise<PreferencesView> {
    return this.preferences.save(appOfOwn(subject, userAlias), userAlias, body);
  }

  /** What mailboxes ask by one click, without a credential: the link itself is one. A look at it changes nothing, since scanners of e-mails look at all links. */
  @Post('v1/unsubscribe/:token')
  @OpenToNobody()
  @HttpCode(200)
  async unsubscribe(@From() subject: Subject, @PathParam('token', tokenSchema) token: string): Promise<{ email: false }> {
    if (subject.kind !== 'nobody') throw new ProblemError('forbidden', 'Send no credential: the link is one');
    const whose = this.links.whose(token);
    if (!whose) throw new ProblemError('not_found', 'This link is of no e-mail that was sent here');
    await this.preferences.save(whose.appId, whose.userAlias, { email: false });
    return { email: false };
  }
}

function appOfOwn(subject: Subject, userAlias: UserAlias) {
  const appId = appOf(subject, 'notifications');
  if (subject.kind === 'user' && subject.userAlias !== userAlias) throw new ProblemError('forbidden', 'A user has wishes of its own alone');
  return appId;
}
