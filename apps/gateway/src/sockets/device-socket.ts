import type { Duplex } from 'node:stream';
import {
  type AppId,
  type CallEvent,
  type CallId,
  type ClientFrame,
  clientFrameSchema,
  frameIdSchema,
  maxFrameBytes,
  type ServerFrame,
  type SocketError,
} from '@communication-center/contracts';
import {
  bytesOf,
  currentTraceId,
  FrameBudget,
  inNewTrace,
  noteInTrace,
  type ProblemError,
  problemOf,
  readFrame,
  SignsOfLife,
} from '@communication-center/service';
import type { RawData, WebSocket } from 'ws';
import { z } from 'zod';
import { CallSequences } from '../domain/call-sequences.js';
import { FrameLanes, laneOf } from '../domain/frame-lanes.js';
import type { GatewaySettings } from '../settings.js';
import { closeCodes, type Device, type SocketOwner } from './socket-owner.js';
import { TokenExpiry } from './token-expiry.js';
import { written, writtenEvent } from './written-frames.js';

const namedFrameSchema = z.object({ id: frameIdSchema });

/** Why a connect frame may fare better another time. */
const mayComeBack: ReadonlySet<SocketError['code']> = new Set(['service_unavailable', 'rate_limited']);

type Phase =
  | { at: 'door' }
  | { at: 'connecting'; waiting: CallEvent[]; waitingBytes: number }
  | { at: 'serving'; device: Device; sequences: CallSequences }
  | { at: 'closed' };

/** Events that come while a socket connects: some seconds of the busiest user's. */
const maxWaiting = 1000;
/** Of all of them, as they are written: each may be 80 KB. */
const maxWaitingBytes = 1_048_576;
/** Nobody has signed in yet: a connect frame with the longest token is half of it. */
const maxConnectBytes = 16_384;
/** Of all frames that are carried out at a time: what they hold is kept until they are answered. */
const maxInHandBytes = 262_144;

/** One client socket: its frames in, its events out, and the limits that keep it from harming others. */
export class DeviceSocket {
  #phase: Phase = { at: 'door' };
  #isLeaving = false;
  #signedOut = false;
  readonly #signs: SignsOfLife;
  readonly #budget: FrameBudget;
  /** Of frames beyond the budget that are read, so as to be refused by their ids. Made when there are some. */
  #refusals: FrameBudget | undefined;
  readonly #lanes = new FrameLanes();
  #inHandBytes = 0;
  /** Until the connect frame came: most sockets idle for hours, and keep nothing that they do not need. */
  #connectTimer: NodeJS.Timeout | undefined;
  /** Once its token expires soon. */
  #expiry: TokenExpiry | undefined;
  /** Made when somebody wants to hear of it. */
  #gone: AbortController | undefined;
  #isGathering = false;
  device: Device | undefined;

  constructor(
    private readonly socket: WebSocket,
    private readonly owner: SocketOwner,
    private readonly settings: GatewaySettings,
    private readonly connection?: Pick<Duplex, 'cork' | 'uncork'>,
  ) {
    this.#signs = new SignsOfLife(socket);
    this.#budget = new FrameBudget(settings.FRAME_BURST, settings.FRAMES_PER_SECOND, Date.now());
    this.#connectTimer = setTimeout(
      () => this.#refuse('connect_timeout', 'send a connect frame first', closeCodes.connectTimeout),
      settings.CONNECT_TIMEOUT_MS,
    );
    socket.on('message', (data, isBinary) => inNewTrace(() => this.#guard(() => this.#onMessage(data, isBinary)), this.#about()));
    // A close follows every error; the error itself says nothing more than the close code.
    socket.on('error', () => undefined);
    socket.on('close', (code) => this.#guard(() => this.#onClose(code)));
  }

  /** Holds events back from now on, until {@link serve} knows which of them the snapshot told. */
  #hold(): void {
    if (this.#phase.at !== 'closed') this.#phase = { at: 'connecting', waiting: [], waitingBytes: 0 };
  }

  /** Sends the snapshot, then what came meanwhile, then everything new. */
  serve(device: Device, connected: ServerFrame & { type: 'connected' }, takenAt: string): void {
    if (this.#phase.at !== 'connecting') return;
    const { waiting } = this.#phase;
    this.device = device;
    this.#phase = { at: 'serving', device, sequences: new CallSequences(device, connected.calls, takenAt) };
    this.send(connected);
    this.beatExpiry();
    for (const event of waiting) this.deliver(event);
  }

  /** Whether it is neither closed nor being closed: what is sent any later is not heard, what comes any later is not acted upon. */
  get isOpen(): boolean {
    return this.#phase.at !== 'closed' && !this.#isLeaving;
  }

  /** Aborted when the socket is closed. */
  get gone(): AbortSignal {
    this.#gone ??= new AbortController();
    if (this.#phase.at === 'closed') this.#gone.abort();
    return this.#gone.signal;
  }

  /** Tells an event. A socket that cannot be told one is of no more use, and no other is held up by it. */
  deliver(event: CallEvent): void {
    try {
      this.#deliver(event);
    } catch (error) {
      this.owner.failed(error, 'telling a socket of an event');
      this.close(closeCodes.restarting, 'an event could not be told: connect anew');
    }
  }

  #deliver(event: CallEvent): void {
    const phase = this.#phase;
    if (phase.at === 'connecting') {
      phase.waiting.push(event);
      // Written once, for all who will be told of it.
      phase.waitingBytes += writtenEvent(event, undefined).length;
      if (phase.waiting.length > maxWaiting || phase.waitingBytes > maxWaitingBytes)
        this.close(closeCodes.overloaded, 'too many events while connecting');
      return;
    }
    if (phase.at !== 'serving') return;
    if (phase.device.ring && phase.device.ring.callId !== event.callid) return;
    const news = phase.sequences.take(event);
    if (!news) return;
    this.sendWritten(writtenEvent(event, news.ringEnded));
    if (event.type !== 'call.dialed') return;
    // Nothing follows a ring at once, and nobody waits for anything as for this. Behind his own dial comes the reply.
    if (event.data.initiator !== phase.device.userAlias) this.connection?.uncork();
    this.owner.heardOfDial(this, phase.device, event);
  }

  send(frame: ServerFrame): void {
    if (this.isOpen) this.sendWritten(written(frame));
  }

  /** Sends a frame that others may hear as well: it is written once. */
  sendWritten(frame: Buffer): void {
    if (!this.isOpen) return;
    if (this.socket.bufferedAmount > this.settings.MAX_BUFFERED_BYTES) {
      this.close(closeCodes.tooSlow, 'the client reads too slowly');
      return;
    }
    this.#gatherFrames();
    this.socket.send(frame, { binary: false });
  }

  /** What is sent in one turn of the event loop, such as an event and the reply behind it, goes to the client in one system call. */
  #gatherFrames(): void {
    if (this.#isGathering || !this.connection) return;
    this.#isGathering = true;
    this.connection.cork();
    setImmediate(() => {
      this.#isGathering = false;
      this.connection?.uncork();
    });
  }

  /** Pings, or ends a socket that gave no sign of life for two and a half heartbeats. */
  beat(now: number): void {
    this.#signs.beat(now, this.settings.HEARTBEAT_MS);
    this.beatExpiry();
  }

  /** Sees when its token expires, and whether that is before the next beat but one. */
  beatExpiry(): void {
    const expiresAt = this.device?.token?.expiresAt;
    if (expiresAt === undefined || this.#phase.at !== 'serving') return;
    if (TokenExpiry.isNear(expiresAt, 2 * this.settings.HEARTBEAT_MS)) {
      this.#expiry ??= new TokenExpiry(
        (at) => this.send({ type: 'token_expiring', expiresAt: at }),
        () => this.#expire(),
      );
      this.#expiry.watch(expiresAt);
    } else {
      this.#expiry?.stop();
      this.#expiry = undefined;
    }
  }

  /** @returns the calls in which the device is, or dials, as far as the socket heard. */
  callsHere(): CallId[] {
    return this.#phase.at === 'serving' ? this.#phase.sequences.callsHere() : [];
  }

  /** @returns how far it has heard a call that rings its user; undefined where it does not. */
  ringing(callId: CallId): number | undefined {
    return this.#phase.at === 'serving' ? this.#phase.sequences.ringing(callId) : undefined;
  }

  /** Puts the device out: what let it in has ended. */
  endCredential(message: string, code: 'unauthenticated' | 'app_suspended' = 'unauthenticated'): void {
    this.#refuse(code, message, closeCodes.unauthenticated);
  }

  #expire(): boolean {
    if (this.#phase.at === 'serving' && this.#phase.sequences.isInUse) return false;
    this.endCredential('token: it has expired');
    return true;
  }

  close(code: number, reason: string): void {
    if (!this.isOpen) return;
    this.#isLeaving = true;
    this.#signs.close(code, reason);
  }

  #onMessage(data: RawData, isBinary: boolean): void {
    const now = this.#signs.note();
    if (!this.isOpen) return;
    const bytes = bytesOf(data);
    const most = this.#phase.at === 'door' ? maxConnectBytes : maxFrameBytes;
    if (bytes.length > most) return this.#refuse('frame_too_large', `send at most ${most} bytes`, closeCodes.tooLarge);
    if (!this.#budget.take(now)) return this.#refuseFrame(bytes, isBinary, now);
    if (isBinary) return this.#sendError(undefined, { code: 'malformed_frame', message: 'Send text frames of JSON' });
    const read = readFrame(clientFrameSchema, bytes);
    // An id that the protocol does not allow is not told back: the client would have to refuse the error that has it.
    if (read.problem) return this.#sendError(frameIdSchema.safeParse(read.id).data, read.problem.toSocketError());
    if ('callId' in read.frame) noteInTrace({ callId: read.frame.callId });
    this.#guard(() => this.#onFrame(read.frame, bytes.length), 'id' in read.frame ? read.frame.id : undefined);
  }

  /** Refuses a frame beyond the budget by its id, so that nobody waits for its answer; of those that are as many too much again none is read. */
  #refuseFrame(bytes: Buffer, isBinary: boolean, now: number): void {
    const { FRAME_BURST, FRAMES_PER_SECOND } = this.settings;
    this.#refusals ??= new FrameBudget(FRAME_BURST, FRAMES_PER_SECOND, now);
    const read = !isBinary && this.#refusals.take(now) ? readFrame(namedFrameSchema, bytes) : undefined;
    this.#sendError(read?.frame?.id, { code: 'rate_limited', message: 'Too many frames: slow down', retryAfterSeconds: 1 });
  }

  /** Whatever one frame brings about ends with that frame. */
  #guard(work: () => void | Promise<void>, id?: string | number): void {
    const failed = (error: unknown) => {
      this.owner.failed(error, 'serving a frame');
      this.#sendError(id, problemOf(error).toSocketError());
    };
    try {
      work()?.catch(failed);
    } catch (error) {
      failed(error);
    }
  }

  async #onFrame(frame: ClientFrame, bytes: number): Promise<void> {
    const phase = this.#phase;
    if (frame.type === 'ping') return this.send({ type: 'pong' });
    if (frame.type === 'connect') {
      if (phase.at !== 'door') return this.#sendError(frame.id, { code: 'invalid_request', message: 'This socket is connected already' });
      this.#endConnectTimer();
      this.#hold();
      return this.owner.connect(this, frame);
    }
    if (phase.at !== 'serving') {
      return this.#refuse(
        'unauthenticated',
        'send a connect frame first',
        closeCodes.unauthenticated,
        'id' in frame ? frame.id : undefined,
      );
    }
    if (frame.type === 'sign_out') {
      this.#signedOut = true;
      return this.close(1000, 'signed out');
    }
    if (frame.type === 'refresh') return this.send(withTraceId(await this.owner.refresh(this, phase.device, frame)));
    if (this.#expiry?.isOver && !('callId' in frame))
      return this.#sendError(frame.id, { code: 'unauthenticated', message: 'token: it has expired; send refresh with a new one' });
    if (this.#lanes.full || this.#inHandBytes + bytes > maxInHandBytes) {
      return this.#sendError(frame.id, { code: 'rate_limited', message: 'Too many frames wait for their answers' });
    }
    this.#inHandBytes += bytes;
    try {
      this.send(withTraceId(await this.#lanes.run(laneOf(frame), async () => this.owner.carryOut(this, phase.device, frame))));
    } finally {
      this.#inHandBytes -= bytes;
    }
  }

  /** Tells why, then closes. */
  #refuse(code: SocketError['code'], message: string, closeCode: number, id?: string | number): void {
    this.#sendError(id, { code, message });
    this.close(closeCode, code);
  }

  /** Answers a connect frame that was not believed, and closes. */
  refuseConnect(id: string | number, error: ProblemError): void {
    this.#sendError(id, error.toSocketError());
    this.close(mayComeBack.has(error.code) ? closeCodes.overloaded : closeCodes.unauthenticated, error.code);
  }

  #sendError(id: string | number | undefined, error: SocketError): void {
    this.send(withTraceId({ type: 'error', ...(id !== undefined && { id }), error }));
  }

  #about(): { appId?: AppId } {
    return this.device ? { appId: this.device.appId } : {};
  }

  #endConnectTimer(): void {
    clearTimeout(this.#connectTimer);
    this.#connectTimer = undefined;
  }

  #onClose(code: number): void {
    this.#endConnectTimer();
    this.#expiry?.stop();
    this.#phase = { at: 'closed' };
    this.#gone?.abort();
    this.owner.closed(this, this.#signedOut || code === 1000);
  }
}

/** @returns an answer that says, where it is an error, in which trace the log tells of it. */
function withTraceId(frame: ServerFrame): ServerFrame {
  const traceId = currentTraceId();
  return frame.type === 'error' && traceId ? { ...frame, error: { ...frame.error, traceId } } : frame;
}
