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

export type ToldStream = Told<Stream>;
type MediaFrame = Told<MediaServerFrame>;

export interface LinkListener {
  joined(): void;
  track(stream: ToldStream, track: MediaStreamTrack): void;
  removed(streamId: string): void;
  lost(error: Error | undefined): void;
}

const frameSchema = toldSchema(mediaServerFrameSchema);
const pingMs = 8000;
const joinTimeoutMs = 15_000;

/** One media socket with its two peer connections. */
export class MediaLink {
  readonly #socket: ClientSocket;
  readonly #publisher: RTCPeerConnection;
  readonly #subscriber: RTCPeerConnection;
  readonly #known = new Map<string, ToldStream>();
  readonly #listener: LinkListener;
  readonly #heartbeat: ReturnType<typeof setInterval>;
  readonly #joining: ReturnType<typeof setTimeout>;
  #queue: Promise<void> = Promise.resolve();
  #closed = false;

  constructor(webSocket: ClientSocketClass, credentials: MediaCredentials, local: MediaStream, listener: LinkListener) {
    this.#listener = listener;
    const config: RTCConfiguration = { iceServers: credentials.iceServers as RTCIceServer[], bundlePolicy: 'max-bundle' };
    this.#publisher = this.#peer('publisher', config);
    this.#subscriber = this.#peer('subscriber', config);
    for (const track of local.getTracks()) this.#publisher.addTrack(track, local);
    this.#socket = new webSocket(credentials.url, mediaSubprotocol);
    this.#socket.addEventListener('open', () => this.#send({ type: 'join', token: credentials.token }));
    this.#socket.addEventListener('message', ({ data }) => this.#onMessage(String(data)));
    // A close follows every error, and tells as much.
    this.#socket.addEventListener('error', () => undefined);
    this.#socket.addEventListener('close', () => this.#lost(undefined));
    this.#heartbeat = setInterval(() => this.#send({ type: 'ping' }), pingMs);
    this.#joining = setTimeout(() => this.#lost(new Error('The media socket was not joined in time')), joinTimeoutMs);
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    clearInterval(this.#heartbeat);
    clearTimeout(this.#joining);
    this.#socket.close(1000);
    this.#publisher.close();
    this.#subscriber.close();
  }

  #peer(peer: 'publisher' | 'subscriber', config: RTCConfiguration): RTCPeerConnection {
    const connection = new RTCPeerConnection(config);
    connection.onicecandidate = ({ candidate: found }) => {
      const candidate = found && { candidate: found.candidate, sdpMid: found.sdpMid, sdpMLineIndex: found.sdpMLineIndex };
      this.#send({ type: 'candidate', peer, candidate });
    };
    connection.onconnectionstatechange = () => {
      if (connection.connectionState === 'failed') this.#lost(new Error(`The ${peer} connection failed`));
    };
    return connection;
  }

  #onMessage(text: string): void {
    if (this.#closed) return;
    const frame = readFrame(text);
    // One after the other: an offer is answered before the next is looked at.
    if (frame) this.#queue = this.#queue.then(() => this.#onFrame(frame)).catch((error: unknown) => this.#lost(error));
  }

  async #onFrame(frame: MediaFrame): Promise<void> {
    switch (frame.type) {
      case 'joined':
        clearTimeout(this.#joining);
        // Before anything is gathered: a Center of an earlier release told them with the credentials alone.
        if (frame.iceServers) this.#use(frame.iceServers as RTCIceServer[]);
        for (const stream of frame.streams) this.#known.set(stream.streamId, stream);
        this.#listener.joined();
        return this.#publish();
      case 'published':
        return this.#publisher.setRemoteDescription({ type: 'answer', sdp: frame.sdp });
      case 'stream_added':
        this.#known.set(frame.stream.streamId, frame.stream);
        return;
      case 'stream_removed':
        this.#known.delete(frame.streamId);
        this.#listener.removed(frame.streamId);
        return;
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

  #use(iceServers: RTCIceServer[]): void {
    for (const peer of [this.#publisher, this.#subscriber]) peer.setConfiguration({ ...peer.getConfiguration(), iceServers });
  }

  async #publish(): Promise<void> {
    if (this.#publisher.getSenders().length === 0) return;
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
