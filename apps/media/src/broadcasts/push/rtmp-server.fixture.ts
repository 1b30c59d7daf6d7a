import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import { type AmfValue, readAmf, writeAmf } from './amf.js';
import { ChunkReader, type RtmpMessage, writeChunks } from './rtmp-chunks.js';

const handshakeBytes = 1536;

/** How a stand-in behaves. */
export interface Behaviour {
  /** Takes so long, in milliseconds, over each part of what it says. */
  pieces?: { bytes: number; everyMs: number };
  /** After this it says nothing any more, and reads nothing. */
  hangsAfter?: 'handshake' | 'connect' | 'publish';
  /** Says this once it is published to, and again and again as fast as it can where that is said. */
  says?: { bytes: Buffer; forEver?: boolean };
}

/** A server that is published to by RTMP, over TCP or TLS: it takes whatever app and key, and keeps what it is sent. */
export class RtmpServer {
  readonly #server: Server;
  readonly sockets = new Set<Socket>();
  /** What came, in its order. */
  readonly messages: RtmpMessage[] = [];
  readonly commands: unknown[][] = [];

  /** @param tls its certificate, in PEM; over TCP where left out. */
  constructor(
    private readonly behaviour: Behaviour = {},
    tls?: { cert: string; key: string },
  ) {
    const onSocket = (socket: Socket) => {
      this.sockets.add(socket);
      socket.on('error', () => undefined);
      void this.#serve(socket).catch(() => undefined);
    };
    this.#server = tls ? createTlsServer({ cert: tls.cert, key: tls.key }, onSocket) : createServer(onSocket);
    this.#server.on('tlsClientError', () => undefined);
  }

  /** @returns its port, on loopback. */
  async listen(): Promise<number> {
    this.#server.listen(0, '127.0.0.1');
    await once(this.#server, 'listening');
    return (this.#server.address() as { port: number }).port;
  }

  close(): void {
    for (const socket of this.sockets) socket.destroy();
    this.#server.close();
  }

  async #serve(socket: Socket): Promise<void> {
    const { hangsAfter, says } = this.behaviour;
    await this.#shakeHands(socket);
    if (hangsAfter === 'handshake') return void socket.pause();
    const reader = new ChunkReader();
    socket.on('data', (bytes: Buffer) => {
      for (const message of reader.take(bytes)) {
        this.messages.push(message);
        if (message.type !== 20) continue;
        const [command, transaction, ...values] = readAmf(message.bytes);
        this.commands.push([command, ...values]);
        const result = (about: AmfValue) => this.#say(socket, writeAmf('_result', Number(transaction), null, about));
        if (command === 'connect') {
          if (hangsAfter === 'connect') return void socket.pause();
          result({ level: 'status', code: 'NetConnection.Connect.Success', capabilities: [1, { mode: 1 }] });
        }
        if (command === 'createStream') result(1);
        if (command === 'publish') {
          this.#say(socket, writeAmf('onStatus', 0, null, { level: 'status', code: 'NetStream.Publish.Start' }));
          if (hangsAfter === 'publish') socket.pause();
          if (says) void this.#sayMore(socket, says);
        }
      }
    });
  }

  async #shakeHands(socket: Socket): Promise<void> {
    const pieces = this.behaviour.pieces ?? { bytes: 5000, everyMs: 0 };
    const own = Buffer.concat([Buffer.from([3]), Buffer.alloc(handshakeBytes, 7)]);
    let held = Buffer.alloc(0);
    for await (const bytes of socket.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
      held = Buffer.concat([held, bytes]);
      if (held.length >= 1 + handshakeBytes) break;
    }
    const said = Buffer.concat([own, held.subarray(1, 1 + handshakeBytes)]);
    for (let at = 0; at < said.length; at += pieces.bytes) {
      socket.write(said.subarray(at, at + pieces.bytes));
      if (pieces.everyMs > 0) await new Promise((resolve) => setTimeout(resolve, pieces.everyMs));
    }
    let lacking = handshakeBytes - (held.length - 1 - handshakeBytes);
    while (lacking > 0) {
      const bytes = socket.read(Math.min(lacking, socket.readableLength)) as Buffer | null;
      if (bytes) lacking -= bytes.length;
      else await once(socket, 'readable');
    }
    socket.removeAllListeners('readable');
  }

  #say(socket: Socket, bytes: Buffer): void {
    socket.write(writeChunks({ type: 20, stream: 0, at: 0, bytes }, 3, 128));
  }

  async #sayMore(socket: Socket, { bytes, forEver }: { bytes: Buffer; forEver?: boolean }): Promise<void> {
    do {
      if (!socket.write(bytes)) await once(socket, 'drain');
    } while (forEver && !socket.destroyed);
  }
}
