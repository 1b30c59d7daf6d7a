import type { AppId } from '@communication-center/contracts';
import { Settings } from '@communication-center/service';
import { Inject, Injectable } from '@nestjs/common';
import type RequestClient from 'twilio/lib/base/RequestClient.js';
import { KeptClients } from '../channels/kept-clients.js';
import { LedAgent } from '../channels/led-agent.js';
import { faultOf } from '../channels/push-channel.js';
import { trusted } from '../channels/trusted.js';
import type { SendOutcome } from '../domain/mail-outcome.js';
import { parseRetryAfter } from '../domain/push-outcome.js';
import { twilioOutcome } from '../domain/sms-outcome.js';
import { partsOfSms } from '../domain/sms-text.js';
import { ChannelCredentialStore, type KeptChannel } from '../mail/channel-credential-store.js';
import type { NotificationsSettings } from '../settings.js';
import type { SmsLetter } from './smpp-channel.js';
import { SmsStatusLinks } from './sms-status-links.js';

const twilioHost = 'api.twilio.com';
const connectionsOfOneApp = 4;
/** Twilio keeps a message for ten hours at most (`ValidityPeriod`, in seconds). */
const [shortestValid, longestValid] = [5, 36_000];

interface Client {
  requests: RequestClient;
  agent: LedAgent;
  kept: KeptChannel<'twilio'>;
}

/** Hands SMS over to Twilio, through the request client of its own library: that alone tells `Retry-After`, and loads nothing of what else Twilio does. */
@Injectable()
export class TwilioChannel {
  readonly #clients = new KeptClients<Client>(({ agent }) => agent.destroy());

  constructor(
    private readonly credentials: ChannelCredentialStore,
    private readonly links: SmsStatusLinks,
    @Inject(Settings) private readonly settings: NotificationsSettings,
  ) {}

  /** Never throws: what goes wrong is an outcome. */
  async send(appId: AppId, { notificationId, to, text, until }: SmsLetter, version: string): Promise<SendOutcome> {
    if (!partsOfSms(text))
      return { outcome: 'refused', reason: 'the text is longer than ten SMS: write a shorter template', isOfAddress: false };
    const statusUrl = this.links.linkFor(appId, notificationId);
    const left = Math.ceil((until - Date.now()) / 1000);
    try {
      const client = await this.#clients.get(appId, version, () => this.#made(appId));
      const { from, messagingServiceSid } = client.kept.facts;
      return await ask(client, 'post', 'Messages.json', {
        To: to,
        Body: text,
        ...(from !== undefined && { From: from }),
        ...(messagingServiceSid !== undefined && { MessagingServiceSid: messagingServiceSid }),
        ...(statusUrl !== undefined && { StatusCallback: statusUrl }),
        ValidityPeriod: Math.min(longestValid, Math.max(shortestValid, left)),
      });
    } catch (error) {
      return { outcome: 'later', reason: faultOf(error) };
    }
  }

  /** Asks for the account, without sending anything. @returns undefined where the app has none. */
  async verify(appId: AppId): Promise<SendOutcome | undefined> {
    const kept = await this.credentials.read(appId, 'twilio');
    if (!kept) return undefined;
    const client = await this.#connect(kept);
    try {
      return await ask(client, 'get', '');
    } catch (error) {
      return { outcome: 'later', reason: faultOf(error) };
    } finally {
      client.agent.destroy();
    }
  }

  async close(): Promise<void> {
    await this.#clients.closeAll();
  }

  async #made(appId: AppId): Promise<Client> {
    const kept = await this.credentials.read(appId, 'twilio');
    if (!kept) throw new Error('the Twilio account of the app was taken away just now');
    return this.#connect(kept);
  }

  async #connect(kept: KeptChannel<'twilio'>): Promise<Client> {
    const { default: Made } = await import('twilio/lib/base/RequestClient.js');
    const [host = '', port] = this.settings.TWILIO_HOST.split(':');
    const ca = await trusted(this.settings.PUSH_CA_FILE);
    const isElsewhere = host !== twilioHost || port !== '443';
    const agent = new LedAgent({
      maxSockets: connectionsOfOneApp,
      timeout: this.settings.SMS_TIMEOUT_MS,
      ...(ca && { ca }),
      ...(isElsewhere && { place: { host, port: Number(port) } }),
    });
    const requests = new Made({ timeout: this.settings.SMS_TIMEOUT_MS, autoRetry: false });
    requests.axios.defaults.httpsAgent = agent;
    return { requests, agent, kept };
  }
}

/** @throws where no answer came: whether it was taken is not known then. */
async function ask({ requests, kept }: Client, method: 'get' | 'post', what: string, data?: Record<string, unknown>): Promise<SendOutcome> {
  const { accountSid } = kept.facts;
  const account = `https://${twilioHost}/2010-04-01/Accounts/${accountSid}`;
  const { statusCode, body, headers } = (await requests.request({
    method,
    uri: what === '' ? `${account}.json` : `${account}/${what}`,
    username: accountSid,
    password: kept.secret.password ?? '',
    headers: { Accept: 'application/json', ...(data && { 'Content-Type': 'application/x-www-form-urlencoded' }) },
    ...(data && { data }),
  })) as { statusCode: number; body: unknown; headers?: Record<string, unknown> };
  if (statusCode >= 200 && statusCode < 300) return { outcome: 'accepted' };
  const { code, message } = (typeof body === 'object' && body !== null ? body : {}) as { code?: unknown; message?: unknown };
  const retryAfterMs = parseRetryAfter(headers?.['retry-after'] as string | undefined, Date.now()) ?? undefined;
  return twilioOutcome({ status: statusCode, code: Number(code) || 0, message: typeof message === 'string' ? message : '', retryAfterMs });
}
