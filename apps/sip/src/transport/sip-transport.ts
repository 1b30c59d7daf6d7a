import { createSocket, type Socket as UdpSocket } from 'node:dgram';
import { createServer, connect as dial, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer, type Server as TlsServer } from 'node:tls';
import { ClientConnections, type ClientPlace, type ClientSettings, countedAs } from '@communication-center/service';
import type { Peer } from '../messages/sip-message.js';
import { TcpFraming } from './tcp-framing.js';
import { RenewedCertificate, readPair, type TlsDoor } from './tls-files.js';

export interface SipTransportOptions {
  host: string;
  port: number;
  /** Where it is spoken over TLS, too. */
  tls?: TlsDoor | undefined;
  maxConnections: number;
  /** How long a peer that has not signed in may say nothing. */
  idleBeforeSignInMs?: number;
  clients: ClientSettings;
  onMessage: (bytes: Buffer, peer: Peer) => void;
  /** @returns the answer to a request over a connection that is one too many of its address. */
  onTooMany: (bytes: Buffer, peer: Peer) => string | undefined;
  onError: (error: unknown, doing: string) => void;
}

const connectTimeoutMs = 3000;
const handshakeTimeoutMs = 10_000;
const idleMs = 900_000;
/** A phone says at once what it wants, and who it is in the next message. */
const idleBeforeSignInMs = 32_000;
/** What a peer may leave unread before it is cut off. */
const maxUnsentBytes = 262_144;

interface Connection {
  socket: Socket;
  /** Among those of its address; undefined for one that was made from here, or by a trusted proxy for itself. */
  place: ClientPlace | undefined;
}

/** Speaks SIP over UDP and TCP at one port, and over TLS at another. */
export class SipTransport {
  readonly #options: SipTransportOptions;
  readonly #udp: UdpSocket = createSocket('udp4');
  readonly #tcp: Server;
  readonly #tls: TlsServer | undefined;
  readonly #clients: ClientConnections;
  readonly #connections = new Map<string, Connection>();
  /** What TLS is spoken over: who is at its other end is known of it. */
  readonly #beneath = new Map<string, Socket>();
  #renewed: RenewedCertificate | undefined;

  constructor(options: SipTransportOptions) {
    this.#options = options;
    this.#clients = new ClientConnections(options.clients, { refuse: (socket) => this.#refuse(socket) });
    this.#udp.on('message', (data, { address, port }) => this.#take(data, { transport: 'udp', host: address, port }));
    this.#udp.on('error', (error) => options.onError(error, 'speaking SIP over UDP'));
    this.#tcp = this.#guarded(createServer((socket) => this.#accept(socket, 'tcp', socket)));
    this.#tls = options.tls && this.#overTls(options.tls);
  }

  /** @throws when a port is taken. */
  async open(): Promise<void> {
    const { host, port, tls } = this.#options;
    await new Promise<void>((resolve, reject) => {
      this.#udp.once('error', reject);
      this.#udp.bind(port, host, resolve);
    });
    await listen(this.#tcp, port, host);
    if (!this.#tls || !tls) return;
    await listen(this.#tls, tls.port, host);
    this.#renewed = new RenewedCertificate(this.#tls, tls, this.#options.onError);
  }

  async close(): Promise<void> {
    this.#renewed?.stop();
    for (const { socket } of this.#connections.values()) socket.destroy();
    for (const socket of this.#beneath.values()) socket.destroy();
    const servers = [this.#tcp, ...(this.#tls ? [this.#tls] : [])];
    await Promise.all(servers.map((server) => new Promise<void>((resolve) => server.close(() => resolve()))));
    await new Promise<void>((resolve) => this.#udp.close(() => resolve()));
  }

  /**
   * Sends a message; over TCP on the connection there is, or a new one. A peer that cannot be reached gives no answer, and that tells;
   * so does one whose connection of TLS has ended, since a phone shows no certificate by which it could be called.
   */
  send(text: string, peer: Peer): void {
    try {
      this.#send(text, peer);
    } catch (error) {
      this.#options.onError(error, 'sending a SIP message');
    }
  }

  /** Notes that a peer has signed in. @returns whether its address may have one more such connection. */
  signIn(peer: Peer): boolean {
    const connection = this.#connections.get(nameOf(peer));
    if (connection?.place?.signIn() === false) return false;
    connection?.socket.setTimeout(idleMs);
    return true;
  }

  /** @returns the address of a peer, as it is counted; undefined for a trusted proxy that says for nobody whom it speaks for. */
  addressOf(peer: Peer): string | undefined {
    const connection = this.#connections.get(nameOf(peer));
    const address = connection ? connection.place?.address : peer.host;
    return address === undefined ? undefined : countedAs(address);
  }

  /** Whatever one message brings about ends with that message. Nobody can be answered at port 0. */
  #take(bytes: Buffer, peer: Peer): void {
    if (peer.port === 0) return;
    try {
      this.#options.onMessage(bytes, peer);
    } catch (error) {
      this.#options.onError(error, 'taking a SIP message');
    }
  }

  #send(text: string, peer: Peer): void {
    if (peer.transport === 'udp') return this.#udp.send(text, peer.port, peer.host, () => undefined);
    const socket = this.#connections.get(nameOf(peer))?.socket ?? this.#connect(peer);
    if (!socket) return;
    if (socket.writableLength > maxUnsentBytes) socket.destroy();
    else socket.write(text);
  }

  #overTls(door: TlsDoor): TlsServer {
    const server = createTlsServer({ ...readPair(door), handshakeTimeout: handshakeTimeoutMs });
    server.on('connection', (raw: Socket) => {
      const name = otherEndOf(raw);
      this.#beneath.set(name, raw);
      raw.once('close', () => this.#beneath.delete(name));
    });
    server.on('secureConnection', (socket) => {
      const raw = this.#beneath.get(otherEndOf(socket));
      if (raw) this.#accept(socket, 'tls', raw);
      else socket.destroy();
    });
    return this.#guarded(server);
  }

  #guarded<S extends Server>(server: S): S {
    server.maxConnections = this.#options.maxConnections;
    server.on('error', (error) => this.#options.onError(error, 'speaking SIP over TCP'));
    this.#clients.guard(server);
    return server;
  }

  /** @param raw the connection itself; with TLS, what that is spoken over. */
  #accept(socket: Socket, transport: 'tcp' | 'tls', raw: Socket): void {
    const { address, port } = this.#clients.sourceOf(raw);
    this.#keep({ socket, place: this.#clients.ownPlaceOf(raw) }, { transport, host: address, port });
    socket.setTimeout(this.#options.idleBeforeSignInMs ?? idleBeforeSignInMs);
  }

  /** Answers the first request of a connection that is one too many, and no other. With TLS nothing can be said before a handshake. */
  #refuse(socket: Socket): void {
    if (socket.localPort === this.#options.tls?.port) return void socket.destroy();
    const { address, port } = this.#clients.sourceOf(socket);
    const framing = new TcpFraming();
    socket.on('data', (chunk: Buffer) => {
      try {
        const [first] = framing.take(chunk);
        if (first) socket.end(this.#options.onTooMany(first, { transport: 'tcp', host: address, port }) ?? '');
      } catch {
        socket.destroy();
      }
    });
  }

  #connect(peer: Peer): Socket | undefined {
    if (peer.transport === 'tls') return undefined;
    const socket = dial({ host: peer.host, port: peer.port, timeout: connectTimeoutMs });
    socket.once('connect', () => socket.setTimeout(idleMs));
    this.#keep({ socket, place: undefined }, peer);
    return socket;
  }

  #keep(connection: Connection, peer: Peer): void {
    const name = nameOf(peer);
    const { socket } = connection;
    const framing = new TcpFraming();
    this.#connections.set(name, connection);
    socket.on('timeout', () => socket.destroy());
    socket.on('data', (chunk) => {
      try {
        for (const bytes of framing.take(chunk)) this.#take(bytes, peer);
      } catch {
        socket.destroy();
      }
    });
    // A close follows, and is all there is to know.
    socket.on('error', () => undefined);
    socket.once('close', () => {
      if (this.#connections.get(name) === connection) this.#connections.delete(name);
    });
  }
}

async function listen(server: Server, port: number, host: string): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, host, resolve);
  });
}

function nameOf({ transport, host, port }: Peer): string {
  return `${transport} ${host}:${port}`;
}

function otherEndOf({ remoteAddress, remotePort }: Socket): string {
  return `${remoteAddress}:${remotePort}`;
}
