import {
  type MediaClientFrame,
  type MediaServerFrame,
  mediaServerFrameSchema,
  mediaSubprotocol,
  type Told,
  toldSchema,
} from '@communication-center/contracts';
import { type ClientSocket, type ClientSocketClass, isOpen } from './client-socket.js';

export type MediaFrame = Told<MediaServerFrame>;
type Join = MediaClientFrame & { type: 'join' };

export interface LinkSocketListener {
  frame(frame: MediaFrame): void;
  closed(): void;
}

const frameSchema = toldSchema(mediaServerFrameSchema);

/** A media socket: it joins as soon as it is open. What it says may be listened to by another link than the one that opened it. */
export class LinkSocket {
  readonly #socket: ClientSocket;
  #listener: LinkSocketListener;
  #lastHeardAt = Date.now();

  constructor(webSocket: ClientSocketClass, url: string, join: Join, listener: LinkSocketListener) {
    this.#listener = listener;
    this.#socket = new webSocket(url, mediaSubprotocol);
    this.#socket.addEventListener('open', () => this.send(join));
    this.#socket.addEventListener('message', ({ data }) => this.#onMessage(String(data)));
    // A close follows every error, and tells as much.
    this.#socket.addEventListener('error', () => undefined);
    this.#socket.addEventListener('close', () => this.#listener.closed());
  }

  /** For how long nothing was heard, in milliseconds. */
  get silentMs(): number {
    return Date.now() - this.#lastHeardAt;
  }

  /** What comes from now on is for another. */
  passTo(listener: LinkSocketListener): void {
    this.#listener = listener;
  }

  send(frame: MediaClientFrame): void {
    if (isOpen(this.#socket)) this.#socket.send(JSON.stringify(frame));
  }

  close(): void {
    this.#socket.close(1000);
  }

  #onMessage(text: string): void {
    this.#lastHeardAt = Date.now();
    const frame = readFrame(text);
    if (frame) this.#listener.frame(frame);
  }
}

function readFrame(text: string): MediaFrame | undefined {
  try {
    return frameSchema.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}
