import { randomUUID } from 'node:crypto';
import {
  type MediaClientFrame,
  type MediaServerFrame,
  mediaClientFrameSchema,
  mediaDoorKnows,
  type SessionId,
} from '@communication-center/contracts';
import type { MediaGrant, MediaRight } from '@communication-center/contracts/media-grant';
import {
  bytesOf,
  currentTraceId,
  FrameBudget,
  inNewTrace,
  noteInTrace,
  ProblemError,
  readFrame,
  SignsOfLife,
} from '@communication-center/service';
import Janode from 'janode';
import VideoRoomPlugin, { type Publisher, type VideoRoomHandle } from 'janode/plugins/videoroom';
import type { RawData, WebSocket } from 'ws';
import { turnServersFor } from '../credentials/turn-servers.js';
import { Bans, type Moderated } from '../follow-calls/bans.js';
import type { JanusNode } from '../janus/janus-node.js';
import type { Sample } from '../quality/domain/sample.js';
import type { TriedFlows } from '../quality/flow-watch.js';
import { SocketQuality } from '../quality/socket-quality.js';
import type { Rooms } from '../rooms/rooms.js';
import type { MediaSettings } from '../settings.js';
import { JanusPublication } from './janus-publication.js';
import { JanusSubscription } from './janus-subscription.js';
import { OthersStreams, type StreamFrame } from './others-streams.js';
import { ToldOfPublisher } from './told-of-publisher.js';

const maxFrameBytes = 131_072;
/** Far more than a negotiation with all its candidates needs at once. */
const maxWaitingFrames = 200;
/** Of all that wait; the largest offer is half of it. */
const maxWaitingBytes = 262_144;
/** Nobody has signed in yet: a join frame with the longest token is an eighth of it. */
const maxJoinBytes = 32_768;

export interface MediaSocketOwner {
  readonly tried: TriedFlows;
  admit(socket: MediaSocket, token: string): Promise<MediaGrant>;
  closed(socket: MediaSocket): void;
  /** Its device told how its media comes and goes. */
  measured(grant: MediaGrant, sample: Omit<Sample, 'at'>): void;
  failed(error: unknown, doing: string): void;
}

interface Joined {
  publication: JanusPublication;
  told: ToldOfPublisher;
  subscription: JanusSubscription;
  quality: SocketQuality;
}

/** One device's media socket: its offer to publish goes to Janus, the others' streams come back as offers to it. */
export class MediaSocket {
  readonly sessionId = randomUUID() as SessionId;
  grant: MediaGrant | undefined;
  #joined: Joined | undefined;
  #bans = new Bans();
  readonly #others = new OthersStreams();
  readonly #early: (() => void)[] = [];
  #joining = false;
  #closed = false;
  readonly #signs: SignsOfLife;
  // Frames are worked on in the order they came: a candidate never overtakes the offer it belongs to.
  #queue: Promise<unknown> = Promise.resolve();
  #waitingFrames = 0;
  #waitingBytes = 0;
  readonly #budget: FrameBudget;
  readonly #joinTimer: NodeJS.Timeout;

  constructor(
    private readonly socket: WebSocket,
    private readonly owner: MediaSocketOwner,
    private readonly janus: JanusNode,
    private readonly rooms: Rooms,
    private readonly settings: Pick<
      MediaSettings,
      | 'JOIN_TIMEOUT_MS'
      | 'ICE_SERVERS'
      | 'TURN_URLS'
      | 'TURN_SECRET'
      | 'TURN_CREDENTIAL_SECONDS'
      | 'FRAMES_PER_SECOND'
      | 'FRAME_BURST'
      | 'MAX_BUFFERED_BYTES'
    >,
  ) {
    this.#signs = new SignsOfLife(socket);
    this.#budget = new FrameBudget(settings.FRAME_BURST, settings.FRAMES_PER_SECOND, Date.now());
    const late = () => this.#fail(new ProblemError('connect_timeout', 'send a join frame first'));
    this.#joinTimer = setTimeout(late, settings.JOIN_TIMEOUT_MS);
    socket.on('message', (data, isBinary) => {
      try {
        inNewTrace(() => this.#onMessage(data, isBinary), { appId: this.grant?.appId, callId: this.grant?.callId });
      } catch (error) {
        this.#fail(error);
      }
    });
    socket.on('error', () => undefined);
    socket.on('close', () => void this.#onClose().catch((error: unknown) => this.owner.failed(error, 'closing a media socket')));
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
    void this.#inTurn(async () => this.#joined?.publication.obey());
  }

  /** Says why and closes. */
  end(reason: (MediaServerFrame & { type: 'closed' })['reason']): void {
    if (this.#closed) return;
    this.#send({ type: 'closed', reason });
    this.#signs.close(1000, reason);
  }

  #onMessage(data: RawData, isBinary: boolean): void {
    const now = this.#signs.note();
    // What comes after a close was sent by whoever had not heard of it.
    if (this.#closed) return;
    const bytes = bytesOf(data);
    const most = this.#joining ? maxFrameBytes : maxJoinBytes;
    if (bytes.length > most) return this.#sendError(new ProblemError('frame_too_large', `send at most ${most} bytes`));
    if (!this.#budget.take(now)) return this.#sendError(new ProblemError('rate_limited', 'Too many frames: slow down'));
    if (isBinary) return this.#sendError(new ProblemError('malformed_frame', 'Send text frames of JSON'));
    const { frame, problem } = readFrame(mediaClientFrameSchema, bytes);
    if (problem) return this.#sendError(problem);
    if (frame.type === 'ping') {
      this.#joined?.told.pinged(frame.nextWithinMs);
      return this.#send({ type: 'pong' });
    }
    if (frame.type === 'quality' && this.#joining) return this.#joined?.quality.take(frame, this.#joined.subscription.handle);
    if (this.#waitingFrames >= maxWaitingFrames || this.#waitingBytes + bytes.length > maxWaitingBytes)
      return this.#fail(new ProblemError('rate_limited', 'Too many frames at once'));
    this.#waitingFrames += 1;
    this.#waitingBytes += bytes.length;
    void this.#inTurn(() => this.#onFrame(frame)).then(() => {
      this.#waitingFrames -= 1;
      this.#waitingBytes -= bytes.length;
    });
  }

  #inTurn(work: () => Promise<unknown>): Promise<unknown> {
    const done = this.#queue.then(work).catch((error: unknown) => this.#fail(error));
    this.#queue = done;
    return done;
  }

  async #onFrame(frame: MediaClientFrame): Promise<void> {
    if (this.#closed) return;
    if (frame.type === 'join') return this.#join(frame.token);
    const joined = this.#joined;
    if (!joined) throw new ProblemError('unauthenticated', 'send a join frame first');
    if (frame.type === 'publish') await this.#publish(joined, frame);
    else if (frame.type === 'sending') joined.told.sends(frame);
    else if (frame.type === 'unwatched') joined.subscription.unwatch(frame.streamIds);
    else if (frame.type === 'answer') await joined.subscription.answer(frame.sdp);
    else if (frame.type === 'candidate') await this.#trickle(joined, frame);
  }

  async #join(token: string): Promise<void> {
    if (this.#joining) throw new ProblemError('invalid_request', 'This socket has joined already');
    this.#joining = true;
    clearTimeout(this.#joinTimer);
    const grant = await this.owner.admit(this, token);
    this.grant = grant;
    noteInTrace({ appId: grant.appId, callId: grant.callId });
    // It closed while it was let in: the session that was opened for it must not outlive it.
    if (this.#closed) return this.owner.closed(this);
    const room = await this.rooms.place(grant);
    const publisher = await this.janus.attach();
    try {
      // Everyone's name travels as the feed's display text, which only this service reads.
      const told = new ToldOfPublisher(grant, () => this.#inTurn(() => this.#tellOf(told)));
      this.#listen(publisher, told);
      const quality = this.#qualityOf(grant, publisher, told);
      const { publishers, private_id } = await this.rooms.join(publisher, room, { feed: randomUUID(), display: told.display });
      const subscription = new JanusSubscription(
        this.janus,
        { room: room.callId, pin: room.pin, privateId: private_id },
        (frame) => this.#send(frame),
        (error) => this.#fail(error),
      );
      if (this.#closed) return;
      this.#joined = { publication: new JanusPublication(this.janus, publisher, room, this.#bans), told, subscription, quality };
      this.#others.list(publishers);
      const streams = this.#others.all;
      const { node, generation } = room;
      const iceServers = [...this.settings.ICE_SERVERS, ...turnServersFor(grant, this.settings, Date.now())];
      this.#send({ type: 'joined', callId: grant.callId, streams, node, generation, iceServers, knows: [...mediaDoorKnows] });
      this.#subscribe();
      for (const tell of this.#early.splice(0)) tell();
    } finally {
      if (!this.#joined || this.#closed) await publisher.detach().catch(() => undefined);
    }
  }

  #qualityOf(grant: MediaGrant, publisher: VideoRoomHandle, told: ToldOfPublisher): SocketQuality {
    const { userAlias, deviceId } = grant;
    return new SocketQuality({
      ...{ grant, publisher, others: this.#others, tried: this.owner.tried },
      sends: () => told.sendsAnything,
      keep: (measured) => this.owner.measured(grant, { userAlias, deviceId, sessionId: this.sessionId, measured }),
    });
  }

  #listen(publisher: VideoRoomHandle, told: ToldOfPublisher): void {
    const { VIDEOROOM_PUB_LIST, VIDEOROOM_DISPLAY, VIDEOROOM_UNPUBLISHED, VIDEOROOM_LEAVING, VIDEOROOM_DESTROYED } = VideoRoomPlugin.EVENT;
    publisher.on(Janode.EVENT.HANDLE_MEDIA, ({ mid, receiving }: { mid?: string; receiving?: boolean }) => {
      told.receives(mid ?? '', receiving === true);
    });
    publisher.on(VIDEOROOM_DISPLAY, ({ feed, display }: Publisher) =>
      this.#guarded(() => this.#tell(this.#others.redisplay(feed, display))),
    );
    publisher.on(VIDEOROOM_PUB_LIST, ({ publishers }: { publishers: Publisher[] }) => {
      this.#guarded(() => this.#tell(this.#others.list(publishers)));
    });
    const gone = ({ feed }: { feed: string }) => this.#guarded(() => this.#tell(this.#others.remove(feed)));
    publisher.on(VIDEOROOM_UNPUBLISHED, gone);
    publisher.on(VIDEOROOM_LEAVING, gone);
    publisher.on(VIDEOROOM_DESTROYED, () => this.end('call_ended'));
    publisher.on(Janode.EVENT.HANDLE_DETACHED, () => this.end('media_lost'));
  }

  /** Whatever Janus tells one socket ends with that socket. */
  #guarded(tell: () => void): void {
    this.#onceJoined(() => {
      try {
        tell();
      } catch (error) {
        this.#fail(error);
      }
    });
  }

  /** What changes in the room after the join was answered, and before that answer was taken up, is told after it. */
  #onceJoined(tell: () => void): void {
    if (this.#joined) tell();
    else this.#early.push(tell);
  }

  /** Tells what is different with the others' streams, and offers what there is of them now. */
  #tell(frames: readonly StreamFrame[]): void {
    for (const frame of frames) this.#send(frame);
    this.#subscribe();
  }

  #subscribe(): void {
    if (this.#may('subscribe')) this.#joined?.subscription.want(this.#others.sections);
  }

  #may(right: MediaRight): boolean {
    return this.grant?.rights.includes(right) === true;
  }

  async #publish({ publication, told, quality }: Joined, { sdp, screen }: MediaClientFrame & { type: 'publish' }): Promise<void> {
    if (!this.#may('publish')) throw new ProblemError('forbidden', 'This credential does not let its bearer publish');
    const answer = await publication.publish(sdp, told.display, screen);
    if (answer !== undefined) this.#send({ type: 'published', sdp: answer });
    quality.flow.begin();
  }

  async #tellOf({ display }: ToldOfPublisher): Promise<void> {
    if (!this.#closed) await this.#joined?.publication.tell(display);
  }

  async #trickle(
    { publication, subscription, quality }: Joined,
    { peer, candidate }: MediaClientFrame & { type: 'candidate' },
  ): Promise<void> {
    const handle = peer === 'publisher' ? publication.handle : subscription.handle;
    if (peer === 'publisher' && candidate) quality.flow.named();
    if (!handle) return;
    await this.janus.ask(candidate ? handle.trickle(candidate) : handle.trickleComplete());
  }

  #send(frame: MediaServerFrame): void {
    if (this.#closed || this.socket.readyState !== this.socket.OPEN) return;
    if (this.socket.bufferedAmount > this.settings.MAX_BUFFERED_BYTES) return this.#signs.close(4003, 'the client reads too slowly');
    this.socket.send(JSON.stringify(frame));
  }

  #sendError(problem: ProblemError): void {
    this.#send({ type: 'error', error: problem.toSocketError(currentTraceId()) });
  }

  /** A socket that cannot join, or whose negotiation failed, is of no more use: the client starts anew. */
  #fail(error: unknown): void {
    if (this.#closed) return;
    if (!(error instanceof ProblemError)) this.owner.failed(error, 'serving a media socket');
    this.#sendError(error instanceof ProblemError ? error : new ProblemError('media_unavailable'));
    this.#signs.close(4000, 'failed');
  }

  async #onClose(): Promise<void> {
    this.#closed = true;
    clearTimeout(this.#joinTimer);
    this.#joined?.told.stop();
    this.#joined?.quality.flow.stop();
    this.owner.closed(this);
    await this.#joined?.subscription.close();
    await this.#joined?.publication.handle.detach().catch(() => undefined);
  }
}
