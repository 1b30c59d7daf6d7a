import type { IncomingMessage } from 'node:http';
import type { AddressInfo, Socket } from 'node:net';
import { join } from 'node:path';
import type { Subject } from '@communication-center/contracts';
import {
  continueTrace,
  currentTraceId,
  headersWithin,
  Log,
  noteInTrace,
  ProblemError,
  problemOf,
  requireTarget,
  Settings,
  traceRequests,
  withTrace,
} from '@communication-center/service';
import { FairShare, type Share } from '@communication-center/service/fair-share';
import fastifyStatic from '@fastify/static';
import { type BeforeApplicationShutdown, Inject, Injectable, type OnApplicationBootstrap } from '@nestjs/common';
import fastify, { type FastifyInstance, type FastifyReply, type FastifyRequest } from 'fastify';
import type { Logger } from 'pino';
import { Authenticator, type From } from '../authenticator.js';
import { Clients } from '../clients.js';
import { kindOfRequest } from '../fair-share/act-kinds.js';
import { rateLimitHeaders } from '../fair-share/rate-limit-headers.js';
import { RefusedLately } from '../fair-share/refused-lately.js';
import { refuseUpgrade } from '../passed-sockets/refuse-upgrade.js';
import { SocketProxy } from '../passed-sockets/socket-proxy.js';
import type { GatewaySettings } from '../settings.js';
import { ConfirmedRings } from '../sockets/confirmed-rings.js';
import { SocketDoor } from '../sockets/socket-door.js';
import { AllowedOrigins, PageRefused } from './allowed-origins.js';
import { filesOf } from './console-files.js';
import { answerOrigin, takeBackOrigin } from './cross-origin.js';
import { HeldBack } from './held-back.js';
import { ReverseProxy } from './reverse-proxy.js';
import { ownerOf } from './routes.js';
import { SafeHeaders } from './safe-headers.js';

/** How long a stop waits for answers to requests in hand, in milliseconds; streams and transfers are told to end before. */
const drainMs = 3000;

/** The one address the world speaks to: REST, client sockets and the console. */
@Injectable()
export class PublicDoor implements OnApplicationBootstrap, BeforeApplicationShutdown {
  readonly #server: FastifyInstance;
  readonly #safe: SafeHeaders;
  readonly #inHand = new Set<Promise<void>>();
  readonly #refused = new RefusedLately();

  constructor(
    @Inject(Settings) private readonly settings: GatewaySettings,
    @Inject(Log) private readonly logger: Logger,
    private readonly authenticator: Authenticator,
    private readonly proxy: ReverseProxy,
    private readonly origins: AllowedOrigins,
    private readonly sockets: SocketDoor,
    private readonly passedSockets: SocketProxy,
    private readonly clients: Clients,
    private readonly shares: FairShare,
    private readonly heldBack: HeldBack,
    private readonly rings: ConfirmedRings,
  ) {
    this.#safe = new SafeHeaders(settings);
    this.#server = fastify({
      forceCloseConnections: true,
      http: headersWithin(settings.HEADERS_TIMEOUT_MS),
      routerOptions: { maxParamLength: 2048 },
      // A path that cannot be read is refused before any hook sees it.
      frameworkErrors: (error, _request, reply) => void this.#sendProblem(reply as FastifyReply, error),
    });
  }

  /** Opens only once the sockets follow the log, so that no event is missed. */
  async onApplicationBootstrap(): Promise<void> {
    await this.sockets.start();
    const server = this.#server;
    this.heldBack.guard(server.server);
    this.clients.guard(server.server);
    // Bodies are the owning service's to parse, and the proxy's to pass on: nobody reads them here.
    server.removeAllContentTypeParsers();
    server.addContentTypeParser('*', (_request, _body, done) => done(null));
    traceRequests(server, this.logger);
    server.addHook('onRequest', async ({ raw }, reply) => {
      this.#saySafe(raw, reply);
      requireTarget(raw.url ?? '');
    });
    server.addHook('onRequest', async (request, reply) => {
      if (request.headers.origin === undefined) return;
      if (answerOrigin(request.raw, reply.raw, await this.origins.mayAskAtAll(request.raw))) reply.hijack();
    });
    server.setErrorHandler((error, _request, reply) => this.#sendProblem(reply, error));
    server.setNotFoundHandler((request, reply) => this.#notFound(request, reply));
    server.get('/health', async () => ({ status: 'ok' }));
    server.all('/v1/*', (request, reply) => this.#inHandUntilAnswered(this.#pass(request, reply)));
    if (this.settings.CONSOLE_FOLDER) await server.register(fastifyStatic, filesOf(this.settings.CONSOLE_FOLDER));
    server.server.on('upgrade', (request, socket, head) =>
      withTrace(continueTrace(request.headers.traceparent), () => this.#upgrade(request, socket as Socket, head)),
    );
    // What names a host alone asks for a tunnel there (RFC 9112 §3.2.3): this door leads to nobody but its services.
    server.server.on('connect', (_request, socket) => {
      socket.on('error', () => socket.destroy());
      refuseUpgrade(socket, new ProblemError('invalid_request', 'Ask for a path, such as /v1/calls'));
    });
    await server.listen({ port: this.settings.PUBLIC_PORT, host: this.settings.PUBLIC_HOST });
  }

  /** Where it listens. */
  get port(): number {
    return (this.#server.server.address() as AddressInfo).port;
  }

  async beforeApplicationShutdown(): Promise<void> {
    this.passedSockets.stop();
    await this.sockets.stop();
    this.proxy.endLong();
    // Closing cuts every connection: sockets that clients leave open would hold it up otherwise.
    await Promise.race([Promise.allSettled(this.#inHand), new Promise((resolve) => setTimeout(resolve, drainMs).unref())]);
    await this.#server.close();
    await this.proxy.close();
  }

  /** The door's own sockets, and those of services. */
  #upgrade(request: IncomingMessage, socket: Socket, head: Buffer): void {
    const failed = (error: unknown) => {
      socket.on('error', () => socket.destroy());
      const problem = problemOf(error);
      if (problem !== error) this.logger.error({ err: error }, 'an upgrade failed at the door');
      refuseUpgrade(socket, problem);
    };
    try {
      const target = request.url ?? '';
      requireTarget(target);
      const owner = ownerOf(target);
      const door = owner?.kind === 'socket' ? this.passedSockets.upgrade(owner, request, socket, head) : undefined;
      (door ?? this.sockets.upgrade(request, socket, head)).catch(failed);
    } catch (error) {
      failed(error);
    }
  }

  async #inHandUntilAnswered(passing: Promise<void>): Promise<void> {
    this.#inHand.add(passing);
    try {
      await passing;
    } finally {
      this.#inHand.delete(passing);
    }
  }

  async #pass(request: FastifyRequest, reply: FastifyReply): Promise<void> {
    const owner = ownerOf(request.url);
    const { authorization } = request.headers;
    const credential = authorization === undefined ? undefined : credentialIn(authorization);
    // A stream lasts longer than a request: a key that is revoked meanwhile ends it.
    const from = { address: this.clients.countedAddressOf(request.raw) };
    const counted = kindOfRequest(request.method, owner?.path ?? '', owner?.kind ?? 'short');
    const asked = credential === undefined ? undefined : { kind: counted, credential, ...from };
    requireShare(asked && this.#refused.of(asked), reply);
    const held = credential && owner?.kind === 'stream' ? await this.authenticator.whoseLasting(credential, request.raw, from) : undefined;
    const subject = held?.subject ?? (await this.#subjectOf(credential, request, from));
    if (credential) this.clients.signedIn(request.raw);
    noteInTrace({ ...('appId' in subject && { appId: subject.appId }), callId: callIn(request.url) });
    const share = await this.shares.take(counted, { subject, ...from });
    if (asked && share.refused) this.#refused.note(asked, share);
    requireShare(share, reply);
    if (!owner) throw new ProblemError('not_found', `Nothing is at ${request.url.split('?')[0]}`);
    const { service, kind, path } = owner;
    if (kind === 'socket') throw new ProblemError('unsupported_protocol', 'A WebSocket is here: ask for an upgrade');
    const lasting = held && credential ? this.authenticator.whileGood(credential, request.raw, held) : undefined;
    const takeOver = () => {
      reply.hijack();
      return reply.raw;
    };
    try {
      await this.proxy.pass({ service, kind, path }, { request: request.raw, subject, revoked: lasting?.revoked }, takeOver);
      if (subject.kind === 'ring' && isRinging(request) && reply.raw.statusCode === 200)
        this.rings.confirm({ ...subject, through: 'push' });
    } finally {
      lasting?.end();
    }
  }

  async #subjectOf(credential: string | undefined, request: FastifyRequest, from: From): Promise<Subject> {
    return credential ? this.authenticator.whose(credential, { page: request.raw, from }) : { kind: 'nobody' };
  }

  /** Says what browsers may do with the answer, before anything is known of it: what answers may say more. */
  #saySafe({ url, headers }: IncomingMessage, reply: FastifyReply): void {
    const isPage = this.settings.CONSOLE_FOLDER !== undefined && !url?.startsWith('/v1/');
    const said = isPage ? this.#safe.ofPage(headers.host) : this.#safe.ofData();
    for (const [name, value] of Object.entries(said)) reply.raw.setHeader(name, value);
  }

  /** A path without a file is a page of the console: it shows it by itself. */
  async #notFound(request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
    const isPage = request.method === 'GET' && !request.url.startsWith('/v1') && !/\.[a-z0-9]+$/.test(request.url.split('?')[0] ?? '');
    if (isPage && this.settings.CONSOLE_FOLDER) return reply.sendFile('index.html', join(this.settings.CONSOLE_FOLDER));
    return this.#sendProblem(reply, new ProblemError('not_found', `Nothing is at ${request.url.split('?')[0]}`));
  }

  #sendProblem(reply: FastifyReply, error: unknown): FastifyReply {
    const problem = problemOf(error);
    // What is refused before any hook has said nothing yet.
    if (!reply.raw.hasHeader('x-content-type-options')) this.#saySafe(reply.request.raw, reply);
    if (problem instanceof PageRefused) takeBackOrigin(reply.raw);
    if (problem !== error && problem.cause) this.logger.error({ err: error }, 'a request failed at the door');
    const body = problem.toProblem(currentTraceId());
    noteInTrace({ problem: problem.code });
    // What is left of a body that was refused is not read: the connection ends with the answer.
    if (!reply.request.raw.complete) reply.header('connection', 'close');
    if (problem.retryAfterSeconds !== undefined) reply.header('retry-after', problem.retryAfterSeconds);
    if (body.status === 426) reply.header('upgrade', 'websocket');
    return reply.status(body.status).type('application/problem+json').send(body);
  }
}

/** Says how a request stands to its limits, whatever becomes of it. @throws ProblemError `rate_limited`. */
function requireShare(share: Share | undefined, reply: FastifyReply): void {
  if (!share) return;
  for (const [name, value] of Object.entries(rateLimitHeaders(share.standings))) reply.raw.setHeader(name, value);
  if (share.refused) throw share.refused;
}

/** @returns the call that a path is about, for the log. */
function callIn(url: string): string | undefined {
  return /^\/v1\/calls\/([0-9a-f-]{36})(?![^/?])/.exec(url)?.[1];
}

/** Whether a device says so that it rings: with a ring token that is taken on its own call alone. */
function isRinging({ method, url }: FastifyRequest): boolean {
  return method === 'POST' && /^\/v1\/calls\/[0-9a-f-]{36}\/ringing(?:\?|$)/.test(url);
}

function credentialIn(authorization: string): string {
  if (authorization.startsWith('Bearer ')) return authorization.slice(7);
  throw new ProblemError('unauthenticated', 'Send Authorization: Bearer <API key or user token>');
}
