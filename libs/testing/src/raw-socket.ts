import { type ServerFrame, serverFrameSchema, socketSubprotocol } from '@communication-center/contracts';
import { eventually } from './eventually.js';
import type { Fleet } from './fleet.js';

/** A bare WebSocket to the public door, for what the SDK would never send. */
export class RawSocket {
  readonly frames: ServerFrame[] = [];
  closeCode: number | undefined;
  readonly #socket: WebSocket;

  private constructor(socket: WebSocket) {
    this.#socket = socket;
    socket.onmessage = ({ data }) => this.frames.push(serverFrameSchema.parse(JSON.parse(String(data))));
    socket.onclose = ({ code }) => {
      this.closeCode = code;
    };
  }

  /** @param url of a gateway; the first one's where left out. */
  static async open(fleet: Fleet, url = fleet.url): Promise<RawSocket> {
    const socket = new WebSocket(`${url.replace('http', 'ws')}/v1/socket`, socketSubprotocol);
    const raw = new RawSocket(socket);
    await new Promise<void>((resolve, reject) => {
      socket.onopen = () => resolve();
      socket.onerror = () => reject(new Error('the socket did not open'));
    });
    return raw;
  }

  send(frame: object | string): void {
    this.#socket.send(typeof frame === 'string' ? frame : JSON.stringify(frame));
  }

  /** @returns the first frame that matches. */
  async frame<T extends ServerFrame['type']>(
    type: T,
    matches: (frame: ServerFrame & { type: T }) => boolean = () => true,
    timeoutMs?: number,
  ): Promise<ServerFrame & { type: T }> {
    const found = () =>
      this.frames.find((frame): frame is ServerFrame & { type: T } => frame.type === type && matches(frame as ServerFrame & { type: T }));
    return eventually(`a frame of type ${type}`, found, timeoutMs);
  }

  async closed(timeoutMs?: number): Promise<number> {
    return eventually('the socket being closed', () => this.closeCode, timeoutMs);
  }

  close(): void {
    this.#socket.close();
  }
}
