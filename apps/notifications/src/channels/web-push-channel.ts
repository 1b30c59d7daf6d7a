import { AddressGuard, Settings } from '@communication-center/service';
import { Inject, Injectable } from '@nestjs/common';
import { Agent, request } from 'undici';
import type { KeptCredential } from '../credentials/credential-store.js';
import { webPushMessage } from '../domain/push-messages.js';
import { type PushOutcome, parseRetryAfter, webPushOutcome } from '../domain/push-outcome.js';
import { webPushAlert } from '../domain/pushed-messages.js';
import type { NotificationsSettings } from '../settings.js';
import { faultOf, type Push, type PushChannel } from './push-channel.js';
import { trusted } from './trusted.js';

/**
 * Pushes to browsers. web-push signs and encrypts (RFC 8292, RFC 8291); what it made is sent through the guard of addresses, since
 * pages name them, and no redirect is followed.
 */
@Injectable()
export class WebPushChannel implements PushChannel {
  #agent: Promise<Agent> | undefined;

  constructor(@Inject(Settings) private readonly settings: NotificationsSettings) {}

  async send({ credential: { credential }, target, told, until }: Push): Promise<PushOutcome> {
    if (target.kind !== 'web_push' || credential.provider !== 'web_push') throw new Error(`${target.kind} is not of a browser`);
    const leftMs = until - Date.now();
    if (leftMs <= 0) return { outcome: 'later', reason: 'too late', mayHaveArrived: false };
    const { endpoint, keys } = target;
    const { payload, options } = told.type === 'notification' ? webPushAlert(told, leftMs) : webPushMessage(told, leftMs);
    const { default: webPush } = await import('web-push');
    let details: ReturnType<typeof webPush.generateRequestDetails>;
    try {
      const { subject, publicKey, privateKey } = credential;
      details = webPush.generateRequestDetails({ endpoint, keys }, payload, {
        ...options,
        vapidDetails: { subject, publicKey, privateKey },
      });
    } catch (error) {
      // Keys that no browser made.
      return { outcome: 'refused', reason: faultOf(error), isOfCredentials: false };
    }
    return this.#hand(endpoint, details.headers as Record<string, string>, details.body as Buffer);
  }

  /** There is nobody to ask: the push service of a browser takes whatever is signed by the key its page subscribed with. */
  async verify(_credential: KeptCredential): Promise<PushOutcome> {
    return { outcome: 'accepted' };
  }

  async #hand(endpoint: string, headers: Record<string, string>, body: Buffer): Promise<PushOutcome> {
    try {
      this.#agent ??= this.#connect();
      const response = await request(endpoint, {
        method: 'POST',
        dispatcher: await this.#agent,
        // undici counts the bytes itself.
        headers: Object.fromEntries(
          Object.entries(headers).flatMap(([name, value]) => (name === 'Content-Length' ? [] : [[name, String(value)]])),
        ),
        body,
        signal: AbortSignal.timeout(this.settings.PUSH_TIMEOUT_MS),
      });
      await response.body.dump({ limit: 16_384 });
      const retryAfter = response.headers['retry-after'];
      return webPushOutcome(response.statusCode, parseRetryAfter([retryAfter].flat()[0], Date.now()));
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      if (code === 'EACCES') return { outcome: 'refused', reason: faultOf(error), isOfCredentials: false };
      return { outcome: 'later', reason: faultOf(error), mayHaveArrived: code !== 'ECONNREFUSED' && code !== 'ENOTFOUND' };
    }
  }

  async #connect(): Promise<Agent> {
    const ca = await trusted(this.settings.PUSH_CA_FILE);
    return new Agent({ connections: null, keepAliveTimeout: 30_000, connect: new AddressGuard(this.settings).connector(ca && { ca }) });
  }

  async close(): Promise<void> {
    await (await this.#agent)?.destroy();
  }
}
