import {
  type MediaClientFrame,
  type MediaCredentials,
  type MediaServerFrame,
  mediaServerFrameSchema,
  mediaSubprotocol,
  type Sending,
  type Stream,
  type Told,
  toldSchema,
} from '@communication-center/contracts';
import { type ClientSocket, type ClientSocketClass, isOpen } from './client-socket.js';
import { LinkPulse } from './link-pulse.js';
import type { MediaKind } from './local-media.js';
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

/** What a link sends: a section of the offer for each kind, whose tracks may come later, and what to tell the others of it. */
export interface LinkSends {
  kinds: readonly MediaKind[];
  trackOf(kind: MediaKind): MediaStreamTrack | undefined;
  sending(): Sending;
}

const frameSchema = toldSchema(mediaServerFrameSchema);
const joinTimeoutMs = 15_000;

/** One media socket with its two peer connections. */
export class MediaLink {
  readonly #socket: ClientSocket;
  readonly #publisher: RTCPeerConnection;
  readonly #subscriber: RTCPeerConnection;
  readonly #senders = new Map<MediaKind, RTCRtpSender>();
  readonly #known = new Map<string, ToldStream>();
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
    this.#publisher = this.#peer('publisher', config);
    this.#subscriber = this.#peer('subscriber', config);
    this.#pulse = new LinkPulse([this.#publisher, this.#subscriber], (isQuiet) => listener.quiet(isQuiet));
    for (const kind of sends.kinds) {
      this.#senders.set(kind, this.#publisher.addTransceiver(kind, { direction: 'sendonly' }).sender);
      this.send(kind);
    }
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
    this.#socket.close(1000);
    this.#publisher.close();
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

  /** Sends what there is of a kind now, without a negotiation. */
  send(kind: MediaKind): void {
    // A connection that was closed meanwhile sends nothing anyway.
    this.#senders
      .get(kind)
      ?.replaceTrack(this.#sends.trackOf(kind) ?? null)
      .catch(() => undefined);
  }

  /** Tells the others what this device sends. */
  tellSending(): void {
    if (this.#doorKnows.includes('sending')) this.#send({ type: 'sending', ...this.#sends.sending() });
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
    if (frame) this.#queue = this.#queue.then(() => this.#onFrame(frame)).catch((error: unknown) => this.#lost(error));
  }

  async #onFrame(frame: MediaFrame): Promise<void> {
    if (this.#closed) return;
    switch (frame.type) {
      case 'joined':
        return this.#onJoined(frame);
      case 'published':
        return this.#publisher.setRemoteDescription({ type: 'answer', sdp: frame.sdp });
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
    this.#listener.joined(streams);
    this.tellSending();
    await this.#publish();
  }

  #use(iceServers: RTCIceServer[]): void {
    for (const peer of [this.#publisher, this.#subscriber]) peer.setConfiguration({ ...peer.getConfiguration(), iceServers });
  }

  async #publish(): Promise<void> {
    const offer = await this.#publisher.createOffer();
    await this.#publisher.setLocalDescription(offer);
    this.#send({ type: 'publish', kind: 'camera', sdp: offer.sdp ?? '' });
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
