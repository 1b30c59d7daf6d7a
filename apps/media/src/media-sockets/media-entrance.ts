import { createServer, type IncomingMessage, type Server } from 'node:http';
import { mediaSubprotocol } from '@communication-center/contracts';
import {
  ClientConnections,
  type ClientPlace,
  headersWithin,
  limitBeforeSignIn,
  ProblemError,
  type ReportError,
  refuseOverHttp,
} from '@communication-center/service';
import { type WebSocket, WebSocketServer } from 'ws';
import type { MediaSettings } from '../settings.js';

/** Frames over the limit are still read, of who has joined, so that they can be refused by name. */
const mostReadBytes = 262_144;

interface EntranceOptions {
  /** Whether no more sockets are taken. */
  isFull: () => boolean;
  /** A socket comes, of an address that may have it. @returns what knows, later, whether it was let in. */
  open: (socket: WebSocket, place: ClientPlace) => { readonly grant: unknown };
  report: ReportError;
}

/** Where media sockets come in: connections of addresses that may have so many, headers in time, and the right subprotocol. */
export class MediaEntrance {
  readonly #http: Server;
  readonly #clients: ClientConnections;

  constructor(
    private readonly settings: MediaSettings,
    private readonly options: EntranceOptions,
  ) {
    this.#http = createServer(headersWithin(settings.HEADERS_TIMEOUT_MS), (_request, response) =>
      response
        .writeHead(426, { 'content-type': 'text/plain', 'x-content-type-options': 'nosniff', 'cache-control': 'no-store' })
        .end('This is a WebSocket door\n'),
    );
    this.#clients = new ClientConnections(settings, { refuse: refuseOverHttp });
    this.#clients.guard(this.#http);
    const sockets = new WebSocketServer({
      server: this.#http,
      maxPayload: mostReadBytes,
      perMessageDeflate: false,
      handleProtocols: (offered) => (offered.has(mediaSubprotocol) ? mediaSubprotocol : false),
    });
    sockets.on('connection', (socket, request) => {
      try {
        const opened = this.#letIn(socket, request);
        limitBeforeSignIn(request.socket, () => opened?.grant !== undefined);
      } catch (error) {
        options.report(error, 'letting a media socket in');
        socket.terminate();
      }
    });
  }

  /** @throws Error where its port cannot be had. */
  async open(): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.#http.once('error', reject);
      this.#http.listen(this.settings.PUBLIC_PORT, this.settings.PUBLIC_HOST, resolve);
    });
  }

  /** Nobody new comes in. */
  close(): void {
    this.#http.close();
  }

  /** Whoever is still there is cut off. */
  leave(): void {
    this.#http.closeAllConnections();
  }

  #letIn(socket: WebSocket, request: IncomingMessage): { readonly grant: unknown } | undefined {
    const isFull = this.options.isFull();
    const place = this.#placeOf(request);
    if (socket.protocol === mediaSubprotocol && !isFull && place) return this.options.open(socket, place);
    // A listener, since without one the error of a frame that comes all the same would be the process's.
    socket.on('error', () => undefined);
    if (isFull) socket.close(1013, 'this media door takes no more sockets');
    else if (!place) socket.close(1013, 'your address has as many sockets here as it may');
    else socket.close(1002, `offer the subprotocol ${mediaSubprotocol}`);
    return undefined;
  }

  /** @returns undefined where its address has as many as it may. */
  #placeOf(request: IncomingMessage): ClientPlace | undefined {
    try {
      return this.#clients.placeOf(request);
    } catch (error) {
      if (error instanceof ProblemError) return undefined;
      throw error;
    }
  }
}
