import type { MediaCredentials, UserAlias } from '@communication-center/contracts';
import type { ClientSocketClass } from './client-socket.js';
import { Emitter } from './emitter.js';
import { type DeviceSending, LocalMedia, type MediaKind, type WishedDevices, type Wishes } from './local-media.js';
import { MediaLink, type ToldStream } from './media-link.js';
import type { LinkSends, Section, ToldSending } from './media-publisher.js';
import { defaultEveryMs } from './quality-sampler.js';
import { ScreenShare } from './screen-share.js';

/** Somebody else's camera or screen, with the tracks that have arrived. */
export type RemoteStream = ToldStream & { mediaStream: MediaStream };
/** How this device reaches the media of a call; `idle`: it need not yet. */
export type LinkState = 'idle' | 'connecting' | 'connected' | 'reconnecting';
/** How somebody who is in the call is reached: not yet, as usual, not at the moment, or without a window any more. */
export type Reach = 'joining' | 'here' | 'reconnecting' | 'away';

export type MediaEvents = {
  localStream: [MediaStream];
  streamAdded: [RemoteStream];
  streamRemoved: [RemoteStream];
  streamChanged: [RemoteStream];
  sendingChanged: [];
  screenChanged: [];
  linkChanged: [];
  /** Something comes over a link again over which nothing came. */
  networkBack: [];
  error: [Error];
};

export interface MediaSessionOptions {
  video: boolean;
  wishes: Wishes;
  devices?: WishedDevices | undefined;
  /** Gets credentials that are good now. */
  credentials: () => Promise<MediaCredentials>;
  webSocket: ClientSocketClass;
  /** How often the Center is told how media goes, in milliseconds; 0 for never, {@link defaultEveryMs} where it is left out. */
  qualityEveryMs?: number | undefined;
}

/**
 * Sends this device's camera and microphone and receives everyone else's: two peer connections, negotiated over the media
 * socket. Neither waits for the other: what is sent comes when the user has allowed it. A socket or connection that breaks is
 * replaced, with new credentials, until {@link stop}.
 */
export class MediaSession extends Emitter<MediaEvents> {
  readonly #options: MediaSessionOptions;
  readonly #local: LocalMedia;
  readonly screen = new ScreenShare();
  readonly #streams = new Map<string, RemoteStream>();
  /** Streams that are there, with tracks or without, as the last link that was joined told them. */
  readonly #told = new Map<string, ToldStream>();
  readonly #met = new Set<string>();
  #link: MediaLink | undefined;
  #linkState: LinkState = 'idle';
  #stopped = false;
  #unwatched: readonly string[] = [];
  #losses = 0;
  #retry: ReturnType<typeof setTimeout> | undefined;

  constructor(options: MediaSessionOptions) {
    super();
    this.#options = options;
    this.#local = new LocalMedia(options.wishes, options);
    this.#local.on('stream', (stream) => this.emit('localStream', stream));
    this.#local.on('error', (error) => this.emit('error', error));
    this.#local.on('track', (kind) => this.#link?.send(kind));
    this.#local.on('changed', () => {
      this.#link?.tellSending();
      this.emit('sendingChanged');
    });
    this.screen.on('changed', () => {
      this.#followScreen();
      this.emit('screenChanged');
    });
  }

  get localStream(): MediaStream | undefined {
    return this.#local.stream;
  }

  get sending(): Record<MediaKind, DeviceSending> {
    return this.#local.sending;
  }

  get remoteStreams(): RemoteStream[] {
    return [...this.#streams.values()];
  }

  get link(): LinkState {
    return this.#linkState;
  }

  /** Whether it notices by itself when the network is back. */
  get isListening(): boolean {
    return this.#link?.isListening === true;
  }

  reachOf(userAlias: string): Reach {
    const streams = [...this.#told.values()].filter((stream) => stream.userAlias === userAlias);
    if (streams.length === 0) return this.#met.has(userAlias) ? 'away' : 'joining';
    return streams.some(({ quiet }) => !quiet) ? 'here' : 'reconnecting';
  }

  /** Somebody is out of the call: if they come back, they come anew. */
  forget(userAlias: UserAlias): void {
    this.#met.delete(userAlias);
  }

  wish(kind: MediaKind, on: boolean): void {
    this.#local.wish(kind, on);
  }

  retryDevice(kind: MediaKind): void {
    this.#local.retry(kind);
  }

  useDevice(kind: MediaKind, mediaDeviceId: string): Promise<void> {
    return this.#local.choose(kind, mediaDeviceId);
  }

  /** Opens camera and microphone. Where there is none, the call is received only. */
  prepare(): void {
    this.#local.open();
  }

  start(): void {
    if (this.#linkState !== 'idle' || this.#stopped) return;
    this.#setLink('connecting');
    this.prepare();
    void this.#connect();
  }

  /** Opens the camera as well, and sends it over the same connection: the call has got video. */
  addVideo(): void {
    if (this.#local.kinds.includes('video')) return;
    this.#local.allowVideo();
    this.#extend();
  }

  /** Has the others get the screen that is shared now, or none. */
  #followScreen(): void {
    const link = this.#link;
    if (!link) return;
    if (link.takesScreen === false && this.screen.stream) {
      this.screen.close();
      return this.emit('error', new Error('This Center carries no screens'));
    }
    link.send('screen');
    link.send('screenSound');
    if (this.screen.stream) this.#extend();
    link.tellSending();
  }

  /** Does without the pictures of these streams, and of no others. */
  unwatch(streamIds: readonly string[]): void {
    if ([...streamIds].sort().join() === [...this.#unwatched].sort().join()) return;
    this.#unwatched = [...streamIds];
    this.#link?.unwatch(this.#unwatched);
  }

  /** Sends what has come to be sent. */
  #extend(): void {
    if (this.#link?.extend() === false) this.#reconnect();
  }

  /** The network is back: a link that has not come back with it is replaced, and one that is waited for is tried at once. */
  async renew(): Promise<void> {
    if (this.#linkState === 'idle' || this.#stopped) return;
    const link = this.#link;
    // Where there is none, its credentials are being asked for, unless it waits to do so.
    if (!link) return this.#retryNow();
    if (!(await link.isWell()) && link === this.#link && !this.#stopped) this.#reconnect();
  }

  #retryNow(): void {
    if (this.#retry === undefined) return;
    clearTimeout(this.#retry);
    this.#retry = undefined;
    void this.#connect();
  }

  #reconnect(): void {
    this.#dropLink();
    void this.#connect();
  }

  /** Closes everything at once, camera and microphone above all. */
  stop(): void {
    this.#stopped = true;
    this.#local.stop();
    this.screen.stop();
    clearTimeout(this.#retry);
    this.#dropLink();
  }

  #dropLink(): void {
    this.#link?.close();
    this.#link = undefined;
    for (const streamId of [...this.#streams.keys()]) this.#remove(streamId);
  }

  async #connect(): Promise<void> {
    this.#retry = undefined;
    try {
      const credentials = await this.#options.credentials();
      if (this.#stopped) return;
      this.#link = new MediaLink(this.#options.webSocket, credentials, this.#sends(), {
        joined: (streams) => this.#joined(streams),
        added: (stream) => this.#hear(stream),
        changed: (stream) => this.#change(stream),
        track: (stream, track) => this.#addTrack(stream, track),
        removed: (streamId) => this.#gone(streamId),
        quiet: (isQuiet) => {
          this.#setLink(isQuiet ? 'reconnecting' : 'connected');
          if (!isQuiet) this.emit('networkBack');
        },
        lost: (error) => this.#lost(error),
      });
    } catch (error) {
      this.#lost(error instanceof Error ? error : new Error(String(error)));
    }
  }

  #sends(): LinkSends {
    const { screen } = this;
    const tracks: Record<Section, () => MediaStreamTrack | undefined> = {
      audio: () => this.#local.trackOf('audio'),
      video: () => this.#local.trackOf('video'),
      screen: () => screen.trackOf('video'),
      screenSound: () => screen.trackOf('audio'),
    };
    const ofScreen = ['screen', 'screenSound'] as const;
    return {
      qualityEveryMs: this.#options.qualityEveryMs ?? defaultEveryMs,
      sections: () => [...this.#local.kinds, ...ofScreen.filter((section) => tracks[section]())],
      trackOf: (section) => tracks[section](),
      sending: () => ({ ...toldOf(this.#local.sending), ...(screen.sending && { screen: screen.sending }) }),
    };
  }

  #joined(streams: readonly ToldStream[]): void {
    this.#losses = 0;
    this.#told.clear();
    for (const stream of streams) this.#hear(stream);
    this.#linkState = 'connected';
    if (this.#unwatched.length > 0) this.#link?.unwatch(this.#unwatched);
    this.emit('linkChanged');
  }

  #hear(stream: ToldStream): void {
    this.#told.set(stream.streamId, stream);
    this.#met.add(stream.userAlias);
    this.emit('linkChanged');
  }

  #change(stream: ToldStream): void {
    this.#hear(stream);
    const known = this.#streams.get(stream.streamId);
    if (known) this.emit('streamChanged', Object.assign(known, { sending: stream.sending, quiet: stream.quiet }));
  }

  #gone(streamId: string): void {
    this.#told.delete(streamId);
    this.#remove(streamId);
    this.emit('linkChanged');
  }

  #addTrack(stream: ToldStream, track: MediaStreamTrack): void {
    const known = this.#streams.get(stream.streamId);
    if (known) {
      known.mediaStream.addTrack(track);
      return this.emit('streamChanged', known);
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
    this.#dropLink();
    this.#setLink('reconnecting');
    this.#losses += 1;
    if (error && this.#losses > 3) this.emit('error', error);
    const wait = Math.min(5000, 200 * 2 ** Math.min(this.#losses, 5)) * (0.5 + Math.random());
    this.#retry = setTimeout(() => void this.#connect(), wait);
  }

  #setLink(state: LinkState): void {
    if (state === this.#linkState || this.#stopped) return;
    this.#linkState = state;
    this.emit('linkChanged');
  }
}

/** @returns what the others are told. Who has not answered the platform's question yet sends as little as who has switched off. */
function toldOf(sending: Record<MediaKind, DeviceSending>): ToldSending {
  const of = ({ state }: DeviceSending) => (state === 'on' ? 'on' : state === 'failed' ? 'none' : 'off');
  return { audio: of(sending.audio), video: of(sending.video) };
}
