import { type MediaClientFrame, type MediaCredentials, mediaClientKnows } from '@communication-center/contracts';
import type { ClientSocketClass } from './client-socket.js';
import { IceRestarts } from './ice-restarts.js';
import type { JoinedFrame, LinkListener } from './link-listener.js';
import { LinkPeers } from './link-peers.js';
import { LinkPulse } from './link-pulse.js';
import { LinkSocket, type LinkSocketListener, type MediaFrame } from './link-socket.js';
import { LinkTells } from './link-tells.js';
import { type LinkSends, MediaPublisher, type Section } from './media-publisher.js';
import { MediaReceiver } from './media-receiver.js';
import { QualitySampler } from './quality-sampler.js';
import { pingInCallMs } from './silence.js';
import { takeFrame } from './take-frame.js';

export type { ToldStream } from './media-receiver.js';

export interface LinkOptions {
  webSocket: ClientSocketClass;
  sends: LinkSends;
}

const joinTimeoutMs = 15_000;
/** A socket that has left so many pings without an answer, while media comes, is no good any more. */
const deafPings = 6;
/** How soon a socket answers that leads somewhere, in milliseconds. */
const answerMs = 1500;

/**
 * One media socket with its two peer connections, which may outlive it and go on with another. It may be made before it may be opened: what
 * the platform needs time for is done by then.
 */
export class MediaLink {
  readonly #webSocket: ClientSocketClass;
  #url: string | undefined;
  #socket = new LinkSocket(this.#ears());
  readonly #peers: LinkPeers;
  readonly #publisher: MediaPublisher;
  readonly #receiver: MediaReceiver;
  readonly #listener: LinkListener;
  readonly #pulse: LinkPulse;
  readonly #restarts: IceRestarts;
  readonly #quality: QualitySampler;
  readonly #tells: LinkTells;
  #heartbeat: ReturnType<typeof setInterval> | undefined;
  #joining: ReturnType<typeof setTimeout> | undefined;
  /** Frames that the door knows beyond those of the first release. */
  #doorKnows: readonly string[] = [];
  #resume: string | undefined;
  #queue: Promise<void> = Promise.resolve();
  #isJoined = false;
  #isBroken = false;
  /** Another is to take its place, whatever becomes of its socket. */
  #isMoved = false;
  #closed = false;

  /** @throws Error of the platform. */
  constructor({ webSocket, sends }: LinkOptions, listener: LinkListener) {
    this.#webSocket = webSocket;
    this.#listener = listener;
    this.#peers = new LinkPeers({
      found: (frame) => this.#send(frame),
      stateChanged: (end, state) => {
        this.#restarts.stateChanged(end, state);
        if (state !== 'failed') this.#pulse.stateChanged();
      },
    });
    const taken = { ...sends, sections: () => sends.sections().filter((section) => this.#takes(section)) };
    this.#publisher = new MediaPublisher(this.#peers.publishing, taken, (offer) => this.#send(offer));
    this.#receiver = new MediaReceiver(this.#peers.subscribing, (sdp) => this.#send({ type: 'answer', sdp }), listener);
    this.#quality = new QualitySampler({
      everyMs: sends.qualityEveryMs,
      measure: () =>
        this.#peers.measure(
          (mid) => this.#publisher.sectionOf(mid),
          (mid) => this.#receiver.streamOf(mid),
        ),
      tell: (sample) => this.#send(sample),
    });
    this.#tells = new LinkTells({
      sends,
      publisher: this.#publisher,
      knows: (what) => this.#doorKnows.includes(what),
      send: (frame) => this.#send(frame),
    });
    this.#pulse = new LinkPulse(this.#peers.both, (isQuiet) => listener.quiet(isQuiet));
    this.#restarts = new IceRestarts({
      mayAsk: () => !this.#closed && !this.#isBroken && this.#doorKnows.includes('ice.restart') && this.#socket.unanswered <= 2,
      isAstray: () => this.#pulse.isAstray,
      restart: () => this.#restart(),
      giveUp: (error) => this.#lost(error),
    });
  }

  /** Has the platform work out what it will offer, before it may be opened. */
  makeReady(): void {
    this.#publisher.prepare();
  }

  /** Where its door is; undefined before it is opened. */
  get url(): string | undefined {
    return this.#url;
  }

  /** @param resume is what the link that broke was told to show. @throws Error of the platform. */
  open({ url, token, iceServers }: MediaCredentials, resume?: string): void {
    this.#url = url;
    this.#socket.open(this.#webSocket, url, { type: 'join', token, knows: [...mediaClientKnows], ...(resume && { resume }) });
    this.#peers.use(iceServers as RTCIceServer[]);
    // One that is to go on with the connections of another sends nothing itself.
    if (!resume) this.#publisher.prepare();
    this.#heartbeat = setInterval(() => this.#beat(), pingInCallMs);
    this.#joining = setTimeout(() => this.#lost(new Error('The media socket was not joined in time')), joinTimeoutMs);
  }

  close(): void {
    if (this.#closed) return;
    this.#end();
    this.#socket.close();
  }

  #end(): void {
    this.#closed = true;
    clearInterval(this.#heartbeat);
    clearTimeout(this.#joining);
    this.#pulse.stop();
    this.#restarts.stop();
    this.#quality.stop();
    this.#peers.close();
  }

  /** What to show to have its connections go on with another socket; undefined where they cannot. */
  get resume(): string | undefined {
    return this.#resume;
  }

  /** Whether nothing comes through. */
  get isQuiet(): boolean {
    return this.#pulse.isQuiet;
  }

  /** Goes on with a socket that another link opened for it. */
  goOn(socket: LinkSocket, frame: JoinedFrame): void {
    this.#isBroken = false;
    this.#socket.close();
    this.#socket = socket;
    socket.passTo(this.#ears());
    this.#take(frame);
    this.#receiver.list(frame.streams);
    this.#beat();
    this.#tells.sending();
    this.#publisher.offerAgain();
    const isAstray = this.isQuiet || this.#peers.isLost;
    this.#pulse.mended();
    if (isAstray) this.#restarts.now();
  }

  /** Has its connections find their way anew, where the socket answers; where it does not, it is given up. */
  findWay(): void {
    if (!this.isListening) return;
    const before = this.#socket;
    const answers = before.isHeardWithin(answerMs);
    this.#beat();
    void answers.then((has) => {
      if (!this.isListening || this.#socket !== before) return;
      if (has) this.#restarts.now();
      else this.#break();
    });
  }

  /** Gives up its socket; its connections go on. */
  giveUpSocket(): void {
    if (this.isListening) this.#break();
  }

  /** Has another link take its place, to which its connections are of no use. */
  giveWay(): void {
    this.#move();
    this.#listener.moved();
  }

  #move(): void {
    this.#isMoved = true;
    this.#resume = undefined;
  }

  /** Whether it is joined, and would notice that something comes through again. */
  get isListening(): boolean {
    return this.#isJoined && !this.#closed && !this.#isBroken;
  }

  /** Whether it is joined, and something comes through; a socket may need many seconds to know. */
  async isWell(): Promise<boolean> {
    return this.isListening && (await this.#pulse.isWell());
  }

  /** Whether the others would get a screen; undefined before that is known. */
  get takesScreen(): boolean | undefined {
    return this.#isJoined ? this.#doorKnows.includes('screen') : undefined;
  }

  /** Sends what there is of a section now, without a negotiation. */
  send(section: Section): void {
    this.#publisher.send(section);
  }

  /** Sends sections that have come besides, over the same connection. @returns false where the door takes no more: that needs another link. */
  extend(): boolean {
    if (!this.#isJoined) return true;
    if (!this.#doorKnows.includes('publish.again')) return false;
    this.#inTurn(() => this.#publisher.extend());
    return true;
  }

  /** What it tells the door of this device. */
  get tells(): LinkTells {
    return this.#tells;
  }

  #takes(section: Section): boolean {
    return section === 'audio' || section === 'video' || this.takesScreen === true;
  }

  #beat(): void {
    // A platform may need a quarter of an hour to find that a socket leads nowhere.
    if (this.isListening && this.#resume && this.#socket.unanswered >= deafPings && this.#pulse.isFlowing) return this.#break();
    this.#restarts.look();
    this.#tells.ping();
    if (this.isListening) void this.#tells.lookAtLayers();
  }

  #ears(): LinkSocketListener {
    return {
      frame: (frame) => this.#onMessage(frame),
      closed: () => this.#onSocketClosed(),
    };
  }

  #onMessage(frame: MediaFrame): void {
    if (this.#closed) return;
    // Whatever follows is for the link that broke.
    if (frame.type === 'joined' && frame.resumed) return this.#surrender(frame);
    this.#pulse.heard();
    // One after the other: an offer is answered before the next is looked at.
    this.#inTurn(() =>
      takeFrame(frame, {
        publisher: this.#publisher,
        receiver: this.#receiver,
        listener: this.#listener,
        joined: (told) => this.#onJoined(told),
        moved: () => this.#move(),
        ended: (reason) => this.#onEnd(reason),
      }),
    );
  }

  #onSocketClosed(): void {
    if (this.isListening && this.#resume) this.#break();
    else if (this.#isMoved) this.#mute();
    else if (!this.#isBroken) this.#lost(undefined);
  }

  /** The socket is gone, and its connections are not. */
  #break(): void {
    if (this.#isBroken || this.#closed) return;
    this.#mute();
    this.#listener.broke();
  }

  #mute(): void {
    this.#isBroken = true;
    this.#socket.passTo({ frame: () => undefined, closed: () => undefined });
    // What is closed in order is over at the door.
    if (this.#resume === undefined) this.#socket.close();
    else this.#socket.giveUp();
    this.#pulse.broke();
  }

  async #restart(): Promise<void> {
    this.#send({ type: 'restart' });
    this.#inTurn(() => this.#publisher.restart());
  }

  #inTurn(work: () => Promise<void> | void): void {
    this.#queue = this.#queue.then(() => (this.#closed ? undefined : work())).catch((error: unknown) => this.#lost(error));
  }

  async #onJoined(frame: JoinedFrame): Promise<void> {
    clearTimeout(this.#joining);
    this.#isJoined = true;
    this.#take(frame);
    this.#receiver.list(frame.streams);
    // From now on others are told when the next is overdue.
    if (this.#doorKnows.includes('ping.nextWithinMs')) this.#tells.ping();
    if (this.#doorKnows.includes('quality')) this.#quality.start();
    this.#listener.joined(frame.streams);
    this.#tells.sending();
    await this.#publisher.open();
  }

  /** Its socket is for the link that broke. */
  #surrender(frame: JoinedFrame): void {
    const socket = this.#socket;
    this.#listener.resumed(socket, frame);
    this.#end();
  }

  #take({ iceServers, knows, resume }: JoinedFrame): void {
    // Before anything is gathered: a Center of an earlier release told them with the credentials alone.
    if (iceServers) this.#peers.use(iceServers as RTCIceServer[]);
    this.#doorKnows = knows ?? [];
    this.#resume = resume;
  }

  /** Whatever comes of its connections, they cannot go on with another socket; those that the call has no place for are over. */
  #onEnd(reason: string): void {
    if (reason === 'call_ended' || reason === 'call_left') return this.#lost(undefined);
    const mayGoOn = this.isListening && this.#resume !== undefined;
    this.#resume = undefined;
    if (mayGoOn) this.#break();
  }

  #send(frame: MediaClientFrame): void {
    this.#socket.send(frame);
  }

  #lost(error: unknown): void {
    if (this.#closed) return;
    this.close();
    this.#listener.lost(error === undefined ? undefined : error instanceof Error ? error : new Error(String(error)));
  }
}
