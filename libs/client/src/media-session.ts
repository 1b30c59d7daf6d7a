import {
  type MediaClientFrame,
  type MediaCredentials,
  type MediaServerFrame,
  mediaServerFrameSchema,
  mediaSubprotocol,
  type Stream,
} from '@communication-center/contracts';
import { Emitter } from './emitter.js';

/** Somebody else's camera or screen, with the tracks that have arrived. */
export interface RemoteStream extends Stream {
  mediaStream: MediaStream;
}

type MediaEvents = {
  localStream: [MediaStream];
  streamAdded: [RemoteStream];
  streamRemoved: [RemoteStream];
  error: [Error];
};

export interface MediaSessionOptions {
  video: boolean;
  /** Gets credentials that are good now. */
  credentials: () => Promise<MediaCredentials>;
}

const pingMs = 8000;

/**
 * Sends this device's camera and microphone and receives everyone else's: two peer connections, negotiated over the media
 * socket. A socket or connection that breaks is replaced, with new credentials, until {@link stop}.
 */
export class MediaSession extends Emitter<MediaEvents> {
  readonly #options: MediaSessionOptions;
  readonly #streams = new Map<string, RemoteStream>();
  #local: Promise<MediaStream> | undefined;
  #localStream: MediaStream | undefined;
  #link: MediaLink | undefined;
  #started = false;
  #stopped = false;
  #losses = 0;
  #retry: ReturnType<typeof setTimeout> | undefined;

  constructor(options: MediaSessionOptions) {
    super();
    this.#options = options;
  }

  get localStream(): MediaStream | undefined {
    return this.#localStream;
  }

  get remoteStreams(): RemoteStream[] {
    return [...this.#streams.values()];
  }

  /** Opens camera and microphone. Where there is none, the call is received only. */
  prepare(): void {
    this.#local ??= this.#openDevices();
  }

  start(): void {
    if (this.#started) return;
    this.#started = true;
    this.prepare();
    void this.#connect();
  }

  /** Opens the camera as well, and negotiates anew: the call has got video. */
  addVideo(): void {
    if (!this.#local || this.#options.video) return;
    this.#options.video = true;
    this.#local = this.#local.then((stream) => this.#addCamera(stream));
    if (this.#started) void this.#local.then(() => this.#reconnect());
  }

  async #addCamera(stream: MediaStream): Promise<MediaStream> {
    try {
      const camera = await navigator.mediaDevices.getUserMedia({ video: true });
      for (const track of camera.getTracks()) {
        if (this.#stopped) track.stop();
        else stream.addTrack(track);
      }
      if (!this.#stopped) this.emit('localStream', stream);
    } catch (error) {
      this.emit('error', error instanceof Error ? error : new Error(String(error)));
    }
    return stream;
  }

  async #reconnect(): Promise<void> {
    if (this.#stopped || !this.#link) return;
    this.#link.close();
    this.#link = undefined;
    for (const streamId of [...this.#streams.keys()]) this.#remove(streamId);
    await this.#connect();
  }

  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#retry);
    this.#link?.close();
    for (const stream of [...this.#streams.values()]) this.#remove(stream.streamId);
    void this.#local?.then((stream) => {
      for (const track of stream.getTracks()) track.stop();
    });
  }

  async #openDevices(): Promise<MediaStream> {
    const wishes = this.#options.video ? [{ audio: true, video: true }, { audio: true }] : [{ audio: true }];
    for (const wish of wishes) {
      try {
        const stream = await navigator.mediaDevices.getUserMedia(wish);
        this.#localStream = stream;
        if (!this.#stopped) this.emit('localStream', stream);
        return stream;
      } catch (error) {
        this.emit('error', error instanceof Error ? error : new Error(String(error)));
      }
    }
    return new MediaStream();
  }

  async #connect(): Promise<void> {
    try {
      const [credentials, local] = await Promise.all([this.#options.credentials(), this.#local ?? new MediaStream()]);
      if (this.#stopped) return;
      this.#link = new MediaLink(credentials, local, {
        joined: () => {
          this.#losses = 0;
        },
        track: (stream, track) => this.#addTrack(stream, track),
        removed: (streamId) => this.#remove(streamId),
        lost: (error) => this.#lost(error),
      });
    } catch (error) {
      this.#lost(error instanceof Error ? error : new Error(String(error)));
    }
  }

  #addTrack(stream: Stream, track: MediaStreamTrack): void {
    const known = this.#streams.get(stream.streamId);
    if (known) {
      known.mediaStream.addTrack(track);
      return;
    }
    const added: RemoteStream = { ...stream, mediaStream: new MediaStream([track]) };
    this.#streams.set(stream.streamId, added);
    this.emit('streamAdded', added);
  }

  #remove(streamId: string): void {
    const stream = this.#streams.get(streamId);
    if (!stream) return;
    this.#streams.delete(streamId);
    this.emit('streamRemoved', stream);
  }

  #lost(error: Error | undefined): void {
    if (this.#stopped) return;
    this.#link?.close();
    this.#link = undefined;
    for (const streamId of [...this.#streams.keys()]) this.#remove(streamId);
    this.#losses += 1;
    if (error && this.#losses > 3) this.emit('error', error);
    const wait = Math.min(5000, 200 * 2 ** Math.min(this.#losses, 5)) * (0.5 + Math.random());
    this.#retry = setTimeout(() => void this.#connect(), wait);
  }
}

interface LinkListener {
  joined(): void;
  track(stream: Stream, track: MediaStreamTrack): void;
  removed(streamId: string): void;
  lost(error: Error | undefined): void;
}

/** One media socket with its two peer connections. */
class MediaLink {
  readonly #socket: WebSocket;
  readonly #publisher: RTCPeerConnection;
  readonly #subscriber: RTCPeerConnection;
  readonly #known = new Map<string, Stream>();
  readonly #listener: LinkListener;
  readonly #heartbeat: ReturnType<typeof setInterval>;
  #queue: Promise<void> = Promise.resolve();
  #closed = false;

  constructor(credentials: MediaCredentials, local: MediaStream, listener: LinkListener) {
    this.#listener = listener;
    const config: RTCConfiguration = { iceServers: credentials.iceServers as RTCIceServer[], bundlePolicy: 'max-bundle' };
    this.#publisher = this.#peer('publisher', config);
    this.#subscriber = this.#peer('subscriber', config);
    for (const track of local.getTracks()) this.#publisher.addTrack(track, local);
    this.#socket = new WebSocket(credentials.url, mediaSubprotocol);
    this.#socket.onopen = () => this.#send({ type: 'join', token: credentials.token });
    this.#socket.onmessage = ({ data }) => {
      const frame = mediaServerFrameSchema.safeParse(JSON.parse(String(data)));
      // One after the other: an offer is answered before the next is looked at.
      if (frame.success) this.#queue = this.#queue.then(() => this.#onFrame(frame.data)).catch((error: unknown) => this.#lost(error));
    };
    this.#socket.onclose = () => this.#lost(undefined);
    this.#heartbeat = setInterval(() => this.#send({ type: 'ping' }), pingMs);
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    clearInterval(this.#heartbeat);
    this.#socket.onclose = null;
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

  async #onFrame(frame: MediaServerFrame): Promise<void> {
    switch (frame.type) {
      case 'joined':
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
        return;
      default:
        return frame satisfies never;
    }
  }

  async #publish(): Promise<void> {
    if (this.#publisher.getSenders().length === 0) return;
    const offer = await this.#publisher.createOffer();
    await this.#publisher.setLocalDescription(offer);
    this.#send({ type: 'publish', kind: 'camera', sdp: offer.sdp ?? '' });
  }

  async #receive({ sdp, tracks }: MediaServerFrame & { type: 'offer' }): Promise<void> {
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
    if (this.#socket?.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify(frame));
  }

  #lost(error: unknown): void {
    if (this.#closed) return;
    this.close();
    this.#listener.lost(error === undefined ? undefined : error instanceof Error ? error : new Error(String(error)));
  }
}

function isReceiving({ currentDirection }: RTCRtpTransceiver): boolean {
  return currentDirection === 'recvonly' || currentDirection === 'sendrecv';
}
