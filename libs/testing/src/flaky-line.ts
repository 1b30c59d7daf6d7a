import type { AddressInfo } from 'node:net';
import { createServer, connect as dial, type Server, type Socket } from 'node:net';

/**
 * A device's way to the Center: a TCP proxy that spreads its connections over several doors, as a load balancer would,
 * and that can be cut.
 */
export class FlakyLine {
  readonly #server: Server;
  readonly #open = new Set<Socket>();
  readonly #toCenter = new Set<Socket>();
  #turn: number;
  #silent = false;
  #severed = false;

  private constructor(
    private readonly doors: readonly { host: string; port: number }[],
    first: number,
  ) {
    this.#turn = first;
    this.#server = createServer((client) => this.#carry(client));
  }

  /** @param urls the doors. @param first which of them the first connection goes to. */
  static async open(urls: readonly string[], first = 0): Promise<FlakyLine> {
    const doors = urls.map((url) => ({ host: new URL(url).hostname, port: Number(new URL(url).port) }));
    const line = new FlakyLine(doors, first);
    await new Promise<void>((resolve) => line.#server.listen(0, '127.0.0.1', resolve));
    return line;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Breaks every connection; new ones are let through. */
  cut(): void {
    for (const socket of this.#open) socket.destroy();
  }

  /** Breaks every connection, and each new one at once, until {@link heal}. */
  sever(): void {
    this.#severed = true;
    this.cut();
  }

  /** From now on drops everything without a word, as a pulled cable does, until {@link heal}. */
  silence(): void {
    this.#silent = true;
    for (const socket of this.#open) socket.pause();
  }

  /** From now on lets requests through, and holds answers back: a client that does not read. */
  hold(): void {
    for (const center of this.#toCenter) {
      center.unpipe();
      center.pause();
    }
  }

  heal(): void {
    this.#silent = false;
    this.#severed = false;
    this.cut();
  }

  async close(): Promise<void> {
    this.cut();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }

  #carry(client: Socket): void {
    this.#keep(client);
    if (this.#severed) client.resetAndDestroy();
    if (this.#silent || this.#severed) return;
    const door = this.doors[this.#turn++ % this.doors.length] as { host: string; port: number };
    const center = dial({ ...door, timeout: 3000 });
    this.#keep(center);
    this.#toCenter.add(center);
    center.once('close', () => this.#toCenter.delete(center));
    center.once('connect', () => center.setTimeout(0));
    center.once('timeout', () => center.destroy());
    client.pipe(center);
    center.pipe(client);
    const end = () => {
      client.destroy();
      center.destroy();
    };
    client.once('close', end);
    center.once('close', end);
  }

  #keep(socket: Socket): void {
    this.#open.add(socket);
    // A close follows, and says all there is to know.
    socket.on('error', () => undefined);
    socket.once('close', () => this.#open.delete(socket));
  }
}
