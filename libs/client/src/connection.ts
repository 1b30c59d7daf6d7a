import {
  type ClientFrameInput,
  type Presence,
  type ServerFrame,
  serverFrameSchema,
  socketSubprotocol,
} from '@communication-center/contracts';
import { CenterError } from './center-error.js';
import { Emitter } from './emitter.js';

export type ConnectionState = 'connecting' | 'connected' | 'reconnecting' | 'closed';
type WithoutId<F> = F extends { id: string | number } ? Omit<F, 'id'> : never;
export type Request = WithoutId<Exclude<ClientFrameInput, { type: 'connect' }>>;
type Answer = ServerFrame & { id: string | number };

export interface ConnectionOptions {
  /** ws:// or wss:// address of the socket. */
  url: string;
  /** Makes the connect frame, with a token that is good now. */
  connectFrame: () => Promise<Omit<ClientFrameInput & { type: 'connect' }, 'id'>>;
  /** How long a request may wait, over reconnects. */
  requestTimeoutMs: number;
}

interface Pending {
  frame: Request;
  resolve: (answer: Answer) => void;
  reject: (error: CenterError) => void;
  timer: ReturnType<typeof setTimeout>;
}

type ConnectionEvents = {
  connected: [ServerFrame & { type: 'connected' }];
  event: [ServerFrame & { type: 'event' }];
  presence: [Presence];
  state: [ConnectionState];
  /** The Center will not let this client in: nothing is tried any more. */
  refused: [CenterError];
};

// These say that the same connect frame will be refused again.
const finalCodes = new Set(['unauthenticated', 'forbidden', 'unknown_app', 'invalid_request', 'unsupported_protocol']);
const openTimeoutMs = 8000;

/**
 * One socket that is always there: lost ones are replaced, with growing and jittered pauses, and requests that had no
 * answer are sent again. That is safe, because every command carries an id of its own.
 */
export class Connection extends Emitter<ConnectionEvents> {
  readonly #options: ConnectionOptions;
  readonly #pending = new Map<string, Pending>();
  #socket: WebSocket | undefined;
  #state: ConnectionState = 'connecting';
  #nextId = 1;
  #losses = 0;
  #lastSign = 0;
  #reconnectTimer: ReturnType<typeof setTimeout> | undefined;
  #heartbeat: ReturnType<typeof setInterval> | undefined;

  constructor(options: ConnectionOptions) {
    super();
    this.#options = options;
  }

  get state(): ConnectionState {
    return this.#state;
  }

  open(): void {
    void this.#open();
  }

  /** Signs out and stays away. Requests without an answer fail. */
  close(): void {
    if (this.#state === 'closed') return;
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify({ type: 'sign_out' }));
    this.#end();
    for (const { reject, timer } of this.#pending.values()) {
      clearTimeout(timer);
      reject(new CenterError('service_unavailable', 'The client was closed'));
    }
    this.#pending.clear();
  }

  /** Drops the socket and connects anew, for a fresh snapshot. */
  renew(): void {
    if (this.#socket) this.#lost(this.#socket);
  }

  /**
   * @param givenUp ends the waiting, and the sending again.
   * @throws CenterError with the Center's code, `service_unavailable` when no answer came in time, or `dial_cancelled`.
   */
  request(frame: Request, givenUp?: AbortSignal): Promise<Answer> {
    const id = String(this.#nextId++);
    return new Promise((resolve, reject) => {
      const giveUp = () => {
        clearTimeout(this.#pending.get(id)?.timer);
        this.#pending.delete(id);
        reject(new CenterError('dial_cancelled', 'It was taken back'));
      };
      if (givenUp?.aborted) return giveUp();
      givenUp?.addEventListener('abort', giveUp, { once: true });
      const timer = setTimeout(() => {
        this.#pending.delete(id);
        reject(new CenterError('service_unavailable', 'The Center did not answer in time'));
      }, this.#options.requestTimeoutMs);
      this.#pending.set(id, { frame, resolve, reject, timer });
      if (this.#state === 'connected') this.#sendFrame({ ...frame, id });
    });
  }

  async #open(): Promise<void> {
    if (this.#state === 'closed') return;
    let connect: Awaited<ReturnType<ConnectionOptions['connectFrame']>>;
    try {
      connect = await this.#options.connectFrame();
    } catch (error) {
      if (error instanceof CenterError && finalCodes.has(error.code)) this.#refuse(error);
      else this.#tryLater();
      return;
    }
    if (this.#isClosed) return;
    const socket = new WebSocket(this.#options.url, socketSubprotocol);
    this.#socket = socket;
    const opening = setTimeout(() => this.#lost(socket), openTimeoutMs);
    socket.onopen = () => socket.send(JSON.stringify({ ...connect, id: 'connect' }));
    socket.onmessage = ({ data }) => {
      clearTimeout(opening);
      this.#onMessage(socket, String(data));
    };
    socket.onclose = () => {
      clearTimeout(opening);
      this.#lost(socket);
    };
  }

  get #isClosed(): boolean {
    return this.#state === 'closed';
  }

  #onMessage(socket: WebSocket, text: string): void {
    if (socket !== this.#socket) return;
    this.#lastSign = Date.now();
    const parsed = serverFrameSchema.safeParse(JSON.parse(text));
    // A newer Center may send frames this client does not know: they are not for it.
    if (!parsed.success) return;
    const frame = parsed.data;
    if (frame.type === 'connected') this.#onConnected(frame);
    else if (frame.type === 'event') this.emit('event', frame);
    else if (frame.type === 'presence') this.emit('presence', frame.presence);
    else if (frame.type === 'draining') this.#lost(socket);
    else if (frame.type === 'error' && frame.id === 'connect') this.#onConnectError(socket, CenterError.fromSocket(frame.error));
    else if ('id' in frame && frame.id !== undefined) this.#settle(String(frame.id), frame as Answer);
  }

  #onConnected(frame: ServerFrame & { type: 'connected' }): void {
    this.#losses = 0;
    this.#setState('connected');
    clearInterval(this.#heartbeat);
    const everyMs = frame.heartbeatSeconds * 1000;
    this.#heartbeat = setInterval(() => this.#beat(everyMs), everyMs);
    this.emit('connected', frame);
    for (const [id, { frame: request }] of this.#pending) this.#sendFrame({ ...request, id });
  }

  #onConnectError(socket: WebSocket, error: CenterError): void {
    if (finalCodes.has(error.code)) this.#refuse(error);
    else this.#lost(socket);
  }

  #settle(id: string, frame: Answer): void {
    const pending = this.#pending.get(id);
    if (!pending) return;
    if (isPassing(frame, pending.frame)) {
      setTimeout(() => this.#sendAgain(id), 300 + Math.random() * 400);
      return;
    }
    this.#pending.delete(id);
    clearTimeout(pending.timer);
    if (frame.type === 'error') pending.reject(CenterError.fromSocket(frame.error));
    else pending.resolve(frame);
  }

  #sendAgain(id: string): void {
    const pending = this.#pending.get(id);
    if (pending && this.#state === 'connected') this.#sendFrame({ ...pending.frame, id });
  }

  #sendFrame(frame: object): void {
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify(frame));
  }

  #beat(everyMs: number): void {
    if (Date.now() - this.#lastSign > 2.5 * everyMs && this.#socket) this.#lost(this.#socket);
    else this.#sendFrame({ type: 'ping' });
  }

  #lost(socket: WebSocket): void {
    if (socket !== this.#socket || this.#isClosed) return;
    this.#detach();
    this.#tryLater();
  }

  #tryLater(): void {
    if (this.#isClosed) return;
    this.#setState('reconnecting');
    this.#losses += 1;
    const wait = Math.min(5000, 150 * 2 ** Math.min(this.#losses, 6)) * (0.5 + Math.random());
    clearTimeout(this.#reconnectTimer);
    this.#reconnectTimer = setTimeout(() => void this.#open(), wait);
  }

  #refuse(error: CenterError): void {
    this.#end();
    this.emit('refused', error);
  }

  #end(): void {
    clearTimeout(this.#reconnectTimer);
    this.#detach();
    this.#setState('closed');
  }

  #detach(): void {
    clearInterval(this.#heartbeat);
    const socket = this.#socket;
    this.#socket = undefined;
    if (!socket) return;
    socket.onopen = null;
    socket.onmessage = null;
    socket.onclose = null;
    socket.close(1000);
  }

  #setState(state: ConnectionState): void {
    if (state === this.#state) return;
    this.#state = state;
    this.emit('state', state);
  }
}

/**
 * Whether a refusal is worth waiting out. A dial is not: its caller should hear at once that nobody rings.
 */
function isPassing(answer: Answer, request: Request): boolean {
  return answer.type === 'error' && answer.error.code === 'service_unavailable' && request.type !== 'dial';
}
