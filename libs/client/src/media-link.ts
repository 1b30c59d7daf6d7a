import {
  type MediaClientFrame,
  type MediaCredentials,
  type MediaServerFrame,
  mediaServerFrameSchema,
  mediaSubprotocol,
  type Stream,
  type Told,
  toldSchema,
} from '@communication-center/contracts';
import { type ClientSocket, type ClientSocketClass, isOpen } from './client-socket.js';
import { LinkPulse } from './link-pulse.js';
import { type LinkSends, MediaPublisher, type Section } from './media-publisher.js';
import { QualitySampler } from './quality-sampler.js';
import { qualityOf, type Stats } from './read-stats.js';
import { pingInCallMs } from './silence.js';

export type ToldStream = Told<Stream>;
type MediaFrame = Told<MediaServerFrame>;

export interface LinkListener {
  /** These streams are there. */
  joined(streams: readonly ToldStream[]): void;
  added(stream: ToldStream): void;
  /** Somebody sends something else, or is quiet, or heard of again. */
  changed(stream: ToldStream): void;
  track(stream: ToldStream, track: MediaStreamTrack): void;
  removed(streamId: string): void;
  /** Nothing comes through, or something does again. */
  quiet(isQuiet: boolean): void;
  lost(error: Error | undefined): void;
}

const frameSchema = toldSchema(mediaServerFrameSchema);
const joinTimeoutMs = 15_000;
/** As many as one frame may name; all others are watched. */
const mostUnwatched = 64;

/** One media socket with its two peer connections. */
export class MediaLink {
  readonly #socket: ClientSocket;
  readonly #publishing: RTCPeerConnection;
  readonly #publisher: MediaPublisher;
  readonly #subscriber: RTCPeerConnection;
  readonly #known = new Map<string, ToldStream>();
  /** The stream of each section that is received. */
  readonly #streamOf = new Map<string, string>();
  readonly #quality: QualitySampler;
  readonly #sends: LinkSends;
  readonly #listener: LinkListener;
  readonly #pulse: LinkPulse;
  readonly #heartbeat: ReturnType<typeof setInterval>;
  readonly #joining: ReturnType<typeof setTimeout>;
  /** Frames that the door knows beyond those of the first release. */
  #doorKnows: readonly string[] = [];
  #queue: Promise<void> = Promise.resolve();
  #isJoined = false;
  #closed = false;

  constructor(webSocket: ClientSocketClass, credentials: MediaCredentials, sends: LinkSends, listener: LinkListener) {
    this.#listener = listener;
    this.#sends = sends;
    const config: RTCConfiguration = { iceServers: credentials.iceServers as RTCIceServer[], bundlePolicy: 'max-bundle' };
    this.#publishing = this.#peer('publisher', config);
    const taken = { ...sends, sections: () => sends.sections().filter((section) => this.#takes(section)) };
    this.#publisher = new MediaPublisher(this.#publishing, taken, (offer) => this.#send(offer));
    this.#subscriber = this.#peer('subscriber', config);
    this.#quality = this.#sampler(sends.qualityEveryMs);
    this.#pulse = new LinkPulse([this.#publishing, this.#subscriber], (isQuiet) => listener.quiet(isQuiet));
    this.#socket = new webSocket(credentials.url, mediaSubprotocol);
    this.#socket.addEventListener('open', () => this.#send({ type: 'join', token: credentials.token }));
    this.#socket.addEventListener('message', ({ data }) => this.#onMessage(String(data)));
    // A close follows every error, and tells as much.
    this.#socket.addEventListener('error', () => undefined);
    this.#socket.addEventListener('close', () => this.#lost(undefined));
    this.#heartbeat = setInterval(() => this.#ping(), pingInCallMs);
    this.#joining = setTimeout(() => this.#lost(new Error('The media socket was not joined in time')), joinTimeoutMs);
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    clearInterval(this.#heartbeat);
    clearTimeout(this.#joining);
    this.#pulse.stop();
    this.#quality.stop();
    this.#socket.close(1000);
    this.#publishing.close();
    this.#subscriber.close();
  }

  /** Whether it is joined, and would notice that something comes through again. */
  get isListening(): boolean {
    return this.#isJoined && !this.#closed;
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

  /** Tells the others what this device sends. */
  tellSending(): void {
    if (!this.#doorKnows.includes('sending')) return;
    const { screen, ...sending } = this.#sends.sending();
    this.#send({ type: 'sending', ...sending, ...(screen && this.takesScreen && { screen }) });
  }

  /** Tells the door whose pictures are not wanted. */
  unwatch(streamIds: readonly string[]): void {
    if (this.#doorKnows.includes('unwatched')) this.#send({ type: 'unwatched', streamIds: streamIds.slice(0, mostUnwatched) });
  }

  #takes(section: Section): boolean {
    return section === 'audio' || section === 'video' || this.takesScreen === true;
  }

  #sampler(everyMs: number): QualitySampler {
    const measure = async () => {
      const [sending, receiving] = await Promise.all([this.#publishing, this.#subscriber].map((peer) => peer.getStats() as Promise<Stats>));
      const sectionOf = (mid: string) => this.#publisher.sectionOf(mid);
      return qualityOf({ sending: sending as Stats, receiving: receiving as Stats, sectionOf, streamOf: (mid) => this.#streamOf.get(mid) });
    };
    return new QualitySampler({ everyMs, measure, tell: (sample) => this.#send(sample) });
  }

  #ping(): void {
    this.#send(this.#doorKnows.includes('ping.nextWithinMs') ? { type: 'ping', nextWithinMs: pingInCallMs } : { type: 'ping' });
  }

  #peer(peer: 'publisher' | 'subscriber', config: RTCConfiguration): RTCPeerConnection {
    const connection = new RTCPeerConnection(config);
    connection.onicecandidate = ({ candidate: found }) => {
      const candidate = found && { candidate: found.candidate, sdpMid: found.sdpMid, sdpMLineIndex: found.sdpMLineIndex };
      this.#send({ type: 'candidate', peer, candidate });
    };
    connection.onconnectionstatechange = () => {
      if (connection.connectionState === 'failed') this.#lost(new Error(`The ${peer} connection failed`));
      else this.#pulse.stateChanged();
    };
    return connection;
  }

  #onMessage(text: string): void {
    if (this.#closed) return;
    this.#pulse.heard();
    const frame = readFrame(text);
    // One after the other: an offer is answered before the next is looked at.
    if (frame) this.#inTurn(() => this.#onFrame(frame));
  }

  #inTurn(work: () => Promise<void> | void): void {
    this.#queue = this.#queue.then(() => (this.#closed ? undefined : work())).catch((error: unknown) => this.#lost(error));
  }

  async #onFrame(frame: MediaFrame): Promise<void> {
    switch (frame.type) {
      case 'joined':
        return this.#onJoined(frame);
      case 'published':
        return this.#publisher.answered(frame.sdp);
      case 'stream_added':
        this.#known.set(frame.stream.streamId, frame.stream);
        return this.#listener.added(frame.stream);
      case 'stream_changed':
        this.#known.set(frame.stream.streamId, frame.stream);
        return this.#listener.changed(frame.stream);
      case 'stream_removed':
        this.#known.delete(frame.streamId);
        return this.#listener.removed(frame.streamId);
      case 'offer':
        return this.#receive(frame);
      case 'error':
        throw new Error(frame.error.message);
      case 'closed':
      case 'pong':
      case 'unknown':
        return;
      default:
        return frame satisfies never;
    }
  }

  async #onJoined({ iceServers, streams, knows }: MediaFrame & { type: 'joined' }): Promise<void> {
    clearTimeout(this.#joining);
    this.#isJoined = true;
    // Before anything is gathered: a Center of an earlier release told them with the credentials alone.
    if (iceServers) this.#use(iceServers as RTCIceServer[]);
    for (const stream of streams) this.#known.set(stream.streamId, stream);
    this.#doorKnows = knows ?? [];
    // From now on others are told when the next is overdue.
    if (this.#doorKnows.includes('ping.nextWithinMs')) this.#ping();
    if (this.#doorKnows.includes('quality')) this.#quality.start();
    this.#listener.joined(streams);
    this.tellSending();
    await this.#publisher.open();
  }

  #use(iceServers: RTCIceServer[]): void {
    for (const peer of [this.#publishing, this.#subscriber]) peer.setConfiguration({ ...peer.getConfiguration(), iceServers });
  }

  async #receive({ sdp, tracks }: MediaFrame & { type: 'offer' }): Promise<void> {
    const seen = new Set(
      this.#subscriber
        .getTransceivers()
        .filter(isReceiving)
        .map(({ mid }) => mid),
    );
    await this.#subscriber.setRemoteDescription({ type: 'offer', sdp });
    const answer = await this.#subscriber.createAnswer();
    await this.#subscriber.setLocalDescription(answer);
    this.#send({ type: 'answer', sdp: answer.sdp ?? '' });
    for (const { mid, streamId } of tracks) {
      this.#streamOf.set(mid, streamId);
      const transceiver = this.#subscriber.getTransceivers().find((one) => one.mid === mid);
      const stream = this.#known.get(streamId);
      if (stream && transceiver && isReceiving(transceiver) && !seen.has(mid)) this.#listener.track(stream, transceiver.receiver.track);
    }
  }

  #send(frame: MediaClientFrame): void {
    if (isOpen(this.#socket)) this.#socket.send(JSON.stringify(frame));
  }

  #lost(error: unknown): void {
    if (this.#closed) return;
    this.close();
    this.#listener.lost(error === undefined ? undefined : error instanceof Error ? error : new Error(String(error)));
  }
}

function readFrame(text: string): MediaFrame | undefined {
  try {
    return frameSchema.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}

function isReceiving({ currentDirection }: RTCRtpTransceiver): boolean {
  return currentDirection === 'recvonly' || currentDirection === 'sendrecv';
}
