import type { Socket } from 'node:net';
import { pipeline } from 'node:stream/promises';
import { ClosableFrames } from './closable-frames.js';

const goingAway = 1001;
/** Who does not end its side of a socket that is over is cut off after so long. */
const lingerMs = 2000;

/** Both ways of one upgraded socket: bytes as they come, as fast as the other side takes them. When one side ends, both do. */
export class SocketTunnel {
  readonly #toClient = new ClosableFrames('client');
  readonly #toService = new ClosableFrames('service');
  #cutting: NodeJS.Timeout | undefined;
  /** Resolves when both sides are closed. */
  readonly over: Promise<void>;

  /** @param silenceMs for so long nothing may pass, either way. */
  constructor(
    private readonly client: Socket,
    private readonly service: Socket,
    silenceMs: number,
  ) {
    for (const side of [client, service]) side.setNoDelay(true).setKeepAlive(true, 30_000);
    const ways = [pipeline(client, this.#toService, service), pipeline(service, this.#toClient, client)];
    // Either side's going is how it ends: there is nobody left to tell.
    const ended = ways.map((way) => way.catch(() => this.#cut()));
    for (const end of ended) end.then(() => this.#linger());
    this.over = Promise.all(ended).then(() => this.#cut());
    // What comes from the one side is written to the other: this side alone sees both ways.
    client.setTimeout(silenceMs, () => this.close(goingAway, 'nothing passed for too long'));
  }

  /** Tells both sides that it is over; the client why. */
  close(code: number, reason: string): void {
    this.#toClient.closeWith(code, reason);
    this.#toService.closeWith(goingAway, '');
    this.#linger();
  }

  #linger(): void {
    this.#cutting ??= setTimeout(() => this.#cut(), lingerMs);
  }

  #cut(): void {
    clearTimeout(this.#cutting);
    this.client.destroy();
    this.service.destroy();
  }
}
