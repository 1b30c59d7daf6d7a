import { randomUUID } from 'node:crypto';
import {
  type MediaClientFrame,
  type MediaServerFrame,
  mediaDoorKnows,
  mediaGivenUpCode,
  type SessionId,
} from '@communication-center/contracts';
import type { MediaGrant } from '@communication-center/contracts/media-grant';
import { currentTraceId, inNewTrace, noteInTrace, ProblemError, SignsOfLife } from '@communication-center/service';
import type { RawData, WebSocket } from 'ws';
import { turnServersFor } from '../credentials/turn-servers.js';
import { Bans, type Moderated } from '../follow-calls/bans.js';
import type { JanusNode } from '../janus/janus-node.js';
import type { MediaFailure } from '../quality/domain/never-flowed.js';
import type { Measured, Sample } from '../quality/domain/sample.js';
import type { TriedFlows } from '../quality/flow-watch.js';
import type { Room, Rooms } from '../rooms/rooms.js';
import type { MediaSettings } from '../settings.js';
import { FrameIntake } from './frame-intake.js';
import type { Seat, SeatHolder } from './seat.js';
import { takeSeat } from './take-seat.js';

/** How a socket ends that broke, and did not close (RFC 6455 §7.1.5), or whose device takes it for broken. */
const broken: ReadonlySet<number> = new Set([1006, mediaGivenUpCode]);
const lookEveryMs = 1000;

export interface MediaSocketOwner {
  readonly tried: TriedFlows;
  /** @returns what the bearer may, who is among those that are told of the call from then on. */
  admit(socket: MediaSocket, token: string): Promise<MediaGrant>;
  /** Puts on record that it is in. Where that cannot be done, the socket fails. */
  record(socket: MediaSocket, grant: MediaGrant): Promise<void>;
  /** @returns the seat of the same device that is held by this key. */
  seatOf(key: string, grant: MediaGrant): Seat | undefined;
  /** It was put out while it was let into a room, which nobody else may have joined, or will. */
  cameTooLate(room: Room, grant: MediaGrant): Promise<void>;
  /** It broke: its seat is held for a while. */
  broke(socket: MediaSocket): void;
  /** Of a socket that broke, no media come any more: it keeps its device in the call no longer. */
  faded(socket: MediaSocket): void;
  closed(socket: MediaSocket): void;
  /** Its device told how its media comes and goes. */
  measured(grant: MediaGrant, sample: Omit<Sample, 'at'>): void;
  failed(error: unknown, doing: string): void;
}

type MediaSocketSettings = Pick<
  MediaSettings,
  | 'JOIN_TIMEOUT_MS'
  | 'ICE_SERVERS'
  | 'TURN_URLS'
  | 'TURN_SECRET'
  | 'TURN_CREDENTIAL_SECONDS'
  | 'FRAMES_PER_SECOND'
  | 'FRAME_BURST'
  | 'MAX_BUFFERED_BYTES'
  | 'RESUME_MS'
>;

/**
 * One device's media socket, which speaks for its seat: its offer to publish goes to Janus, the others' streams come back as offers to it.
 * Of one that breaks the seat is held for a while, so that its media go on, and another socket of the device may speak for it.
 */
export class MediaSocket implements SeatHolder {
  readonly sessionId = randomUUID() as SessionId;
  grant: MediaGrant | undefined;
  /** Set where it ended since nothing ever came through of its device. */
  failure: MediaFailure | undefined;
  #seat: Seat | undefined;
  #bans = new Bans();
  #joining = false;
  #knows: readonly string[] = [];
  #isMoved = false;
  #keepsMedia = false;
  #ending = false;
  #closed = false;
  readonly #signs: SignsOfLife;
  // Frames are worked on in the order they came: a candidate never overtakes the offer it belongs to.
  #queue: Promise<unknown> = Promise.resolve();
  readonly #intake: FrameIntake;
  readonly #joinTimer: NodeJS.Timeout;
  #held: NodeJS.Timeout | undefined;
  #looking: NodeJS.Timeout | undefined;

  constructor(
    private readonly socket: WebSocket,
    private readonly owner: MediaSocketOwner,
    private readonly rooms: Rooms,
    private readonly settings: MediaSocketSettings,
  ) {
    this.#signs = new SignsOfLife(socket);
    this.#intake = new FrameIntake(settings, Date.now());
    const late = () => this.fail(new ProblemError('connect_timeout', 'send a join frame first'));
    this.#joinTimer = setTimeout(late, settings.JOIN_TIMEOUT_MS);
    socket.on('message', (data, isBinary) => {
      try {
        inNewTrace(() => this.#onMessage(data, isBinary), { appId: this.grant?.appId, callId: this.grant?.callId });
      } catch (error) {
        this.fail(error);
      }
    });
    socket.on('error', () => undefined);
    socket.on('close', (code) => this.#onClose(code));
  }

  /** Where its media are carried. */
  get room(): Room | undefined {
    return this.#seat?.room;
  }

  isOn(node: JanusNode): boolean {
    return this.#seat?.node === node;
  }

  beat(now: number, heartbeatMs: number): void {
    this.#signs.beat(now, heartbeatMs);
  }

  /** Takes what whoever was let in may not send. */
  bind(bans: Bans): void {
    this.#bans = bans;
  }

  /** Keeps to what was forbidden, or allowed again, with an event of the call. Where Janus does not, the socket ends, and with it all it sends. */
  moderate(sequence: number, moderated: Moderated): void {
    this.#bans.take(sequence, moderated);
    this.#seat?.obey();
  }

  /**
   * Says why and closes.
   * @param keepsMedia whether what Janus has of it is left as it is, until Janus misses whoever is responsible for it.
   */
  end(reason: (MediaServerFrame & { type: 'closed' })['reason'], keepsMedia = false): void {
    if (this.#ending || this.#closed) return;
    this.send({ type: 'closed', reason });
    this.#ending = true;
    this.#keepsMedia = keepsMedia;
    if (this.#held) this.#finish();
    else this.#signs.close(1000, reason);
  }

  /** Has the device join anew, elsewhere: it leaves when it has. One that does not know how is put out. */
  move(): void {
    if (this.#isMoved || !this.#seat) return;
    this.#isMoved = true;
    if (this.#knows.includes('moved')) this.send({ type: 'moved' });
    else this.end('restarting', true);
  }

  /** @returns its seat, if that is held by this key, for another socket of the device to speak for; this one ends. */
  passOn(key: string, grant: MediaGrant): Seat | undefined {
    const seat = this.#seat;
    if (!seat || this.#isMoved || this.#ending || !isHeldBy(seat, key, grant)) return undefined;
    this.#seat = undefined;
    this.#ending = true;
    if (this.#held) this.#finish();
    else this.#signs.close(1000, 'resumed');
    return seat;
  }

  #onMessage(data: RawData, isBinary: boolean): void {
    const now = this.#signs.note();
    // What comes after a close was sent by whoever had not heard of it.
    if (this.#ending || this.#closed) return;
    const { frame, bytes, problem } = this.#intake.read(data, isBinary, { hasJoined: this.#joining, now });
    if (problem) return this.#sendError(problem);
    if (frame.type === 'ping') {
      this.#seat?.pinged(frame.nextWithinMs);
      return this.send({ type: 'pong' });
    }
    if (frame.type === 'quality' && this.#joining) return this.#seat?.measures(frame);
    const done = this.#intake.hold(bytes);
    if (!done) return this.fail(new ProblemError('rate_limited', 'Too many frames at once'));
    void this.#inTurn(() => this.#onFrame(frame)).then(done);
  }

  #inTurn(work: () => Promise<unknown>): Promise<unknown> {
    const done = this.#queue.then(work).catch((error: unknown) => this.fail(error));
    this.#queue = done;
    return done;
  }

  async #onFrame(frame: MediaClientFrame): Promise<void> {
    if (this.#ending || this.#closed) return;
    if (frame.type === 'join') return this.#join(frame);
    const seat = this.#seat;
    if (!seat) throw new ProblemError('unauthenticated', 'send a join frame first');
    if (frame.type === 'publish' && !seat.grant.rights.includes('publish'))
      throw new ProblemError('forbidden', 'This credential does not let its bearer publish');
    await seat.take(frame);
  }

  async #join({ token, resume, knows = [] }: MediaClientFrame & { type: 'join' }): Promise<void> {
    if (this.#joining) throw new ProblemError('invalid_request', 'This socket has joined already');
    this.#joining = true;
    this.#knows = knows;
    clearTimeout(this.#joinTimer);
    const grant = await this.owner.admit(this, token);
    this.grant = grant;
    noteInTrace({ appId: grant.appId, callId: grant.callId });
    // It closed while it was let in: the session that was opened for it must not outlive it.
    // Of a device that comes for its seat the socket before goes when this one is on record, and not sooner.
    if (resume !== undefined) await this.owner.record(this, grant);
    if (this.#closed) return this.owner.closed(this);
    if (this.#ending) return;
    const held = resume === undefined ? undefined : this.owner.seatOf(resume, grant);
    if (held) this.#goOn(held, grant);
    else await this.#begin(grant);
    // What rests on it is decided elsewhere, and later: whoever joins does not wait for it.
    if (this.#seat && resume === undefined) void this.owner.record(this, grant);
  }

  async #begin(grant: MediaGrant): Promise<void> {
    const seat = await takeSeat(this.rooms, { grant, bans: this.#bans, tried: this.owner.tried }, this);
    if (this.#closed || this.#ending) {
      await seat.leave();
      return this.owner.cameTooLate(seat.room, grant);
    }
    this.#seat = seat;
    this.#sayJoined(seat, grant);
    seat.begin();
  }

  #goOn(seat: Seat, grant: MediaGrant): void {
    seat.bans.takeAll(this.#bans);
    this.#bans = seat.bans;
    this.#seat = seat;
    this.#sayJoined(seat, grant, true);
    seat.passTo(this);
    seat.obey();
  }

  #sayJoined({ room: { node, generation }, streams, key }: Seat, grant: MediaGrant, resumed?: true): void {
    const iceServers = [...this.settings.ICE_SERVERS, ...turnServersFor(grant, this.settings, Date.now())];
    const knows = [...mediaDoorKnows];
    const { callId } = grant;
    this.send({ type: 'joined', callId, streams, node, generation, iceServers, resume: key, ...(resumed && { resumed }), knows });
  }

  send(frame: MediaServerFrame): void {
    if (frame.type === 'speaking' && !this.#knows.includes(frame.type)) return;
    if (this.#closed || this.socket.readyState !== this.socket.OPEN) return;
    if (this.socket.bufferedAmount > this.settings.MAX_BUFFERED_BYTES) return this.#signs.close(4003, 'the client reads too slowly');
    this.socket.send(JSON.stringify(frame));
  }

  measured(measured: Measured): void {
    if (!this.grant) return;
    const { userAlias, deviceId } = this.grant;
    this.owner.measured(this.grant, { userAlias, deviceId, sessionId: this.sessionId, measured });
  }

  neverFlowed(failure: MediaFailure): void {
    if (this.#ending || this.#closed) return;
    this.failure = failure;
    this.end('media_failed');
  }

  #sendError(problem: ProblemError): void {
    this.send({ type: 'error', error: problem.toSocketError(currentTraceId()) });
  }

  /** A socket that cannot join, or whose negotiation failed, is of no more use: the client starts anew. */
  fail(error: unknown): void {
    if (this.#ending || this.#closed) return;
    if (!(error instanceof ProblemError)) this.owner.failed(error, 'serving a media socket');
    this.#sendError(error instanceof ProblemError ? error : new ProblemError('media_unavailable'));
    this.#ending = true;
    if (this.#held) this.#finish();
    else this.#signs.close(4000, 'failed');
  }

  #onClose(code: number): void {
    clearTimeout(this.#joinTimer);
    if (!broken.has(code) || this.#ending || !this.#seat || this.settings.RESUME_MS === 0) return this.#finish();
    this.#held = setTimeout(() => this.#finish(), this.settings.RESUME_MS);
    this.owner.broke(this);
    const look = () => {
      if (this.#seat?.isFlowing) return;
      clearInterval(this.#looking);
      this.owner.faded(this);
    };
    this.#looking = setInterval(look, lookEveryMs);
    look();
  }

  #finish(): void {
    if (this.#closed) return;
    this.#closed = true;
    clearTimeout(this.#held);
    clearInterval(this.#looking);
    this.owner.closed(this);
    if (!this.#keepsMedia) this.#seat?.leave().catch((error: unknown) => this.owner.failed(error, 'closing a media socket'));
  }
}

/** Whether who shows a key, and was let in by a grant, is the device that a seat is of, and may do there what it may now. */
function isHeldBy({ key, grant: mine }: Seat, shown: string, grant: MediaGrant): boolean {
  const isSame = mine.callId === grant.callId && mine.userAlias === grant.userAlias && mine.deviceId === grant.deviceId;
  return isSame && key === shown && [...mine.rights].sort().join() === [...grant.rights].sort().join();
}
