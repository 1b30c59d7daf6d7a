import { AddressGuard, type LineLog, Log, Settings } from '@communication-center/service';
import { Inject, Injectable, type OnApplicationShutdown } from '@nestjs/common';
import { type Dispatcher, request } from 'undici';
import { parseRetryAfter } from '../domain/retry-schedule.js';
import type { Endpoint } from '../endpoints/endpoint-store.js';
import type { WebhooksSettings } from '../settings.js';
import { Connections } from '../sign/connections.js';
import { signedRequest } from '../sign/signed-request.js';

export interface SendResult {
  /** null when no answer came. */
  status: number | null;
  error: string | null;
  retryAfterMs: number | null;
  durationMs: number;
  /** What the answer begins with; null where it says nothing. */
  answer?: string | null;
}

export interface Sending {
  deliveryId: string;
  body: string;
  /** Breaks the request off. */
  signal: AbortSignal;
}

/**
 * Sends one signed delivery. Never follows a redirect, and never connects to an address inside the network. Each endpoint has
 * connections of its own.
 */
@Injectable()
export class Sender implements OnApplicationShutdown {
  readonly #connections: Connections;

  constructor(
    @Inject(Settings) private readonly settings: WebhooksSettings,
    @Inject(Log) private readonly log: LineLog,
  ) {
    this.#connections = new Connections(new AddressGuard(settings));
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
    const timeoutMs = Math.min(endpoint.timeoutMs ?? this.settings.REQUEST_TIMEOUT_MS, this.settings.REQUEST_TIMEOUT_MS);
    // A timer that is taken away again: those of AbortSignal.timeout live on, thousands of them, until each ends in an exception.
    const breakOff = new AbortController();
    const abort = () => breakOff.abort();
    const timer = setTimeout(() => breakOff.abort(new Error(`timeout: no answer within ${timeoutMs} ms`)), timeoutMs);
    signal.addEventListener('abort', abort);
    try {
      const response = await request(endpoint.url, {
        method: 'POST',
        dispatcher: this.#connections.to(endpoint),
        ...signedRequest(endpoint, { id: deliveryId, body }, startedAt),
        signal: breakOff.signal,
      });
      const { statusCode } = response;
      const answer = await headOf(response);
      const accepted = statusCode >= 200 && statusCode < 300;
      const retryAfter = response.headers['retry-after'];
      const retryAfterMs = parseRetryAfter(Array.isArray(retryAfter) ? retryAfter[0] : retryAfter, Date.now());
      return ended({ status: statusCode, error: accepted ? null : `answered ${statusCode}`, retryAfterMs, answer });
    } catch (error) {
      if (signal.aborted) return 'broken off';
      return ended({ status: null, error: error instanceof Error ? error.message : String(error), retryAfterMs: null });
    } finally {
      clearTimeout(timer);
      signal.removeEventListener('abort', abort);
    }
  }

  /** Closes the connections of an endpoint: there is nothing to be sent to it now. */
  async release(endpointId: string): Promise<void> {
    await this.#connections.release(endpointId);
  }

  async onApplicationShutdown(): Promise<void> {
    await this.#connections.destroy();
  }
}

/** Of an answer so much is kept, in bytes, and so much is read at most: what is longer is broken off. */
const kept = 512;
const mostRead = 16_384;

/** @returns what an answer begins with; null where it says nothing. */
async function headOf({ statusCode, headers, body }: Dispatcher.ResponseData): Promise<string | null> {
  if (statusCode === 204 || headers['content-length'] === '0') {
    await body.dump({ limit: mostRead });
    return null;
  }
  const chunks: Buffer[] = [];
  let read = 0;
  for await (const chunk of body as AsyncIterable<Buffer>) {
    if (read < kept) chunks.push(chunk);
    read += chunk.length;
    if (read > mostRead) break;
  }
  const text = new TextDecoder().decode(Buffer.concat(chunks).subarray(0, kept)).replaceAll('\0', '');
  return text === '' ? null : text;
}
