import type { Subject } from '@communication-center/contracts';
import { smsStatusBodySchema } from '@communication-center/contracts/channel-credentials';
import { From, NeededBody, OpenToNobody, PathParam, ProblemError } from '@communication-center/service';
import { Controller, Headers, HttpCode, Post } from '@nestjs/common';
import { validateRequest } from 'twilio/lib/webhooks/webhooks.js';
import { z } from 'zod';
import { twilioReceipt } from '../domain/sms-outcome.js';
import { ChannelCredentialStore } from '../mail/channel-credential-store.js';
import { SmsReceipts } from './sms-receipts.js';
import { SmsStatusLinks } from './sms-status-links.js';

const tokenSchema = z.string().regex(/^[A-Za-z0-9_-]{20,1500}$/, 'use the link that Twilio was told');

/** The route as the server of HTTP knows it: what comes there is a form. */
export const smsStatusRoute = '/v1/sms-status/:token';

/** Hears from Twilio what became of SMS. Its credential is the signature, made with the secret of the app's account. */
@Controller()
export class SmsStatusController {
  constructor(
    private readonly links: SmsStatusLinks,
    private readonly credentials: ChannelCredentialStore,
    private readonly receipts: SmsReceipts,
  ) {}

  @Post(smsStatusRoute.slice(1))
  @OpenToNobody()
  @HttpCode(204)
  async told(
    @From() subject: Subject,
    @PathParam('token', tokenSchema) token: string,
    @NeededBody(smsStatusBodySchema) said: Record<string, string>,
    @Headers('x-twilio-signature') signature: string | undefined,
  ): Promise<void> {
    if (subject.kind !== 'nobody') throw new ProblemError('forbidden', 'Send no credential: the signature is one');
    const which = this.links.whichOne(token);
    if (!which) throw new ProblemError('not_found', 'This link is of no SMS that was sent here');
    const receipt = twilioReceipt(said.MessageStatus ?? '', said.ErrorCode ?? '');
    // On its way: nothing comes of it, whoever says so.
    if (!receipt) return;
    const { appId, notificationId, url } = which;
    const account = await this.credentials.read(appId, 'twilio');
    const isSigned = account?.secret.password !== undefined && validateRequest(account.secret.password, signature ?? '', url, said);
    if (!isSigned) throw new ProblemError('forbidden', 'The signature is not that of the app’s Twilio account');
    const taken = await this.receipts.ofTwilio(appId, notificationId, receipt, said.To ?? '');
    if (taken === 'busy') throw new ProblemError('service_unavailable', 'Too many are told at once: say it again');
    if (taken === 'unknown') throw new ProblemError('not_found', 'No such SMS');
  }
}
