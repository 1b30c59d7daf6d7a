import type { ServerResponse } from 'node:http';
import { pipeline } from 'node:stream/promises';
import type { Subject } from '@communication-center/contracts';
import { Identity, neverArrived, ProblemError } from '@communication-center/service';
import { Injectable } from '@nestjs/common';
import { Agent, type Dispatcher, request } from 'undici';
import { Services } from '../services.js';
import { placeOn } from './request-target.js';

const openTimeoutMs = 5000;

export interface AskedStream {
  path: string;
  lastEventId: string | undefined;
  /** Ends the stream: its reader may not read on. */
  revoked: AbortSignal;
}

/** Passes an answer on that goes on and on: bytes as they come, as fast as the reader takes them, until either side goes. */
@Injectable()
export class Streamer {
  /** A stream may be silent for a while; its own heartbeats show that it lives. */
  readonly #agent = new Agent({ connections: 2000, connect: { timeout: 2000 }, bodyTimeout: 60_000, headersTimeout: openTimeoutMs });
  readonly #open = new Set<AbortController>();

  constructor(
    private readonly services: Services,
    private readonly identity: Identity,
  ) {}

  /**
   * @param takeOver gives the response to write to; called once the service has answered.
   * @throws ProblemError `service_unavailable`, or as the identity of the asker deserves; then nothing was written.
   */
  async stream(service: string, asked: AskedStream, subject: Subject, takeOver: () => ServerResponse): Promise<void> {
    const stop = new AbortController();
    this.#open.add(stop);
    asked.revoked.addEventListener('abort', () => stop.abort());
    try {
      const answer = await this.#ask(service, asked, subject, stop.signal);
      const response = takeOver();
      response.once('close', () => stop.abort());
      response.writeHead(answer.statusCode, {
        'content-type': String(answer.headers['content-type'] ?? 'application/json'),
        'cache-control': 'no-store',
        'x-accel-buffering': 'no',
      });
      response.flushHeaders();
      // Either side's going is how a stream ends: there is nothing to tell.
      await pipeline(answer.body, response).catch(() => response.destroy());
    } finally {
      this.#open.delete(stop);
    }
  }

  /** Ends every stream: its reader comes back, to another gateway, with the last id it got. */
  async close(): Promise<void> {
    for (const stop of this.#open) stop.abort();
    await this.#agent.destroy();
  }

  async #ask(service: string, asked: AskedStream, subject: Subject, signal: AbortSignal): Promise<Dispatcher.ResponseData> {
    const replicas = this.services.replicasOf(service);
    if (!replicas) throw new ProblemError('not_found');
    const headers = {
      authorization: `Bearer ${await this.identity.sign(service, subject)}`,
      prefer: 'handling=strict',
      ...(asked.lastEventId !== undefined && { 'last-event-id': asked.lastEventId }),
    };
    for (let tries = replicas.count; ; tries -= 1) {
      const url = replicas.pick();
      try {
        return await request(placeOn(url, asked.path), { method: 'GET', dispatcher: this.#agent, headers, signal });
      } catch (cause) {
        replicas.failed(url);
        if (tries <= 1 || !neverArrived(cause))
          throw new ProblemError('service_unavailable', `The ${service} service does not answer`, { cause });
      }
    }
  }
}
