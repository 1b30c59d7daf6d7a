import { randomBytes, randomUUID } from 'node:crypto';
import type { MediaClientFrame, MediaServerFrame, Stream, StreamKind } from '@communication-center/contracts';
import type { MediaGrant } from '@communication-center/contracts/media-grant';
import type { QualityFrame } from '@communication-center/contracts/quality';
import { currentTraceId, ProblemError } from '@communication-center/service';
import Janode from 'janode';
import VideoRoomPlugin, { type Publisher, type VideoRoomHandle } from 'janode/plugins/videoroom';
import type { Bans } from '../follow-calls/bans.js';
import type { JanusNode } from '../janus/janus-node.js';
import type { MediaFailure } from '../quality/domain/never-flowed.js';
import type { Measured } from '../quality/domain/sample.js';
import type { TriedFlows } from '../quality/flow-watch.js';
import { SocketQuality } from '../quality/socket-quality.js';
import type { Room, Rooms } from '../rooms/rooms.js';
import { JanusPublication } from './janus-publication.js';
import { JanusSubscription } from './janus-subscription.js';
import { OthersStreams, type StreamFrame } from './others-streams.js';
import { Speakers, sectionKey } from './speakers.js';
import { StreamRoom, type Wanted } from './stream-room.js';
import { ToldOfPublisher } from './told-of-publisher.js';

/** Whose seat it is, what they may not send, and whether anything of their device ever came. */
export interface SeatTerms {
  grant: MediaGrant;
  bans: Bans;
  tried: TriedFlows;
}

type Ending = (MediaServerFrame & { type: 'closed' })['reason'];

/** Who speaks for a seat at the moment: the media socket of its device. */
export interface SeatHolder {
  send(frame: MediaServerFrame): void;
  fail(error: unknown): void;
  end(reason: Ending): void;
  /** Its device told, or Janus did, how its media comes and goes. */
  measured(measured: Measured): void;
  /** Nothing ever came through of what its device says that it sends. */
  neverFlowed(failure: MediaFailure): void;
}

/**
 * The place of one device in a call's media: what it sends and receives at Janus. It may outlive the socket it was taken by, and then
 * goes on unseen until another socket of its device speaks for it. What is asked of it is done in order, whoever asks.
 */
export class Seat {
  /** Who shows this may speak for the seat: told to its device alone. */
  readonly key = randomBytes(24).toString('base64url');
  readonly #others: OthersStreams;
  readonly #early: (() => void)[] = [];
  readonly #told: ToldOfPublisher;
  readonly #speakers = new Speakers((heard) => this.#tellSpeakers(heard));
  readonly #publication: JanusPublication;
  readonly #streamRoom: StreamRoom;
  #wanted: Wanted | undefined;
  #said: (MediaClientFrame & { type: 'sending' }) | undefined;
  readonly #quality: SocketQuality;
  #subscription: JanusSubscription | undefined;
  #queue: Promise<unknown> = Promise.resolve();
  #isSettled = false;
  #over: Ending | undefined;
  #hasBegun = false;
  #hasLeft = false;

  private constructor(
    readonly node: JanusNode,
    private place: Room,
    readonly grant: MediaGrant,
    private readonly publisher: VideoRoomHandle,
    { bans, tried }: { bans: Bans; tried: TriedFlows },
    private holder: SeatHolder,
  ) {
    this.#others = new OthersStreams(grant);
    this.#streamRoom = new StreamRoom(grant);
    // Everyone's name travels as the feed's display text, which only this service reads.
    this.#told = new ToldOfPublisher(grant, () => void this.#inTurn(() => this.#publication.tell(this.#told.display)));
    this.#publication = new JanusPublication(node, publisher, place, bans);
    this.#quality = new SocketQuality({
      ...{ grant, publisher, others: this.#others, tried },
      sends: () => this.#told.sendsAnything,
      isThere: () => node.isWell && !this.#told.isOverdue,
      keep: (measured) => this.holder.measured(measured),
      onFailed: (failure) => this.holder.neverFlowed(failure),
    });
    this.#listen();
  }

  /** Takes a seat in a room; it says nothing to who holds it before it is settled ({@link settle}). @throws ProblemError `media_unavailable`. */
  static async in(room: Room, rooms: Pick<Rooms, 'nodeOf' | 'join'>, { grant, ...own }: SeatTerms, holder: SeatHolder): Promise<Seat> {
    const node = rooms.nodeOf(room);
    const publisher = await node.attach();
    try {
      const seat = new Seat(node, room, grant, publisher, own, holder);
      const { publishers, private_id } = await rooms.join(publisher, room, { feed: randomUUID(), display: seat.#told.display });
      const where = { room: room.callId, pin: room.pin, privateId: private_id };
      const say = (frame: MediaServerFrame) => seat.holder.send(frame);
      seat.#subscription = new JanusSubscription(node, where, say, (error) => seat.holder.fail(error));
      seat.#others.list(publishers);
      return seat;
    } catch (error) {
      await publisher.detach().catch(() => undefined);
      throw error;
    }
  }

  /** Where it is. */
  get room(): Room {
    return this.place;
  }

  /** It is where the call is carried. */
  settle(room: Room): void {
    this.place = room;
    this.#isSettled = true;
    if (this.#over) this.holder.end(this.#over);
  }

  get streams(): Stream[] {
    return this.#others.all;
  }

  /** Whether any media of its device comes. */
  get isFlowing(): boolean {
    return this.#told.isFlowing;
  }

  get bans(): Bans {
    return this.#publication.bans;
  }

  /** The device has heard that it has the seat: what has changed since is told, and what the others send is offered. */
  begin(): void {
    this.#subscribe();
    for (const tell of this.#early.splice(0)) tell();
    this.#hasBegun = true;
  }

  /** From now on somebody else speaks for it, who has heard of the streams that are there; what may not have been heard is said again. */
  passTo(holder: SeatHolder): void {
    this.holder = holder;
    this.#subscription?.offerAgain();
    this.#speakers.again();
  }

  /** The device sends what it can, and says what that is. @returns when it is done. */
  take(frame: MediaClientFrame): Promise<unknown> {
    return this.#inTurn(() => this.#take(frame));
  }

  pinged(nextWithinMs: number | undefined): void {
    this.#told.pinged(nextWithinMs);
  }

  /** Has kept what the device says of how its media goes. */
  measures(frame: QualityFrame): void {
    this.#quality.take(frame, this.#subscription?.handle);
  }

  /** Has Janus do what the bans say by now. */
  obey(): void {
    void this.#inTurn(() => this.#publication.obey());
  }

  /** Gives everything back that Janus has of it. */
  async leave(): Promise<void> {
    if (this.#hasLeft) return;
    this.#hasLeft = true;
    this.#told.stop();
    this.#speakers.stop();
    this.#quality.flow.stop();
    await this.#subscription?.close();
    await this.publisher.detach().catch(() => undefined);
  }

  async #take(frame: MediaClientFrame): Promise<void> {
    if (frame.type === 'publish') {
      // Who does not say what it sends is taken to send.
      await this.#want(this.#wanted ?? { camera: true, screen: frame.screen !== undefined });
      const answer = await this.#publication.publish(frame.sdp, this.#told.tell(), frame.screen);
      if (answer !== undefined) this.holder.send({ type: 'published', sdp: answer });
      this.#quality.flow.begin();
    } else if (frame.type === 'sending') await this.#says(frame);
    else if (frame.type === 'unwatched') this.#subscription?.unwatch(frame.streamIds);
    else if (frame.type === 'sizes') this.#subscription?.show(frame.sizes);
    else if (frame.type === 'answer') await this.#subscription?.answer(frame.sdp);
    else if (frame.type === 'restart') this.#subscription?.restart();
    else if (frame.type === 'candidate') await this.#trickle(frame);
  }

  /** Tells the others what it sends, as far as the call has room for it. */
  async #says(frame: MediaClientFrame & { type: 'sending' }): Promise<void> {
    await this.#want({ camera: frame.video === 'on', screen: frame.screen?.video === 'on' });
    this.#said = frame;
    this.#tellSending();
  }

  #tellSending(): void {
    if (!this.#said) return;
    const { withheld } = this.#streamRoom;
    const video = withheld.has('camera') && this.#said.video === 'on' ? 'off' : this.#said.video;
    this.#told.sends({ ...this.#said, video, screen: withheld.has('screen') ? undefined : this.#said.screen });
  }

  async #want(wanted: Wanted): Promise<void> {
    this.#wanted = wanted;
    const before = [...this.#streamRoom.withheld].join();
    const refused = this.#streamRoom.want(wanted, this.#others.claims, Date.now());
    this.#told.letIn(this.#streamRoom.letIn);
    if ([...this.#streamRoom.withheld].join() !== before) await this.#publication.withhold(this.#streamRoom.withheld);
    this.#refuse(refused);
  }

  /** Somebody else who was let in first may have filled the call. */
  async #giveWay(): Promise<void> {
    const { feed } = this.#publication;
    const lost = feed === undefined ? [] : this.#streamRoom.giveWay(feed, this.#others.claims);
    if (lost.length === 0) return;
    this.#told.letIn(this.#streamRoom.letIn);
    this.#tellSending();
    await this.#publication.withhold(this.#streamRoom.withheld);
    this.#refuse(lost);
  }

  #refuse(kinds: readonly StreamKind[]): void {
    const error = new ProblemError('too_many_streams').toSocketError(currentTraceId());
    for (const what of kinds) this.holder.send({ type: 'refused', what, error });
  }

  async #trickle({ peer, candidate }: MediaClientFrame & { type: 'candidate' }): Promise<void> {
    const handle = peer === 'publisher' ? this.publisher : this.#subscription?.handle;
    if (peer === 'publisher' && candidate) this.#quality.flow.named();
    if (handle) await this.node.ask(candidate ? handle.trickle(candidate) : handle.trickleComplete());
  }

  #inTurn(work: () => Promise<unknown>): Promise<unknown> {
    const done = this.#queue.then(() => (this.#hasLeft ? undefined : work())).catch((error: unknown) => this.holder.fail(error));
    this.#queue = done;
    return done;
  }

  #listen(): void {
    const { VIDEOROOM_TALKING, VIDEOROOM_PUB_LIST, VIDEOROOM_DISPLAY, VIDEOROOM_UNPUBLISHED, VIDEOROOM_LEAVING, VIDEOROOM_DESTROYED } =
      VideoRoomPlugin.EVENT;
    const { publisher } = this;
    publisher.on(Janode.EVENT.HANDLE_MEDIA, ({ mid, receiving }: { mid?: string; receiving?: boolean }) => {
      this.#told.receives(mid ?? '', receiving === true);
    });
    publisher.on(VIDEOROOM_DISPLAY, ({ feed, display }: Publisher) =>
      this.#guarded(() => this.#tell(this.#others.redisplay(feed, display))),
    );
    publisher.on(VIDEOROOM_PUB_LIST, ({ publishers }: { publishers: Publisher[] }) => {
      this.#guarded(() => this.#tell(this.#others.list(publishers)));
    });
    publisher.on(VIDEOROOM_TALKING, (said: { feed: string; mid?: string; talking: boolean }) => {
      this.#guarded(() => this.#speakers.note(said));
    });
    const gone = ({ feed }: { feed: string }) =>
      this.#guarded(() => {
        this.#speakers.forget(feed);
        this.#tell(this.#others.remove(feed));
      });
    publisher.on(VIDEOROOM_UNPUBLISHED, gone);
    publisher.on(VIDEOROOM_LEAVING, gone);
    publisher.on(VIDEOROOM_DESTROYED, () => this.#end('call_ended'));
    publisher.on(Janode.EVENT.HANDLE_DETACHED, () => this.#end('media_lost'));
  }

  /** A seat that was left has nothing to say, and one that is not settled yet may turn out to be nobody's. */
  #end(reason: Ending): void {
    this.#over ??= reason;
    if (this.#isSettled && !this.#hasLeft) this.holder.end(reason);
  }

  /** What changes in the room after the join was answered, and before that answer was taken up, is told after it. Whatever Janus tells one seat ends with it. */
  #guarded(tell: () => void): void {
    const guarded = () => {
      try {
        tell();
      } catch (error) {
        this.holder.fail(error);
      }
    };
    if (this.#hasBegun) guarded();
    else this.#early.push(guarded);
  }

  /** Tells what is different with the others' streams, and offers what there is of them now. */
  #tell(frames: readonly StreamFrame[]): void {
    for (const frame of frames) this.holder.send(frame);
    this.#subscribe();
    void this.#inTurn(() => this.#giveWay());
  }

  /** In which streams of others somebody speaks: what of a feed carries no stream, or is one's own, is passed over. */
  #tellSpeakers(heard: ReadonlySet<string>): void {
    const spoken = this.#others.sections.filter(({ feed, mid }) => heard.has(sectionKey(feed, mid)));
    this.holder.send({ type: 'speaking', streamIds: [...new Set(spoken.map(({ streamId }) => streamId))] });
  }

  #subscribe(): void {
    if (this.grant.rights.includes('subscribe')) this.#subscription?.want(this.#others.sections);
  }
}
