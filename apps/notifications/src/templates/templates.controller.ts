import type {
  AppId,
  PreviewBody,
  Rendered,
  Subject,
  TemplateBody,
  TemplateView,
  TestSendBody,
  TestSendVerdict,
} from '@communication-center/contracts';
import {
  previewBodySchema,
  templateBodySchema,
  templateIdSchema,
  testSendBodySchema,
} from '@communication-center/contracts/notification-rules';
import { appOfKey, From, NeededBody, PathParam, ProblemError } from '@communication-center/service';
import { Controller, Delete, Get, HttpCode, Post, Put } from '@nestjs/common';
import { v7 as uuidv7 } from 'uuid';
import type { SendOutcome } from '../domain/mail-outcome.js';
import { ChannelCredentialStore } from '../mail/channel-credential-store.js';
import { Mail } from '../mail/mail-channel.js';
import { Sms } from '../sms/sms.js';
import { sample } from './engine.js';
import { refusing, TemplateStore } from './template-store.js';

const testMs = 600_000;

/** What people are told, as their app writes it: saved only where it can be filled in, looked at and tried before it is used. */
@Controller('v1/notification-templates')
export class TemplatesController {
  constructor(
    private readonly templates: TemplateStore,
    private readonly mail: Mail,
    private readonly sms: Sms,
    private readonly credentials: ChannelCredentialStore,
  ) {}

  @Get()
  async list(@From() subject: Subject): Promise<{ templates: TemplateView[] }> {
    return { templates: await this.templates.list(appOfKey(subject, 'notifications')) };
  }

  @Put(':templateId')
  async save(
    @From() subject: Subject,
    @PathParam('templateId', templateIdSchema) templateId: string,
    @NeededBody(templateBodySchema) body: TemplateBody,
  ): Promise<TemplateView> {
    return this.templates.save(appOfKey(subject, 'notifications'), templateId, body);
  }

  @Delete(':templateId')
  @HttpCode(204)
  async delete(@From() subject: Subject, @PathParam('templateId', templateIdSchema) templateId: string): Promise<void> {
    await this.templates.delete(appOfKey(subject, 'notifications'), templateId);
  }

  /** Fills it in with what an event might tell. */
  @Post(':templateId/preview')
  @HttpCode(200)
  async preview(
    @From() subject: Subject,
    @PathParam('templateId', templateIdSchema) templateId: string,
    @NeededBody(previewBodySchema) { locale, template }: PreviewBody,
  ): Promise<Rendered> {
    const appId = appOfKey(subject, 'notifications');
    const shown = template ?? (await this.#read(appId, templateId));
    return refusing(() => this.templates.engine.render(shown, locale ?? null, sample));
  }

  /** Sends it once, filled in as for a look, and says what the mail server, SMSC or Twilio said. */
  @Post(':templateId/test')
  @HttpCode(200)
  async test(
    @From() subject: Subject,
    @PathParam('templateId', templateIdSchema) templateId: string,
    @NeededBody(testSendBodySchema) { email, phone, locale }: TestSendBody,
  ): Promise<TestSendVerdict> {
    const appId = appOfKey(subject, 'notifications');
    const template = await this.#read(appId, templateId);
    const rendered = await refusing(() => this.templates.engine.render(template, locale ?? null, sample));
    const outcome = await (phone === undefined
      ? this.mail.send(appId, { notificationId: uuidv7(), to: email ?? '', ...rendered })
      : this.#sms(appId, phone, rendered.text));
    return outcome.outcome === 'accepted' ? { accepted: true, reason: null } : { accepted: false, reason: outcome.reason };
  }

  async #sms(appId: AppId, to: string, text: string): Promise<SendOutcome> {
    const server = await this.credentials.ofSms(appId);
    if (!server) return { outcome: 'refused', reason: 'the app has neither an SMSC nor an account at Twilio', isOfAddress: false };
    return this.sms.send(appId, { notificationId: uuidv7(), to, text, until: Date.now() + testMs }, server);
  }

  async #read(appId: Parameters<TemplateStore['read']>[0], templateId: string): Promise<TemplateBody> {
    const template = await this.templates.read(appId, templateId);
    if (!template) throw new ProblemError('not_found', 'No such template');
    return template;
  }
}
