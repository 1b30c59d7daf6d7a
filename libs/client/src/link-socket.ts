import {
  type MediaClientFrame,
  type MediaServerFrame,
  mediaGivenUpCode,
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

/** So long, in milliseconds, it takes to read what came while a page was busy. */
const readMs = 100;

const frameSchema = toldSchema(mediaServerFrameSchema);

/** A media socket: once it is opened, it joins as soon as it can. What it says may be listened to by another link than the one that opened it. */
export class LinkSocket {
  #socket: ClientSocket | undefined;
  #listener: LinkSocketListener;
  #onceHeard: () => void = () => undefined;
  #unanswered = 0;

  constructor(listener: LinkSocketListener) {
    this.#listener = listener;
  }

  open(webSocket: ClientSocketClass, url: string, join: Join): void {
    const socket = new webSocket(url, mediaSubprotocol);
    this.#socket = socket;
    socket.addEventListener('open', () => this.send(join));
    socket.addEventListener('message', ({ data }) => this.#onMessage(String(data)));
    // A close follows every error, and tells as much.
    socket.addEventListener('error', () => undefined);
    socket.addEventListener('close', () => this.#listener.closed());
  }

  /**
   * How many pings it has not answered. It is not the time that counts: of a page that was busy, or asleep, what came meanwhile is not
   * read yet.
   */
  get unanswered(): number {
    return this.#unanswered;
  }

  /** @returns whether it says anything in so many milliseconds; a page that was busy meanwhile has read it by then. */
  async isHeardWithin(ms: number): Promise<boolean> {
    let isHeard = false;
    this.#onceHeard = () => {
      isHeard = true;
    };
    await new Promise((resolve) => setTimeout(() => setTimeout(resolve, readMs), ms));
    return isHeard;
  }

  /** What comes from now on is for another. */
  passTo(listener: LinkSocketListener): void {
    this.#listener = listener;
  }

  send(frame: MediaClientFrame): void {
    if (!this.#socket || !isOpen(this.#socket)) return;
    if (frame.type === 'ping') this.#unanswered += 1;
    this.#socket.send(JSON.stringify(frame));
  }

  close(): void {
    this.#socket?.close(1000);
  }

  /** Closes it, and means to go on with what the door holds of its connections. */
  giveUp(): void {
    this.#socket?.close(mediaGivenUpCode);
  }

  #onMessage(text: string): void {
    this.#unanswered = 0;
    this.#onceHeard();
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
