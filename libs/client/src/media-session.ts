import type { MediaCredentials } from '@communication-center/contracts';
import type { ClientSocketClass } from './client-socket.js';
import { Emitter } from './emitter.js';
import { MediaLink, type ToldStream } from './media-link.js';

/** Somebody else's camera or screen, with the tracks that have arrived. */
export type RemoteStream = ToldStream & { mediaStream: MediaStream };

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
  webSocket: ClientSocketClass;
}

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
      this.#link = new MediaLink(this.#options.webSocket, credentials, local, {
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

  #addTrack(stream: ToldStream, track: MediaStreamTrack): void {
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
