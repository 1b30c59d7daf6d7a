import type { MediaCredentials, UserAlias } from '@communication-center/contracts';
import type { CallOffice, TellCall } from './call-office.js';
import type { DeviceSending, MediaKind, Wishes } from './local-media.js';
import { type LinkState, MediaSession, type Reach, type RemoteStream } from './media-session.js';
import { bansOf, partOf, type ToldCall } from './told-call.js';

/** A reply that brings credentials is waited for so long, in milliseconds, once its call is known to have begun. */
const replyWithinMs = 500;

/** The media of one call on this device: none before it is needed, one session at a time, and none after its end. */
export class CallMedia {
  readonly #office: CallOffice;
  readonly #callOf: () => ToldCall;
  readonly #tell: TellCall;
  readonly #wishes: Wishes;
  #session: MediaSession | undefined;
  #firstCredentials: MediaCredentials | undefined;
  #expected: Promise<unknown> | undefined;

  constructor(office: CallOffice, callOf: () => ToldCall, tell: TellCall) {
    this.#office = office;
    this.#callOf = callOf;
    this.#tell = tell;
    this.#wishes = { audio: office.sending?.audio ?? true, video: office.sending?.video ?? true };
  }

  get localStream(): MediaStream | undefined {
    return this.#session?.localStream;
  }

  get streams(): RemoteStream[] {
    return this.#session?.remoteStreams ?? [];
  }

  get sending(): Record<MediaKind, DeviceSending> {
    if (this.#session) return this.#session.sending;
    const { audio, video } = this.#wishes;
    return { audio: { wished: audio, state: 'off' }, video: { wished: video, state: 'off' } };
  }

  /** Without media of its own a call is reached as the Center is. */
  get link(): LinkState {
    const session = this.#session?.link ?? 'idle';
    if (session !== 'idle') return session;
    if (this.#office.isReached?.() === false) return 'reconnecting';
    return this.#office.usesMedia ? 'idle' : 'connected';
  }

  /** Whether it notices by itself when the network is back. */
  get isListening(): boolean {
    return this.#session?.isListening === true;
  }

  reachOf(userAlias: string): Reach {
    return this.#session?.reachOf(userAlias) ?? (this.#office.usesMedia ? 'joining' : 'here');
  }

  /** What is to be sent from now on, before the first track too; what is forbidden stays off. */
  wish(wishes: Partial<Wishes>): void {
    for (const kind of ['audio', 'video'] as const) {
      const wish = wishes[kind];
      if (wish === undefined || (wish && this.#isForbidden(kind))) continue;
      this.#wishes[kind] = wish;
      if (this.#session) this.#session.wish(kind, wish);
      else this.#tell('sendingChanged');
    }
  }

  /** The screen that this device shares. */
  get screen(): MediaStream | undefined {
    return this.#session?.screen.stream;
  }

  /** @throws Error of the platform where nothing was chosen, or it cannot be shared; nothing happens where there is no session of media. */
  async shareScreen(): Promise<void> {
    await this.#session?.screen.open({
      maySound: () => !this.#isForbidden('audio'),
      mayGoOn: () => !this.#isForbidden('video'),
    });
  }

  stopScreen(): void {
    this.#session?.screen.close();
  }

  get speakers(): UserAlias[] {
    return this.#session?.speakers ?? [];
  }

  levelOf(streamId: string): number {
    return this.#session?.levelOf(streamId) ?? 0;
  }

  show(heights: ReadonlyMap<string, number>): void {
    this.#session?.show(heights);
  }

  unwatch(streamIds: readonly string[]): void {
    this.#session?.unwatch(streamIds);
  }

  /** Switches off what a moderator forbids, of a screen too. Allowed again it stays off, until the user wishes it. */
  obey(): void {
    if (this.#isForbidden('video')) this.stopScreen();
    if (this.#isForbidden('audio')) this.#session?.screen.silence();
    for (const kind of ['audio', 'video'] as const) if (this.#wishes[kind] && this.#isForbidden(kind)) this.wish({ [kind]: false });
  }

  #isForbidden(kind: MediaKind): boolean {
    return bansOf(partOf(this.#callOf(), this.#office.userAlias))[kind] !== undefined;
  }

  retryDevice(kind: MediaKind): void {
    this.#session?.retryDevice(kind);
  }

  async useDevice(kind: MediaKind, mediaDeviceId: string): Promise<void> {
    await this.#session?.useDevice(kind, mediaDeviceId);
  }

  async suppressNoise(on: boolean): Promise<void> {
    await this.#session?.suppressNoise(on);
  }

  /** Credentials that came with a reply: the first join need not ask for any. */
  keep(credentials: MediaCredentials | undefined): void {
    this.#firstCredentials = credentials;
  }

  /** Credentials come, or not, with a reply that is due: the first join waits for it a while, in place of asking. */
  expect(credentials: Promise<MediaCredentials | undefined>): void {
    let isLate = false;
    const come = credentials.then((told) => isLate || this.keep(told)).catch(() => undefined);
    const late = new Promise<void>((resolve) => setTimeout(resolve, replyWithinMs)).then(() => {
      isLate = true;
    });
    this.#expected = Promise.race([come, late]);
  }

  /** Has the platform make ready what needs no device, and sends nothing: it takes its time, and a ring leaves it some. */
  makeReady(): void {
    this.#made()?.makeReady();
  }

  /** Opens camera and microphone. */
  prepare(): void {
    this.#made()?.prepare();
  }

  #made(): MediaSession | undefined {
    if (!this.#office.usesMedia || this.#session) return this.#session;
    const session = new MediaSession({
      video: this.#callOf().callType === 'audio_video',
      wishes: this.#wishes,
      devices: this.#office.devices,
      credentials: async () => {
        await this.#expected;
        const first = this.#firstCredentials;
        this.#firstCredentials = undefined;
        return first ?? this.#office.credentials(this.#callOf().callId);
      },
      webSocket: this.#office.webSocket,
      qualityEveryMs: this.#office.qualityEveryMs,
      isOfMany: () => this.#callOf().manyToMany,
    });
    this.#session = session;
    session.on('localStream', (stream) => this.#tell('localStream', stream));
    session.on('streamAdded', (stream) => this.#tell('streamAdded', stream));
    session.on('streamRemoved', (stream) => this.#tell('streamRemoved', stream));
    session.on('streamChanged', (stream) => this.#tell('streamChanged', stream));
    session.on('sendingChanged', () => this.#tell('sendingChanged'));
    session.on('screenChanged', () => this.#tell('screenChanged'));
    session.on('speakersChanged', () => this.#tell('speakersChanged', session.speakers));
    session.on('linkChanged', () => this.#tell('linkChanged'));
    session.on('networkBack', () => this.#office.networkBack?.());
    session.on('error', (error) => this.#tell('mediaError', error));
    return session;
  }

  start(): void {
    this.prepare();
    this.#session?.start();
  }

  /** Follows who is in the call. */
  follow(call: ToldCall): void {
    for (const { state, userAlias } of call.participants) if (state !== 'connected') this.#session?.forget(userAlias);
  }

  /** The Center is reached anew. */
  renew(): void {
    void this.#session?.renew();
  }

  addVideo(): void {
    this.#session?.addVideo();
  }

  /** Lets go of camera, microphone and network at once. */
  stop(): void {
    this.#firstCredentials = undefined;
    this.#session?.stop();
    this.#session = undefined;
  }
}
