import {
  type ClientFrameInput,
  type Presence,
  problemCodeSchema,
  type ServerFrame,
  socketSubprotocol,
  type Told,
  type UserAlias,
} from '@communication-center/contracts';
import { CenterError } from './center-error.js';
import { type ClientSocket, type ClientSocketClass, isOpen } from './client-socket.js';
import { Emitter } from './emitter.js';
import { Heartbeat } from './heartbeat.js';
import { onNetworkBack } from './network-back.js';
import { Patience } from './patience.js';
import { PendingRequests } from './pending-requests.js';
import { type ReadFrame, readFrame } from './reading.js';
import type { ToldEvent } from './told-call.js';

export type ConnectionState = 'connecting' | 'connected' | 'reconnecting' | 'closed';
type WithoutId<F> = F extends { id: string | number } ? Omit<F, 'id'> : never;
export type Request = WithoutId<Exclude<ClientFrameInput, { type: 'connect' }>>;
type Connected = Extract<ReadFrame, { type: 'connected' }>;
/** What a request can be answered with. */
export type Answer = Exclude<Told<ServerFrame>, { type: 'unknown' }> & { id: string | number };

export interface ConnectionOptions {
  /** ws:// or wss:// address of the socket. */
  url: string;
  webSocket: ClientSocketClass;
  /** Makes the connect frame, with a token that is good now. */
  connectFrame: () => Promise<Omit<ClientFrameInput & { type: 'connect' }, 'id'>>;
  /** How long a request may wait, over reconnects. */
  requestTimeoutMs: number;
  /** Whether a refused connect frame may be followed by another, with another token. */
  hasOtherToken?: () => boolean;
  /** Whether something else will {@link Connection.hurry} it when the network is back. */
  isTold?: () => boolean;
}

type ConnectionEvents = {
  connected: [Connected];
  event: [ToldEvent];
  presence: [Told<Presence>];
  /** Watched users of whom nothing is to be seen for now. */
  unseen: [readonly UserAlias[]];
  state: [ConnectionState];
  /** In a call: nothing is heard of the Center, or something is again. */
  quiet: [boolean];
  /** The token expires in a minute or less. */
  tokenExpiring: [];
  /** The Center will not let this client in: nothing is tried any more. */
  refused: [CenterError];
};

// These say that the same connect frame will be refused again.
const finalCodes = new Set<string>([
  'unauthenticated',
  'forbidden',
  'unknown_app',
  'app_suspended',
  'invalid_request',
  'unsupported_protocol',
]);
/** Closes a socket that will not be let in, whatever the code of its error. */
const notLetIn = 4001;

/**
 * One socket that is always there: lost ones are replaced, with growing and jittered pauses, and requests that had no
 * answer are sent again. That is safe, because every command carries an id of its own.
 */
export class Connection extends Emitter<ConnectionEvents> {
  readonly #options: ConnectionOptions;
  readonly #pending = new PendingRequests();
  readonly #heartbeat = new Heartbeat({
    ping: () => this.#sendFrame({ type: 'ping' }),
    lost: () => this.renew(),
    quiet: (isQuiet) => this.emit('quiet', isQuiet),
  });
  #socket: ClientSocket | undefined;
  #state: ConnectionState = 'connecting';
  readonly #patience: Patience;
  #offNetworkBack: (() => void) | undefined;
  #openingTimer: ReturnType<typeof setTimeout> | undefined;
  #reconnectTimer: ReturnType<typeof setTimeout> | undefined;
  #newRefusal: CenterError | undefined;

  constructor(options: ConnectionOptions) {
    super();
    this.#options = options;
    this.#patience = new Patience(options.isTold);
  }

  get state(): ConnectionState {
    return this.#state;
  }

  /** Whether the Center is heard of. */
  get isReached(): boolean {
    return this.#state === 'connected' && !this.#heartbeat.isQuiet;
  }

  /** Whether somebody is in a call, or dials: a socket that is lost is noticed, and replaced, sooner then. */
  inCall(isInCall: boolean): void {
    this.#patience.inCall(isInCall);
    this.#heartbeat.inCall(isInCall);
  }

  open(): void {
    this.#offNetworkBack ??= onNetworkBack(() => this.hurry());
    void this.#open();
  }

  /** There is a network again: what waits for one waits no more. */
  hurry(): void {
    if (this.#state !== 'reconnecting') return;
    this.#detach();
    clearTimeout(this.#reconnectTimer);
    void this.#open();
  }

  /** Signs out and stays away. Requests without an answer fail. */
  close(): void {
    if (this.#state === 'closed') return;
    this.#sendFrame({ type: 'sign_out' });
    this.#end();
    this.#pending.failAll(new CenterError('service_unavailable', 'The client was closed'));
  }

  /** Drops the socket and connects anew, for a fresh snapshot. */
  renew(): void {
    if (this.#socket) this.#lost(this.#socket);
  }

  /**
   * @param options.givenUp ends the waiting, and the sending again.
   * @param options.timeoutMs how long the answer is waited for, where that is not as for all others.
   * @throws CenterError with the Center's code, `service_unavailable` when no answer came in time, or `dial_cancelled`.
   */
  request(frame: Request, { givenUp, timeoutMs }: { givenUp?: AbortSignal; timeoutMs?: number } = {}): Promise<Answer> {
    const send = (id: string) => this.#sendAgain(id);
    return this.#pending.add(frame, send, timeoutMs ?? this.#options.requestTimeoutMs, givenUp);
  }

  async #open(): Promise<void> {
    if (this.#isClosed) return;
    let connect: Awaited<ReturnType<ConnectionOptions['connectFrame']>>;
    try {
      connect = await this.#options.connectFrame();
    } catch (error) {
      if (error instanceof CenterError && finalCodes.has(error.code)) this.#refuse(error);
      else this.#tryLater();
      return;
    }
    if (this.#isClosed) return;
    const socket = new this.#options.webSocket(this.#options.url, socketSubprotocol);
    this.#socket = socket;
    this.#patience.begin();
    this.#awaitConnected(socket, false);
    socket.addEventListener('open', () => {
      if (socket !== this.#socket) return;
      this.#awaitConnected(socket, true);
      this.#sendFrame({ ...connect, id: 'connect' });
    });
    socket.addEventListener('message', ({ data }) => this.#onMessage(socket, String(data)));
    // A close follows every error, and tells as much.
    socket.addEventListener('error', () => undefined);
    socket.addEventListener('close', ({ code }) => this.#onClose(socket, code));
  }

  get #isClosed(): boolean {
    return this.#state === 'closed';
  }

  /** Gives a socket up that stays silent, or does not come to `connected` whatever else it says. */
  #awaitConnected(socket: ClientSocket, isHeard: boolean): void {
    clearTimeout(this.#openingTimer);
    this.#openingTimer = setTimeout(() => this.#lost(socket, !isHeard), this.#patience.forSilence(isHeard));
  }

  #onMessage(socket: ClientSocket, text: string): void {
    if (socket !== this.#socket) return;
    this.#heartbeat.heard();
    if (this.#state !== 'connected') this.#awaitConnected(socket, true);
    const frame = readFrame(text);
    if (frame) this.#onFrame(socket, frame);
  }

  #onFrame(socket: ClientSocket, frame: ReadFrame): void {
    if (frame.type === 'connected') this.#onConnected(frame);
    else if (frame.type === 'event') this.emit('event', frame.event);
    else if (frame.type === 'presence') this.emit('presence', frame.presence);
    else if (frame.type === 'unseen') this.emit('unseen', frame.userAliases);
    else if (frame.type === 'token_expiring') this.emit('tokenExpiring');
    else if (frame.type === 'draining') this.#lost(socket);
    else if (frame.type === 'error' && frame.id === 'connect') this.#onConnectError(socket, CenterError.fromSocket(frame.error));
    else if (frame.type === 'unreadable') this.#pending.fail(String(frame.id), unreadable());
    else if ('id' in frame && frame.id !== undefined) this.#settle(String(frame.id), frame as Answer);
  }

  #onConnected(frame: Connected): void {
    clearTimeout(this.#openingTimer);
    this.#patience.end();
    this.#setState('connected');
    this.#heartbeat.start(frame.heartbeatSeconds * 1000);
    this.emit('connected', frame);
    for (const [id, request] of this.#pending) this.#sendFrame({ ...request, id });
  }

  #onConnectError(socket: ClientSocket, error: CenterError): void {
    if (finalCodes.has(error.code) && this.#options.hasOtherToken?.()) this.#lost(socket);
    else if (finalCodes.has(error.code)) this.#refuse(error);
    else if (problemCodeSchema.safeParse(error.code).success) this.#lost(socket);
    // Whether a code of a newer release is for good, the close that follows says.
    else this.#newRefusal = error;
  }

  #onClose(socket: ClientSocket, code: number): void {
    if (socket !== this.#socket) return;
    if (code === notLetIn && this.#newRefusal) this.#refuse(this.#newRefusal);
    else this.#lost(socket);
  }

  #settle(id: string, frame: Answer): void {
    const request = this.#pending.frameOf(id);
    if (!request) return;
    if (isPassing(frame, request)) {
      const socket = this.#socket;
      // Another socket was sent it when it connected.
      setTimeout(() => socket === this.#socket && this.#sendAgain(id), 300 + Math.random() * 400);
      return;
    }
    if (frame.type === 'error') this.#pending.fail(id, CenterError.fromSocket(frame.error));
    else this.#pending.take(id)?.resolve(frame);
  }

  #sendAgain(id: string): void {
    const request = this.#pending.frameOf(id);
    if (request && this.#state === 'connected') this.#sendFrame({ ...request, id });
  }

  #sendFrame(frame: object): void {
    if (isOpen(this.#socket)) this.#socket.send(JSON.stringify(frame));
  }

  #lost(socket: ClientSocket, nobodyThere = false): void {
    if (socket !== this.#socket || this.#isClosed) return;
    this.#detach();
    this.#tryLater(nobodyThere);
  }

  #tryLater(nobodyThere = false): void {
    if (this.#isClosed) return;
    this.#setState('reconnecting');
    clearTimeout(this.#reconnectTimer);
    this.#reconnectTimer = setTimeout(() => void this.#open(), this.#patience.pauseAfterLoss(nobodyThere));
  }

  #refuse(error: CenterError): void {
    this.#end();
    this.emit('refused', error);
  }

  #end(): void {
    this.#offNetworkBack?.();
    clearTimeout(this.#reconnectTimer);
    this.#detach();
    this.#setState('closed');
  }

  /** From now on the socket is not the current one: whatever it still says is not heard. */
  #detach(): void {
    this.#heartbeat.stop();
    clearTimeout(this.#openingTimer);
    this.#newRefusal = undefined;
    const socket = this.#socket;
    this.#socket = undefined;
    socket?.close(1000);
  }

  #setState(state: ConnectionState): void {
    if (state === this.#state) return;
    this.#state = state;
    this.emit('state', state);
  }
}

function unreadable(): CenterError {
  return new CenterError('internal_error', 'The Center answered in a way that this client does not know: update it');
}

/**
 * Whether a refusal is worth waiting out. That of a dial is not: its caller should hear at once that nobody rings, as the gateway
 * tells it at once. What had no answer is another matter: the gateway asks again for ten seconds, and a lost socket sends again.
 */
function isPassing(answer: Answer, request: Request): boolean {
  return answer.type === 'error' && answer.error.code === 'service_unavailable' && request.type !== 'dial';
}
