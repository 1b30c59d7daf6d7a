import { AddressGuard, type LineLog, Log, Settings } from '@communication-center/service';
import { Inject, Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { Webhook } from 'standardwebhooks';
import { Agent, request } from 'undici';
import { parseRetryAfter } from '../domain/retry-schedule.js';
import type { Endpoint } from '../endpoints/endpoint-store.js';
import type { WebhooksSettings } from '../settings.js';

export interface SendResult {
  /** null when no answer came. */
  status: number | null;
  error: string | null;
  retryAfterMs: number | null;
  durationMs: number;
}

export interface Sending {
  deliveryId: string;
  body: string;
  /** Breaks the request off. */
  signal: AbortSignal;
}

/** Sends one signed delivery. Never follows a redirect, and never connects to an address inside the network. */
@Injectable()
export class Sender implements OnApplicationShutdown {
  readonly #agent: Agent;

  constructor(
    @Inject(Settings) private readonly settings: WebhooksSettings,
    @Inject(Log) private readonly log: LineLog,
  ) {
    this.#agent = new Agent({
      // No limit for a host: endpoints of many apps may be on one, and each has a limit of its own in its lane.
      connections: null,
      keepAliveTimeout: 30_000,
      connect: new AddressGuard(settings).connector(),
    });
  }

  /** @returns `broken off` when the signal said so before an answer came: nobody knows whether the endpoint has it. */
  async send(endpoint: Endpoint, sending: Sending): Promise<SendResult | 'broken off'> {
    const { deliveryId } = sending;
    const result = await this.#ask(endpoint, sending);
    const told = result === 'broken off' ? { error: result } : { status: result.status, error: result.error, ms: result.durationMs };
    this.log.info({ deliveryId, endpointId: endpoint.endpointId, ...told }, 'tried to deliver');
    return result;
  }

  async #ask(endpoint: Endpoint, { deliveryId, body, signal }: Sending): Promise<SendResult | 'broken off'> {
    const startedAt = Date.now();
    const ended = (result: Omit<SendResult, 'durationMs'>): SendResult => ({ ...result, durationMs: Date.now() - startedAt });
    const sentAt = new Date();
    try {
      const response = await request(endpoint.url, {
        method: 'POST',
        dispatcher: this.#agent,
        headers: {
          'content-type': 'application/json',
          'user-agent': 'communication-center-webhooks/1',
          'webhook-id': deliveryId,
          'webhook-timestamp': String(Math.floor(sentAt.getTime() / 1000)),
          'webhook-signature': new Webhook(endpoint.secret).sign(deliveryId, sentAt, body),
        },
        body,
        signal: AbortSignal.any([signal, AbortSignal.timeout(this.settings.REQUEST_TIMEOUT_MS)]),
      });
      await response.body.dump({ limit: 16_384 });
      const { statusCode } = response;
      const accepted = statusCode >= 200 && statusCode < 300;
      const retryAfter = response.headers['retry-after'];
      const retryAfterMs = parseRetryAfter(Array.isArray(retryAfter) ? retryAfter[0] : retryAfter, Date.now());
      return ended({ status: statusCode, error: accepted ? null : `answered ${statusCode}`, retryAfterMs });
    } catch (error) {
      if (signal.aborted) return 'broken off';
      return ended({ status: null, error: error instanceof Error ? error.message : String(error), retryAfterMs: null });
    }
  }

  async onApplicationShutdown(): Promise<void> {
    await this.#agent.destroy();
  }
}
