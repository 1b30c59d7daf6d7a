import { type AddressInfo, createServer, connect as dial, type Server, type Socket } from 'node:net';

/** A way to a server whose answers come one byte at a time, each so many milliseconds after the one before. */
export class Trickle {
  /** In milliseconds; 0 lets answers through as they are. */
  everyMs = 0;
  connections = 0;
  readonly #open = new Set<Socket>();
  readonly #server: Server;

  private constructor(port: number) {
    this.#server = createServer((client) => this.#carry(client, dial(port, '127.0.0.1')));
  }

  static async to(port: number): Promise<Trickle> {
    const line = new Trickle(port);
    await new Promise<void>((resolve) => line.#server.listen(0, '127.0.0.1', resolve));
    return line;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  #carry(client: Socket, server: Socket): void {
    this.connections += 1;
    for (const [one, other] of [
      [client, server],
      [server, client],
    ] as const) {
      this.#open.add(one);
      one.on('error', () => undefined);
      one.once('close', () => {
        this.#open.delete(one);
        other.destroy();
      });
    }
    client.pipe(server);
    let told = Promise.resolve();
    server.on('data', (bytes: Buffer) => {
      told = told.then(() => this.#tell(client, bytes));
    });
  }

  async #tell(client: Socket, bytes: Buffer): Promise<void> {
    if (this.everyMs === 0) {
      client.write(bytes);
      return;
    }
    for (const byte of bytes) {
      if (client.destroyed) return;
      client.write(Buffer.of(byte));
      await new Promise((resolve) => setTimeout(resolve, this.everyMs));
    }
  }

  async close(): Promise<void> {
    for (const socket of this.#open) socket.destroy();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }
}
