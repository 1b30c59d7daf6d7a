import { join } from 'node:path';
import type { Subject } from '@communication-center/contracts';
import { continueTrace, Log, ProblemError, Settings, withTrace } from '@communication-center/service';
import fastifyStatic from '@fastify/static';
import { type BeforeApplicationShutdown, Inject, Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import type { Logger } from 'pino';
import { Authenticator } from '../authenticator.js';
import type { GatewaySettings } from '../settings.js';
import { SocketDoor } from '../sockets/socket-door.js';
import { answerOrigin, originsIn } from './cross-origin.js';
import { Forwarder } from './forwarder.js';
import { isOriginForm } from './request-target.js';
import { Streamer } from './streamer.js';

const maxBodyBytes = 262_144;

/** The one address the world speaks to: REST, client sockets and the console. */
@Injectable()
export class PublicDoor implements OnApplicationBootstrap, BeforeApplicationShutdown {
  readonly #server: FastifyInstance;

  constructor(
    @Inject(Settings) private readonly settings: GatewaySettings,
    @Inject(Log) private readonly logger: Logger,
    private readonly authenticator: Authenticator,
    private readonly forwarder: Forwarder,
    private readonly streamer: Streamer,
    private readonly sockets: SocketDoor,
  ) {
    this.#server = fastify({ bodyLimit: maxBodyBytes, forceCloseConnections: true, routerOptions: { maxParamLength: 2048 } });
  }

  /** Opens only once the sockets follow the log, so that no event is missed. */
  async onApplicationBootstrap(): Promise<void> {
    await this.sockets.start();
    const server = this.#server;
    // Bodies are the owning service's to parse: here they are bytes.
    server.removeAllContentTypeParsers();
    server.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body));
    server.addHook('onRequest', (request, _reply, done) => withTrace(continueTrace(request.headers.traceparent), done));
    server.addHook('onRequest', (request, _reply, done) =>
      done(isOriginForm(request.raw.url ?? '') ? undefined : new ProblemError('invalid_request', 'Ask for a path, such as /v1/calls')),
    );
    const allowed = originsIn(this.settings.ALLOWED_ORIGINS);
    server.addHook('onRequest', (request, reply, done) => {
      if (answerOrigin(request.raw, reply.raw, allowed)) reply.hijack();
      else done();
    });
    server.setErrorHandler((error, _request, reply) => this.#sendProblem(reply, error));
    server.setNotFoundHandler((request, reply) => this.#notFound(request, reply));
    server.get('/health', async () => ({ status: 'ok' }));
    server.get('/v1/presence/stream', (request, reply) => this.#stream(request, reply));
    server.all('/v1/*', (request, reply) => this.#forward(request, reply));
    if (this.settings.CONSOLE_FOLDER) await server.register(fastifyStatic, { root: this.settings.CONSOLE_FOLDER });
    server.server.on('upgrade', (request, socket, head) => this.sockets.upgrade(request, socket, head));
    await server.listen({ port: this.settings.PUBLIC_PORT, host: this.settings.PUBLIC_HOST });
  }

  async beforeApplicationShutdown(): Promise<void> {
    await this.sockets.stop();
    await this.streamer.close();
    await this.#server.close();
    await this.forwarder.close();
  }

  async #forward(request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    const subject = await this.#subjectOf(request.headers.authorization);
    const answer = await this.forwarder.forward(
      {
        method: request.method,
        path: request.url,
        contentType: request.headers['content-type'],
        idempotencyKey: request.headers['idempotency-key']?.toString(),
        body: request.body as Buffer | undefined,
      },
      subject,
    );
    return reply.status(answer.status).type(answer.contentType).send(answer.body);
  }

  async #stream(request: FastifyRequest, reply: FastifyReply): Promise<void> {
    const { authorization } = request.headers;
    const subject = await this.#subjectOf(authorization);
    const asked = { path: request.url, lastEventId: request.headers['last-event-id']?.toString() };
    const revoked = new AbortController();
    // A stream lasts longer than a request: a key that is revoked meanwhile ends it.
    const checking = setInterval(() => {
      this.#subjectOf(authorization).catch((error: unknown) => {
        if (error instanceof ProblemError && error.code === 'unauthenticated') revoked.abort();
      });
    }, this.settings.STREAM_CHECK_MS);
    const takeOver = () => {
      reply.hijack();
      return reply.raw;
    };
    await this.streamer.stream('presence', { ...asked, revoked: revoked.signal }, subject, takeOver).finally(() => clearInterval(checking));
  }

  async #subjectOf(authorization: string | undefined): Promise<Subject> {
    if (!authorization) return { kind: 'nobody' };
    if (!authorization.startsWith('Bearer '))
      throw new ProblemError('unauthenticated', 'Send Authorization: Bearer <API key or user token>');
    return this.authenticator.whose(authorization.slice(7));
  }

  /** A path without a file is a page of the console: it shows it by itself. */
  async #notFound(request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    const isPage = request.method === 'GET' && !request.url.startsWith('/v1') && !/\.[a-z0-9]+$/.test(request.url.split('?')[0] ?? '');
    if (isPage && this.settings.CONSOLE_FOLDER) return reply.sendFile('index.html', join(this.settings.CONSOLE_FOLDER));
    return this.#sendProblem(reply, new ProblemError('not_found', `Nothing is at ${request.url.split('?')[0]}`));
  }

  #sendProblem(reply: FastifyReply, error: unknown): FastifyReply {
    const problem = toProblemError(error);
    if (problem.code === 'internal_error') this.logger.error({ err: error }, 'a request failed at the door');
    const body = problem.toProblem();
    return reply.status(body.status).type('application/problem+json').send(body);
  }
}

function toProblemError(error: unknown): ProblemError {
  if (error instanceof ProblemError) return error;
  const status = error instanceof Error && 'statusCode' in error ? error.statusCode : undefined;
  if (status === 413) return new ProblemError('payload_too_large', `Send at most ${maxBodyBytes} bytes`);
  if (typeof status === 'number' && status < 500)
    return new ProblemError('invalid_request', error instanceof Error ? error.message : undefined);
  return new ProblemError('internal_error');
}
