import { createSocket, type Socket as UdpSocket } from 'node:dgram';
import { createServer, connect as dial, type Server, type Socket } from 'node:net';
import type { Peer } from '../messages/sip-message.js';
import { TcpFraming } from './tcp-framing.js';

export interface SipTransportOptions {
  host: string;
  port: number;
  maxConnections: number;
  onMessage: (bytes: Buffer, peer: Peer) => void;
  onError: (error: unknown, doing: string) => void;
}

const connectTimeoutMs = 3000;
const idleMs = 900_000;
/** What a peer may leave unread before it is cut off. */
const maxUnsentBytes = 262_144;

/** Speaks SIP over UDP and TCP at one port. */
export class SipTransport {
  readonly #options: SipTransportOptions;
  readonly #udp: UdpSocket = createSocket('udp4');
  readonly #tcp: Server;
  readonly #connections = new Map<string, Socket>();

  constructor(options: SipTransportOptions) {
    this.#options = options;
    this.#udp.on('message', (data, { address, port }) => this.#take(data, { transport: 'udp', host: address, port }));
    this.#udp.on('error', (error) => options.onError(error, 'speaking SIP over UDP'));
    this.#tcp = createServer((socket) =>
      this.#keep(socket, { transport: 'tcp', host: socket.remoteAddress ?? '', port: socket.remotePort ?? 0 }),
    );
    this.#tcp.maxConnections = options.maxConnections;
    this.#tcp.on('error', (error) => options.onError(error, 'speaking SIP over TCP'));
  }

  /** @throws when the port is taken. */
  async open(): Promise<void> {
    const { host, port } = this.#options;
    await new Promise<void>((resolve, reject) => {
      this.#udp.once('error', reject);
      this.#udp.bind(port, host, resolve);
    });
    await new Promise<void>((resolve, reject) => {
      this.#tcp.once('error', reject);
      this.#tcp.listen(port, host, resolve);
    });
  }

  async close(): Promise<void> {
    for (const socket of this.#connections.values()) socket.destroy();
    await new Promise<void>((resolve) => this.#tcp.close(() => resolve()));
    await new Promise<void>((resolve) => this.#udp.close(() => resolve()));
  }

  /** Sends a message; over TCP on the connection there is, or a new one. A peer that cannot be reached gives no answer, and that tells. */
  send(text: string, peer: Peer): void {
    try {
      this.#send(text, peer);
    } catch (error) {
      this.#options.onError(error, 'sending a SIP message');
    }
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
    const socket = this.#connections.get(nameOf(peer)) ?? this.#connect(peer);
    if (socket.writableLength > maxUnsentBytes) socket.destroy();
    else socket.write(text);
  }

  #connect(peer: Peer): Socket {
    const socket = dial({ host: peer.host, port: peer.port, timeout: connectTimeoutMs });
    this.#keep(socket, peer);
    return socket;
  }

  #keep(socket: Socket, peer: Peer): void {
    const name = nameOf(peer);
    const framing = new TcpFraming();
    this.#connections.set(name, socket);
    socket.once('connect', () => socket.setTimeout(idleMs));
    if (!socket.connecting) socket.setTimeout(idleMs);
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
      if (this.#connections.get(name) === socket) this.#connections.delete(name);
    });
  }
}

function nameOf({ host, port }: Peer): string {
  return `${host}:${port}`;
}
