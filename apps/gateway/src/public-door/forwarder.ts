import type { Subject } from '@communication-center/contracts';
import { currentTraceparent, Identity, ProblemError } from '@communication-center/service';
import { Injectable } from '@nestjs/common';
import { Agent, request } from 'undici';
import { Services } from '../services.js';
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
    const url = owner && this.services.urlOf(owner.service);
    if (!owner || !url) throw new ProblemError('not_found', `Nothing is at ${asked.path.split('?')[0]}`);
    const token = await this.identity.sign(owner.service, subject);
    const response = await request(new URL(owner.path, url), {
      method: asked.method as 'GET',
      dispatcher: this.#agent,
      headers: {
        authorization: `Bearer ${token}`,
        ...(currentTraceparent() && { traceparent: currentTraceparent() }),
        ...(asked.idempotencyKey !== undefined && { 'idempotency-key': asked.idempotencyKey }),
        ...(asked.contentType && { 'content-type': asked.contentType }),
      },
      body: asked.body && asked.body.length > 0 ? asked.body : null,
      signal: AbortSignal.timeout(timeoutMs),
    })
      .then(async (answer) => ({
        status: answer.statusCode,
        contentType: String(answer.headers['content-type'] ?? 'application/json'),
        body: Buffer.from(await answer.body.arrayBuffer()),
      }))
      .catch((cause: unknown) => {
        throw new ProblemError('service_unavailable', `The ${owner.service} service does not answer`, { cause });
      });
    return response;
  }

  async close(): Promise<void> {
    await this.#agent.close();
  }
}
