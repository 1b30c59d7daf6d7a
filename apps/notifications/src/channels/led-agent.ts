import { AsyncLocalStorage } from 'node:async_hooks';
import type { ClientRequest, IncomingMessage } from 'node:http';
import { Agent, type AgentOptions } from 'node:https';
import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { createSecureContext } from 'node:tls';

/** What becomes known of one push while a library is at it. */
export interface Watched {
  /** The host whose requests are the push itself, rather than what it needs. */
  host: string;
  /** Gets the answer to the first request of the push. */
  onAnswer: (status: number, retryAfter: string | undefined) => void;
  hasBegun?: boolean;
}

export interface LedAgentOptions extends AgentOptions {
  /** Connects here, whatever host is asked for; the certificate is still that host's. */
  place?: { host: string; port: number };
}

/** Node calls this for each request; its types leave it out. */
interface AddsRequests {
  addRequest(request: ClientRequest, options: { host?: string; hostname?: string }): void;
}
const base = Agent.prototype as unknown as AddsRequests;

/** A connection that nobody needs is kept so long, in milliseconds: a crowd needs hundreds, and each costs a handshake. */
const keptForMs = 30_000;

/**
 * The connections of a library that tries again by itself, without end or past every deadline: of a push it watches, it lets one
 * request through, tells its answer, and ends each further one. Who watches decides whether there is another try.
 */
export class LedAgent extends Agent {
  readonly #watched = new AsyncLocalStorage<Watched>();

  /** What is trusted is read once: among Node's own options it would be part of the name by which a connection is looked up, for each request anew. */
  constructor({ place, ca, ...options }: LedAgentOptions) {
    // As many are kept as there may be: Node would close those beyond 256 as soon as they are free, and open them again.
    super({ keepAlive: true, ...(options.maxSockets !== undefined && { maxFreeSockets: options.maxSockets }), ...options });
    if (!place && !ca) return;
    const connect = this.createConnection.bind(this);
    const led = { ...(place && { host: place.host, port: place.port }), ...(ca && { secureContext: createSecureContext({ ca }) }) };
    this.createConnection = (asked, done) => connect({ ...asked, ...led, servername: asked.servername ?? asked.host ?? '' }, done);
  }

  /** Runs a library's work on one push. */
  watch<T>(watched: Watched, work: () => Promise<T>): Promise<T> {
    return this.#watched.run(watched, work);
  }

  /** Called by Node for each connection that is free; one that is free for too long it closes. */
  override keepSocketAlive(socket: Duplex): boolean {
    // Node's types leave out that it says whether to keep it, and that the socket may be given less by the server.
    const isKept = super.keepSocketAlive(socket) as unknown as boolean;
    if (socket instanceof Socket && !(socket.timeout && socket.timeout < keptForMs)) socket.setTimeout(keptForMs);
    return isKept;
  }

  addRequest(request: ClientRequest, options: { host?: string; hostname?: string }): void {
    const watched = this.#watched.getStore();
    if (watched && (options.host ?? options.hostname) === watched.host) {
      if (watched.hasBegun) {
        request.destroy(Object.assign(new Error('the push is tried again elsewhere, if at all'), { code: 'EABORTED' }));
        return;
      }
      watched.hasBegun = true;
      request.once('response', ({ statusCode = 0, headers }: IncomingMessage) => watched.onAnswer(statusCode, headers['retry-after']));
    }
    base.addRequest.call(this, request, options);
  }
}
