import type { IncomingMessage, ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { Subject } from '@communication-center/contracts';
import type { ResourceKind } from '@communication-center/contracts/services';
import { currentTraceparent, Identity, ProblemError, placeOn, Settings } from '@communication-center/service';
import { Inject, Injectable } from '@nestjs/common';
import { Agent, type Dispatcher, request } from 'undici';
import { Services } from '../services.js';
import type { GatewaySettings } from '../settings.js';
import { passedBack, passedOn } from './passed-headers.js';
import { PassedMemory } from './passed-memory.js';
import { type BodyLimits, piecesOf, readWhole } from './request-body.js';
import type { Owner } from './routes.js';
import { Turns, whoseShare } from './turns.js';

/** How what is no socket is passed on. */
export type RequestKind = Exclude<ResourceKind, 'socket'>;

interface Limits extends BodyLimits {
  /** How long the service may take until it begins to answer. */
  answerMs: number;
  /** For so long nothing of an answer that has begun may come. */
  answerSilenceMs: number;
}

const shortBytes = 262_144;
/** A body as a whole, and each step of its answer. */
const shortMs = 15_000;

/** What the world asks, and in whose name. */
export interface AskedOfService {
  request: IncomingMessage;
  subject: Subject;
  /** Ends a stream: its reader may not read on. */
  revoked?: AbortSignal | undefined;
}

/**
 * Passes requests on to the services that own them, with a token that says in whose name, and their answers back: bytes as they
 * come, as fast as the other side takes them. Each kind of resource has limits and connections of its own, so that long transfers
 * hold up nobody's short requests.
 */
@Injectable()
export class ReverseProxy {
  readonly #limits: Record<RequestKind, Limits>;
  readonly #connections: Record<RequestKind, number>;
  readonly #agents: Record<RequestKind, Agent>;
  /** What goes on for longer than a stop waits. */
  readonly #long = new Set<AbortController>();
  readonly #turns: Turns;
  readonly #memory = new PassedMemory();

  constructor(
    private readonly services: Services,
    private readonly identity: Identity,
    @Inject(Settings)
    settings: Pick<GatewaySettings, 'MAX_TRANSFER_BYTES' | 'TRANSFER_SILENCE_MS' | 'MAX_TRANSFERS' | 'TRANSFERS_PER_APP'>,
  ) {
    const { MAX_TRANSFER_BYTES: most, TRANSFER_SILENCE_MS: silenceMs } = settings;
    this.#limits = {
      short: { most: shortBytes, silenceMs: shortMs, answerMs: shortMs, answerSilenceMs: shortMs },
      // It may be silent for a while; its own heartbeats show that it lives.
      stream: { most: 0, silenceMs: 15_000, answerMs: 5000, answerSilenceMs: 60_000 },
      transfer: { most, silenceMs, answerMs: silenceMs, answerSilenceMs: silenceMs },
    };
    this.#turns = new Turns(settings.MAX_TRANSFERS, settings.TRANSFERS_PER_APP, silenceMs);
    this.#connections = { short: 128, stream: 2000, transfer: settings.MAX_TRANSFERS };
    this.#agents = { short: this.#agentFor('short'), stream: this.#agentFor('stream'), transfer: this.#agentFor('transfer') };
  }

  /**
   * @param takeOver gives the response to write to; called once the service has begun to answer.
   * @throws ProblemError `payload_too_large`, `invalid_request` for a body that breaks off, `service_unavailable` when its owner
   * does not answer, and for a transfer that cannot wait for its turn, or `rate_limited`; then nothing was written.
   */
  async pass(owner: Owner<RequestKind>, asked: AskedOfService, takeOver: () => ServerResponse): Promise<void> {
    const over = new AbortController();
    const isLong = owner.kind !== 'short';
    if (isLong) this.#long.add(over);
    const end = () => over.abort();
    asked.revoked?.addEventListener('abort', end);
    if (isLong) asked.request.socket.once('close', end);
    let leave: (() => void) | undefined;
    try {
      if (owner.kind === 'transfer') leave = await this.#turns.take(whoseShare(asked.subject), over.signal);
      const answer = await this.#ask(owner, asked, over.signal);
      await this.#answer(owner.kind, answer, takeOver(), over);
    } finally {
      leave?.();
      asked.request.socket.off('close', end);
      this.#long.delete(over);
    }
  }

  async #answer(kind: RequestKind, answer: Dispatcher.ResponseData, response: ServerResponse, over: AbortController): Promise<void> {
    // A command goes on without its asker; what is long ends with its reader.
    if (kind !== 'short') response.once('close', () => over.abort());
    // Who takes nothing of an answer must not keep its connection: the service's own silence is not seen while nobody reads.
    response.setTimeout(this.#limits[kind].answerSilenceMs, () => response.destroy());
    try {
      response.writeHead(answer.statusCode, {
        ...passedBack(answer.headers),
        ...(kind === 'stream' && { 'cache-control': 'no-store', 'x-accel-buffering': 'no' }),
      });
      if (kind !== 'short') response.flushHeaders();
      await pipeline(kind === 'transfer' ? this.#memory.counted(answer.body) : answer.body, response);
    } catch {
      // Either side's going is how it ends before its time: there is nobody left to tell.
      response.destroy();
    }
  }

  /** Ends what goes on and on: its reader comes back, to another gateway. */
  endLong(): void {
    for (const over of this.#long) over.abort();
  }

  /** Lets what is short come to its end. */
  async close(): Promise<void> {
    this.endLong();
    await Promise.all([this.#agents.short.close(), this.#agents.stream.destroy(), this.#agents.transfer.destroy()]);
  }

  #agentFor(kind: RequestKind): Agent {
    const { answerMs, answerSilenceMs } = this.#limits[kind];
    return new Agent({
      connections: this.#connections[kind],
      keepAliveTimeout: 30_000,
      connect: { timeout: 2000 },
      headersTimeout: answerMs,
      bodyTimeout: answerSilenceMs,
    });
  }

  async #ask(owner: Owner<RequestKind>, asked: AskedOfService, signal: AbortSignal): Promise<Dispatcher.ResponseData> {
    const replicas = this.services.replicasOf(owner.service);
    const limits = this.#limits[owner.kind];
    const { request: incoming } = asked;
    const length = incoming.headers['content-length'];
    if (Number(length ?? 0) > limits.most) throw new ProblemError('payload_too_large', `Send at most ${limits.most} bytes`);
    const whole = owner.kind === 'transfer' ? undefined : await readWhole(incoming, { ...limits, wholeMs: limits.silenceMs });
    const traceparent = currentTraceparent();
    const headers = {
      ...passedOn(incoming.headers),
      authorization: `Bearer ${await this.identity.sign(owner.service, asked.subject)}`,
      // What the world misspells it is told of; see libs/service, zod-input.ts.
      prefer: 'handling=strict',
      ...(traceparent && { traceparent }),
      ...(length && whole === undefined && { 'content-length': length }),
    };
    let refused: unknown;
    const memory = this.#memory;
    const pieces = async function* () {
      try {
        yield* memory.counted(piecesOf(incoming, limits));
      } catch (error) {
        refused = error;
        throw error;
      }
    };
    try {
      return await replicas.reach((url) =>
        request(placeOn(url, owner.path), {
          method: incoming.method as Dispatcher.HttpMethod,
          dispatcher: this.#agents[owner.kind],
          headers,
          body: whole === undefined ? Readable.from(pieces()) : whole,
          signal: owner.kind === 'short' ? AbortSignal.timeout(limits.answerMs) : signal,
        }),
      );
    } catch (cause) {
      if (refused instanceof ProblemError) throw refused;
      throw new ProblemError('service_unavailable', `The ${owner.service} service does not answer`, { cause });
    }
  }
}
