import type { IncomingMessage } from 'node:http';
import type { Server, Socket } from 'node:net';
import { Counter } from 'prom-client';
import { ProblemError } from '../problem-error.js';
import { AddressCounts, type ClientPlace } from './address-counts.js';
import { TrustedProxies } from './client-address.js';
import type { ClientSettings } from './client-settings.js';
import { readProxyHeader, type Source } from './proxy-header.js';

/** A proxy says at once for whom it connects. */
const headerMs = 5000;
/** How long a refused client may take to read why. */
const lingerMs = 1000;
/** So many may at a time; more are cut off. */
const mostLingering = 256;

const refused = new Counter({
  name: 'refused_connections_total',
  help: 'Connections that were refused: address_full and address_signed_in_full, for the connections of their address; proxy_header, for a trusted proxy that did not say for whom it asks',
  labelNames: ['why'],
});

interface Client {
  source: Source;
  /** Undefined for a trusted proxy's own connection: many clients may ask over it. */
  place: ClientPlace | undefined;
}

type Asking = Pick<IncomingMessage, 'socket' | 'headers'>;

export interface ClientConnectionsOptions {
  /** Tells a client of an address with too many connections so, in the door's own protocol; it is cut off soon. */
  refuse: (socket: Socket) => void;
}

/** Knows the client of each connection of a door, and lets no address have more of them than it may. */
export class ClientConnections {
  readonly #proxies: TrustedProxies;
  readonly #counts: AddressCounts;
  readonly #hasHeaders: boolean;
  readonly #refuse: (socket: Socket) => void;
  readonly #clients = new WeakMap<object, Client>();
  #lingering = 0;

  /** @throws Error where PROXY_PROTOCOL is on and nobody is trusted to speak it. */
  constructor(settings: ClientSettings, { refuse }: ClientConnectionsOptions) {
    if (settings.PROXY_PROTOCOL && settings.TRUSTED_PROXIES.length === 0)
      throw new Error('PROXY_PROTOCOL: name in TRUSTED_PROXIES who speaks it, or anybody could say to be anybody');
    this.#proxies = new TrustedProxies(settings.TRUSTED_PROXIES);
    this.#hasHeaders = settings.PROXY_PROTOCOL;
    this.#counts = new AddressCounts({ unauthenticated: settings.CONNECTIONS_PER_ADDRESS, signedIn: settings.SIGNED_IN_PER_ADDRESS });
    this.#refuse = refuse;
  }

  /** Stands before a server from now on: each of its connections is known, and counted, before the server has it. */
  guard(server: Server): void {
    const listeners = server.listeners('connection') as ((this: Server, socket: Socket) => void)[];
    server.removeAllListeners('connection');
    server.on('connection', (socket: Socket) => {
      this.#receive(socket, () => {
        for (const listener of listeners) listener.call(server, socket);
      });
    });
  }

  /** @returns where a connection comes from: what a trusted proxy said before it, or else its other end. */
  sourceOf(socket: Socket): Source {
    return this.#clients.get(socket)?.source ?? otherEndOf(socket);
  }

  /** @returns the address of whoever asks. */
  addressOf({ socket, headers }: Asking): string {
    return this.#proxies.clientOf(this.sourceOf(socket).address, headers['x-forwarded-for']);
  }

  /** @returns the place of a connection among those of its address; undefined for a trusted proxy's own, which is not counted. */
  ownPlaceOf(socket: Socket): ClientPlace | undefined {
    return this.#clients.get(socket)?.place;
  }

  /**
   * @returns the place of whoever asks for a socket of its own: that of its connection, or, over a proxy's, one for the client behind it,
   * which ends with the connection.
   * @throws ProblemError `rate_limited` where that client has as many as it may.
   */
  placeOf(request: Asking): ClientPlace {
    const { socket } = request;
    const client = this.#clients.get(socket) ?? { source: otherEndOf(socket), place: undefined };
    client.place ??= this.#take(this.addressOf(request), socket);
    if (!client.place) throw tooMany();
    this.#clients.set(socket, client);
    return client.place;
  }

  /**
   * Notes that whoever asks has signed in. What comes over a proxy's connection is not counted: a request is no connection.
   * @throws ProblemError `rate_limited` where its address has as many such connections as it may.
   */
  signedIn({ socket }: Pick<Asking, 'socket'>): void {
    const place = this.ownPlaceOf(socket);
    if (place) requireSignIn(place);
  }

  #receive(socket: Socket, pass: () => void): void {
    const source = otherEndOf(socket);
    const isProxy = this.#proxies.includes(source.address);
    if (!isProxy) return this.#letIn(socket, source, pass);
    if (this.#hasHeaders) return this.#afterHeader(socket, pass);
    this.#clients.set(socket, { source, place: undefined });
    pass();
  }

  #letIn(socket: Socket, source: Source, pass: () => void): void {
    const place = this.#take(source.address, socket);
    if (!place) return this.#turnAway(socket);
    this.#clients.set(socket, { source, place });
    pass();
  }

  #take(address: string, socket: Socket): ClientPlace | undefined {
    const place = this.#counts.take(address);
    if (!place) refused.inc({ why: 'address_full' });
    else if (socket.destroyed) place.end();
    else socket.once('close', () => place.end());
    return place;
  }

  /** Reads for whom a trusted proxy connects; what follows is the server's to read. */
  #afterHeader(socket: Socket, pass: () => void): void {
    let came: Buffer = Buffer.alloc(0);
    const end = () => {
      clearTimeout(timer);
      socket.off('readable', take).off('close', end);
    };
    const turnAway = () => {
      end();
      refused.inc({ why: 'proxy_header' });
      socket.destroy();
    };
    const take = () => {
      for (let chunk = socket.read() as Buffer | null; chunk; chunk = socket.read() as Buffer | null) came = Buffer.concat([came, chunk]);
      const header = readProxyHeader(came);
      if (header === 'more') return;
      if (header === 'wrong') return turnAway();
      end();
      const { bytes, source } = header;
      if (came.length > bytes) socket.unshift(came.subarray(bytes));
      // Once nobody waits for bytes here any more, who comes next may ask for them in its own way.
      setImmediate(() => {
        if (socket.destroyed) return;
        if (source && !this.#proxies.includes(source.address)) return this.#letIn(socket, source, pass);
        this.#clients.set(socket, { source: source ?? otherEndOf(socket), place: undefined });
        pass();
      });
    };
    const timer = setTimeout(turnAway, headerMs);
    // A close follows every error, and is all there is to know.
    socket.on('error', ignore).on('readable', take).on('close', end);
  }

  #turnAway(socket: Socket): void {
    socket.on('error', () => socket.destroy());
    if (this.#lingering >= mostLingering) return void socket.destroy();
    this.#lingering += 1;
    const timer = setTimeout(() => socket.destroy(), lingerMs);
    socket.once('close', () => {
      clearTimeout(timer);
      this.#lingering -= 1;
    });
    this.#refuse(socket);
  }
}

/** @throws ProblemError `rate_limited` where its address has as many connections that have signed in as it may. */
export function requireSignIn(place: ClientPlace): void {
  if (place.signIn()) return;
  refused.inc({ why: 'address_signed_in_full' });
  throw tooMany();
}

/** @returns what a client is told whose address has as many connections as it may. */
export function tooMany(): ProblemError {
  return new ProblemError('rate_limited', 'Your address has as many connections here as it may: close some, or wait');
}

function ignore(): void {}

function otherEndOf(socket: Socket): Source {
  return { address: socket.remoteAddress ?? '', port: socket.remotePort ?? 0 };
}
