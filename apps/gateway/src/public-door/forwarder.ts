import type { Subject } from '@communication-center/contracts';
import { currentTraceparent, Identity, neverArrived, ProblemError } from '@communication-center/service';
import { Injectable } from '@nestjs/common';
import { Agent, request } from 'undici';
import { Services } from '../services.js';
import { placeOn } from './request-target.js';
import { ownerOf } from './routes.js';

const timeoutMs = 15_000;

export interface Asked {
  method: string;
  path: string;
  contentType: string | undefined;
  idempotencyKey: string | undefined;
  body: Buffer | undefined;
}

export interface Forwarded {
  status: number;
  contentType: string;
  body: Buffer;
}

/** Passes a REST request on to the service that owns it, with a token that says in whose name. */
@Injectable()
export class Forwarder {
  readonly #agent = new Agent({ connections: 128, keepAliveTimeout: 30_000, connect: { timeout: 2000 } });

  constructor(
    private readonly services: Services,
    private readonly identity: Identity,
  ) {}

  /** @throws ProblemError `not_found` for a path nobody owns, `service_unavailable` when its owner does not answer. */
  async forward(asked: Asked, subject: Subject): Promise<Forwarded> {
    const owner = ownerOf(asked.path);
    const replicas = owner && this.services.replicasOf(owner.service);
    if (!owner || !replicas) throw new ProblemError('not_found', `Nothing is at ${asked.path.split('?')[0]}`);
    const token = await this.identity.sign(owner.service, subject);
    for (let tries = replicas.count; ; tries -= 1) {
      const url = replicas.pick();
      try {
        return await this.#send(placeOn(url, owner.path), asked, token);
      } catch (cause) {
        replicas.failed(url);
        if (tries <= 1 || !neverArrived(cause))
          throw new ProblemError('service_unavailable', `The ${owner.service} service does not answer`, { cause });
      }
    }
  }

  async #send(url: URL, asked: Asked, token: string): Promise<Forwarded> {
    const answer = await request(url, {
      method: asked.method as 'GET',
      dispatcher: this.#agent,
      headers: {
        authorization: `Bearer ${token}`,
        // What the world misspells it is told of; see libs/service, zod-input.ts.
        prefer: 'handling=strict',
        ...(currentTraceparent() && { traceparent: currentTraceparent() }),
        ...(asked.idempotencyKey !== undefined && { 'idempotency-key': asked.idempotencyKey }),
        ...(asked.contentType && { 'content-type': asked.contentType }),
      },
      body: asked.body && asked.body.length > 0 ? asked.body : null,
      signal: AbortSignal.timeout(timeoutMs),
    });
    return {
      status: answer.statusCode,
      contentType: String(answer.headers['content-type'] ?? 'application/json'),
      body: Buffer.from(await answer.body.arrayBuffer()),
    };
  }

  async close(): Promise<void> {
    await this.#agent.close();
  }
}
