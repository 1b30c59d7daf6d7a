import type { MediaCredentials, UserAlias } from '@communication-center/contracts';
import type { ClientSocketClass } from './client-socket.js';
import { Emitter } from './emitter.js';
import { type DeviceSending, LocalMedia, type MediaKind, type WishedDevices, type Wishes } from './local-media.js';
import { type LinkState, MediaLinks } from './media-links.js';
import type { LinkSends, Section, ToldSending } from './media-publisher.js';
import { defaultEveryMs } from './quality-sampler.js';
import { type RemoteStream, RemoteStreams } from './remote-streams.js';
import { ScreenShare } from './screen-share.js';

export type { LinkState } from './media-links.js';
export type { RemoteStream } from './remote-streams.js';
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
  /** Others speak than before. */
  speakersChanged: [];
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
  /** Whether more than two have a part in the call: their pictures are sent in several sizes, then. */
  isOfMany?: (() => boolean) | undefined;
  /** How often the Center is told how media goes, in milliseconds; 0 for never, {@link defaultEveryMs} where it is left out. */
  qualityEveryMs?: number | undefined;
}

/**
 * Sends this device's camera and microphone and receives everyone else's: two peer connections, negotiated over the media
 * socket. Neither waits for the other: what is sent comes when the user has allowed it. A socket or connection that breaks is
 * replaced, with new credentials, until {@link stop}; what still comes over the old one is kept until it comes over the new one.
 */
export class MediaSession extends Emitter<MediaEvents> {
  readonly #local: LocalMedia;
  readonly #qualityEveryMs: number;
  readonly #isOfMany: () => boolean;
  readonly screen = new ScreenShare();
  readonly #streams = new RemoteStreams();
  readonly #met = new Set<string>();
  /** Janus took none of the first packets of the camera, and learns no more from later ones in which sizes it is sent. */
  #isCameraSpoilt = false;
  readonly #links: MediaLinks;

  constructor(options: MediaSessionOptions) {
    super();
    this.#local = new LocalMedia(options.wishes, options);
    this.#qualityEveryMs = options.qualityEveryMs ?? defaultEveryMs;
    this.#isOfMany = options.isOfMany ?? (() => false);
    this.#local.on('stream', (stream) => this.emit('localStream', stream));
    this.#local.on('error', (error) => this.emit('error', error));
    this.#local.on('track', (kind) => this.#links.send(kind));
    this.#local.on('changed', () => {
      this.#links.current?.tells.sending();
      this.emit('sendingChanged');
    });
    for (const event of ['streamAdded', 'streamRemoved', 'streamChanged'] as const)
      this.#streams.on(event, (stream) => this.emit(event, stream));
    this.#streams.on('speakers', () => this.emit('speakersChanged'));
    this.#streams.on('told', () => {
      for (const { userAlias } of this.#streams.told) this.#met.add(userAlias);
      this.emit('linkChanged');
    });
    const { credentials, webSocket } = options;
    this.#links = new MediaLinks({ credentials, webSocket, sends: () => this.#sends(), streams: this.#streams });
    this.#links.on('changed', () => this.emit('linkChanged'));
    this.#links.on('networkBack', () => this.emit('networkBack'));
    this.#links.on('refused', (what, error) => {
      if (what === 'screen') this.screen.close();
      else if (what === 'camera') {
        this.#local.wish('video', false);
        this.#isCameraSpoilt = true;
      }
      this.emit('error', error);
    });
    this.#links.on('error', (error) => this.emit('error', error));
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
    return this.#streams.shown;
  }

  /** Who speaks now, whoever began last first. */
  get speakers(): UserAlias[] {
    return this.#streams.speakers;
  }

  levelOf(streamId: string): number {
    return this.#streams.levelOf(streamId);
  }

  get link(): LinkState {
    return this.#links.state;
  }

  /** Whether it notices by itself when the network is back. */
  get isListening(): boolean {
    return this.#links.current?.isListening === true;
  }

  reachOf(userAlias: string): Reach {
    const streams = this.#streams.told.filter((stream) => stream.userAlias === userAlias);
    if (streams.length === 0) return this.#met.has(userAlias) ? 'away' : 'joining';
    return streams.some(({ quiet }) => !quiet) ? 'here' : 'reconnecting';
  }

  /** Somebody is out of the call: if they come back, they come anew. */
  forget(userAlias: UserAlias): void {
    this.#met.delete(userAlias);
  }

  wish(kind: MediaKind, on: boolean): void {
    this.#local.wish(kind, on);
    if (kind !== 'video' || !on || !this.#isCameraSpoilt) return;
    this.#isCameraSpoilt = false;
    this.#links.joinAnew();
  }

  retryDevice(kind: MediaKind): void {
    this.#local.retry(kind);
  }

  useDevice(kind: MediaKind, mediaDeviceId: string): Promise<void> {
    return this.#local.choose(kind, mediaDeviceId);
  }

  suppressNoise(on: boolean): Promise<void> {
    return this.#local.suppressNoise(on);
  }

  /** Has the platform make ready what needs no device, and sends nothing. */
  makeReady(): void {
    this.#links.makeReady();
  }

  /** Opens camera and microphone. Where there is none, the call is received only. */
  prepare(): void {
    this.#local.open();
    this.makeReady();
  }

  start(): void {
    this.prepare();
    this.#links.start();
  }

  /** Opens the camera as well, and sends it over the same connection: the call has got video. */
  addVideo(): void {
    if (this.#local.kinds.includes('video')) return;
    this.#local.allowVideo();
    this.#extend();
  }

  /** Has the others get the screen that is shared now, or none. */
  #followScreen(): void {
    const link = this.#links.current;
    if (!link) return;
    if (link.takesScreen === false && this.screen.stream) {
      this.screen.close();
      return this.emit('error', new Error('This Center carries no screens'));
    }
    this.#links.send('screen');
    this.#links.send('screenSound');
    if (this.screen.stream) this.#extend();
    link.tells.sending();
  }

  /** Does without the pictures of these streams, and of no others. */
  unwatch(streamIds: readonly string[]): void {
    this.#links.unwatch(streamIds);
  }

  /** Has pictures come in the smallest size that is as high as they are shown, in pixels. */
  show(heights: ReadonlyMap<string, number>): void {
    this.#links.show(heights);
  }

  /** The network is back: a link that has not come back with it is replaced, and one that is waited for is tried at once. */
  renew(): Promise<void> {
    return this.#links.renew();
  }

  /** Closes everything at once, camera and microphone above all. */
  stop(): void {
    this.#local.stop();
    this.screen.stop();
    this.#links.stop();
  }

  /** Sends what has come to be sent. */
  #extend(): void {
    if (this.#links.current?.extend() === false) this.#links.reconnect();
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
      qualityEveryMs: this.#qualityEveryMs,
      isOfMany: this.#isOfMany,
      sections: () => [...this.#local.kinds, ...ofScreen.filter((section) => tracks[section]())],
      trackOf: (section) => tracks[section](),
      sending: () => ({ ...toldOf(this.#local.sending), ...(screen.sending && { screen: screen.sending }) }),
    };
  }
}

/** @returns what the others are told. Who has not answered the platform's question yet sends as little as who has switched off. */
function toldOf(sending: Record<MediaKind, DeviceSending>): ToldSending {
  const of = ({ state }: DeviceSending) => (state === 'on' ? 'on' : state === 'failed' ? 'none' : 'off');
  return { audio: of(sending.audio), video: of(sending.video) };
}
