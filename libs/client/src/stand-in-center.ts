import type { ClientSocket, ClientSocketClass } from './client-socket.js';

type Frame = Record<string, unknown> & { type: string };
type Listener = (event: { data: unknown; code: number }) => void;

/** One socket as a Center of a test sees it. */
export class StandInSocket implements ClientSocket {
  readyState = 0;
  /** What the client sent, oldest first. */
  readonly sent: Frame[] = [];
  /** By which code the client closed it. */
  closedWith: number | undefined;
  readonly #listeners = new Map<string, Listener[]>();

  constructor(
    readonly center: StandInCenter,
    readonly url: string,
    readonly protocol: string,
  ) {}

  addEventListener(type: string, listener: Listener): void {
    this.#listeners.set(type, [...(this.#listeners.get(type) ?? []), listener]);
  }

  send(data: string): void {
    const frame = JSON.parse(data) as Frame;
    this.sent.push(frame);
    this.center.answer(this, frame);
  }

  close(code?: number): void {
    this.readyState = 3;
    this.closedWith ??= code;
  }

  open(): void {
    this.readyState = 1;
    this.#fire('open');
  }

  /** Sends the client a frame, or a text that is none. */
  tell(frame: object | string): void {
    this.#fire('message', { data: typeof frame === 'string' ? frame : JSON.stringify(frame) });
  }

  breakOff(code = 1006): void {
    this.readyState = 3;
    this.#fire('close', { code });
  }

  /** @returns the last frame of a type that the client sent. */
  last(type: string): Frame | undefined {
    return this.sent.findLast((frame) => frame.type === type);
  }

  #fire(type: string, event: { data?: unknown; code?: number } = {}): void {
    for (const listener of this.#listeners.get(type) ?? []) listener({ data: undefined, code: 0, ...event });
  }
}

/** A Center for pure tests of the client: it lets everybody in, answers pings, and else says only what the test says. */
export class StandInCenter {
  readonly sockets: StandInSocket[] = [];
  /** The snapshot of a device that connects. */
  calls: object[] = [];
  /** What is said to a connect frame. */
  onConnect = (socket: StandInSocket): void => socket.tell({ type: 'connected', ...this.connectedFields() });
  /** What is said to any other frame that wants an answer. */
  onFrame = (_socket: StandInSocket, _frame: Frame): void => undefined;

  /** Whether sockets come to it at all. */
  isReached = true;
  readonly webSocket: ClientSocketClass;

  constructor() {
    const center = this;
    this.webSocket = class extends StandInSocket {
      constructor(url: string, protocol: string) {
        super(center, url, protocol);
        center.sockets.push(this);
        queueMicrotask(() => center.knock(this));
      }
    };
  }

  connectedFields(): object {
    return { id: 'connect', sessionId: '019b7777-0000-7000-8000-00000000aaaa', heartbeatSeconds: 10, calls: this.calls };
  }

  /** A first packet comes, or is lost and sent again as platforms do. */
  knock(socket: StandInSocket, [again, ...later] = [1000, 2000, 4000]): void {
    if (socket.readyState !== 0) return;
    if (this.isReached) socket.open();
    else if (again !== undefined) setTimeout(() => this.knock(socket, later), again);
  }

  answer(socket: StandInSocket, frame: Frame): void {
    if (frame.type === 'connect') this.onConnect(socket);
    else if (frame.type === 'ping') socket.tell({ type: 'pong' });
    else this.onFrame(socket, frame);
  }

  /** The socket that is in use. */
  get socket(): StandInSocket {
    const socket = this.sockets.at(-1);
    if (!socket) throw new Error('The client has opened no socket');
    return socket;
  }
}

const at = '2026-01-01T00:00:00.000Z';
export const callId = '019b7777-0000-7000-8000-000000000001';

export const ringing = (userAlias: string, more: object = {}) => ({
  state: 'ringing',
  userAlias,
  since: at,
  until: at,
  confirmed: false,
  ...more,
});
export const connected = (userAlias: string, deviceId = `${userAlias}-phone`) => ({ state: 'connected', userAlias, since: at, deviceId });
export const gone = (userAlias: string, reason: string, deviceId: string | null = null) => ({
  state: 'gone',
  userAlias,
  at,
  reason,
  deviceId,
});

/** @returns a call as the Center tells it: alice dials bob, unless told otherwise. */
export function aCall(more: object = {}): object & { callId: string } {
  return {
    status: 'ringing',
    callId,
    sequence: 1,
    callType: 'audio_video',
    initiator: 'alice',
    participants: [connected('alice'), ringing('bob')],
    manyToMany: false,
    dialedAt: at,
    maxParticipants: 8,
    maxDurationSeconds: 14_400,
    ringSeconds: 60,
    ...more,
  };
}

/** @returns a frame that tells an event of the call. */
export function eventFrame(type: string, sequence: number, data: object = {}, more: object = {}): object {
  const event = {
    specversion: '1.0',
    id: `${type}-${sequence}`,
    source: '/calls',
    time: at,
    subject: callId,
    appid: 'demo',
    sequence,
    dataversion: 1,
    type,
    callid: callId,
    data: { audience: ['alice', 'bob'], ...data },
    ...more,
  };
  return { type: 'event', event };
}

/** @returns a frame that tells of the dial of {@link aCall}. */
export function dialedFrame(data: object = {}, more: object = {}): object {
  const dial = { initiator: 'alice', initiatorDevice: 'alice-phone', callees: ['bob'], callType: 'audio_video', ringSeconds: 60 };
  return eventFrame('call.dialed', 1, { ...dial, maxParticipants: 8, maxDurationSeconds: 14_400, ...data }, more);
}
