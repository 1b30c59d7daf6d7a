import type { QualityView } from '@communication-center/contracts';
import {
  appIdSchema,
  type CallId,
  type CallList,
  type CallListQuery,
  type CommandId,
  type DeviceId,
  deviceIdSchema,
  type MediaCredentials,
  type Platform,
  type Profile,
  type Timeline,
  type Told,
  type UserAlias,
  userAliasSchema,
} from '@communication-center/contracts';
import type { Call } from './call.js';
import { CallBook } from './call-book.js';
import type { CallOffice } from './call-office.js';
import { CenterError } from './center-error.js';
import { type ClientSocketClass, platformSocket } from './client-socket.js';
import { type Answer, Connection, type ConnectionState } from './connection.js';
import { ownDeviceId } from './device-id.js';
import { type DialOptions, Dials } from './dials.js';
import { Emitter } from './emitter.js';
import type { WishedDevices, Wishes } from './local-media.js';
import { type MediaTestOptions, type MediaTestReport, testMedia } from './media-test.js';
import { parsed } from './parsed.js';
import { type PresenceListener, PresenceWatch, type ToldPresence } from './presence-watch.js';
import { PushDevice } from './push-device.js';
import type { PushedRingToken } from './pushed-ring.js';
import { Rest, tokenForBareAlias } from './rest.js';
import { partOf, type ToldReply } from './told-call.js';

export type { DialOptions } from './dials.js';

export interface ConnectOptions {
  /** Where the Center is, such as https://center.example.com. */
  url: string;
  appId: string;
  userAlias: string;
  /** A user token, or a function that gets a fresh one. Left out, the bare alias is tried; only development apps trust it. */
  token?: string | (() => Promise<string>);
  /**
   * What a push brought that woke the app. With its ring token this device connects at once, for that ring and the call that comes of it,
   * whatever has become of the user token; it goes on with `token` as soon as that lets it in.
   */
  ring?: PushedRingToken;
  /** Names this installation; made and kept where left out. */
  deviceId?: string;
  platform?: Platform;
  /** Whether calls carry sound and picture; by default where the platform has WebRTC. */
  media?: boolean;
  /** The WebSocket to use where the platform has none, as Node 20: that of the package `ws`, for one. */
  webSocket?: ClientSocketClass;
  /** How long a command may take, over reconnects, before it fails. */
  requestTimeoutMs?: number;
  /** What calls send that were told nothing else: above all one that this device is still in, as after a reload. Both where left out. */
  sending?: Partial<Wishes>;
  /** The camera and the microphone that calls begin with, where they are there: else those that the platform prefers. */
  devices?: WishedDevices;
  /** How often this device tells the Center in a call how its media comes and goes, in milliseconds: 5000 unless told, 0 for never. */
  qualityEveryMs?: number;
}

/** Which calls {@link CommunicationCenter.history} lists. */
export type HistoryFilter = Pick<CallListQuery, 'status' | 'outcome' | 'from' | 'to' | 'cursor'> & { limit?: number };

type CenterEvents = {
  /** A call rings here; with `call.waiting`, while the user is in another one. */
  incomingCall: [Call];
  /** Somebody called who heard busy. */
  busyAlert: [Call];
  /** A call of this user began, changed or ended, on whatever device. */
  callChanged: [Call];
  connection: [ConnectionState];
  /** The Center will not let this client in any more; it is closed. */
  refused: [CenterError];
};

/** So long, in milliseconds, a hang-up waits for a connection: whoever had none for longer has been taken out of the call. */
const leavingTimeoutMs = 120_000;
/** The Center says a minute before that a token expires: by then another is to be had. */
const renewTokenBeforeMs = 90_000;

/** A user's device, connected to the Center. */
export class CommunicationCenter extends Emitter<CenterEvents> {
  readonly userAlias: UserAlias;
  readonly deviceId: DeviceId;
  readonly usesMedia: boolean;
  /** Where this device is pushed to while it is not connected. */
  readonly push: PushDevice;
  readonly #options: ConnectOptions;
  readonly #connection: Connection;
  readonly #rest: Rest;
  readonly #calls: CallBook;
  readonly #watch: PresenceWatch;
  #away = false;
  readonly #dials: Dials;
  readonly #devices: WishedDevices;
  #token: { token: string; until: number } | undefined;
  #ring: PushedRingToken | undefined;
  /** Calls that rang before the app could listen, as those that it found when a push woke it. */
  readonly #ringsUnheard = new Set<Call>();

  private constructor(options: ConnectOptions) {
    super();
    this.#options = options;
    this.#devices = { ...options.devices };
    this.#ring = options.ring;
    this.userAlias = parsed('userAlias', userAliasSchema.safeParse(options.userAlias));
    this.deviceId = parsed('deviceId', deviceIdSchema.safeParse(options.deviceId));
    this.usesMedia = options.media ?? typeof RTCPeerConnection !== 'undefined';
    const webSocket = options.webSocket ?? platformSocket();
    const appId = parsed('appId', appIdSchema.safeParse(options.appId));
    this.#rest = new Rest(options.url, () => this.#freshToken());
    this.push = new PushDevice(this.#rest, this.deviceId);
    const socketUrl = new URL('/v1/socket', options.url);
    socketUrl.protocol = socketUrl.protocol === 'https:' ? 'wss:' : 'ws:';
    this.#connection = new Connection({
      url: socketUrl.href,
      webSocket,
      requestTimeoutMs: options.requestTimeoutMs ?? 20_000,
      hasOtherToken: () => this.#dropRingToken(),
      isTold: () => this.#calls.active.some(({ isListening }) => isListening),
      connectFrame: async () => ({
        type: 'connect',
        appId,
        userAlias: this.userAlias,
        deviceId: this.deviceId,
        platform: options.platform ?? (typeof window === 'undefined' ? 'other' : 'web'),
        token: this.#ringToken() ?? (await this.#freshToken()),
      }),
    });
    this.#watch = new PresenceWatch(this.#connection);
    const office = this.#office(webSocket);
    const ofCalls = new Rest(options.url, async () => this.#ringToken() ?? this.#freshToken());
    this.#calls = new CallBook(office, {
      read: (callId) => ofCalls.call(callId),
      renew: () => this.#connection.renew(),
      dialOf: (state, known) => this.#dials.made(state, known),
    });
    this.#dials = new Dials(office, {
      dial: async (frame, givenUp) => replyFrame(await this.#connection.request(frame, { givenUp })).result,
      cancel: (commandId) => {
        if (this.connectionState !== 'closed') this.#connection.request({ type: 'cancel_dial', commandId }).catch(() => undefined);
      },
      show: (call) => this.#calls.show(call),
      place: (call, reply) => this.#calls.place(call, reply),
      fileRefused: (call) => this.#calls.fileRefused(call),
    });
    this.#calls.on('ring', (call) => this.#ringHere(call));
    this.#calls.on('busyAlert', (call) => this.emit('busyAlert', call));
    this.#calls.on('changed', (call) => {
      this.#connection.inCall(this.#calls.active.some(({ phase }) => phase !== 'ringing'));
      this.emit('callChanged', call);
    });
    this.#connection.on('quiet', () => this.#calls.tellLink());
    this.#connection.on('connected', (frame) => {
      this.#calls.renewMedia();
      this.#calls.takeSnapshot(frame.calls);
      if (this.#ringToken()) void this.#refresh().catch(() => undefined);
      if (this.#away) void this.#connection.request({ type: 'set_away', away: true }).catch(() => undefined);
    });
    this.#connection.on('event', (event) => this.#calls.takeEvent(event));
    this.#connection.on('tokenExpiring', () => void this.#refresh().catch(() => undefined));
    this.#connection.on('state', (state) => {
      this.emit('connection', state);
      this.#calls.tellLink();
    });
    this.#connection.on('refused', (error) => this.emit('refused', error));
  }

  /**
   * Signs in and connects. From then on the connection is kept up by itself.
   * @throws CenterError `unauthenticated`, `forbidden`, `unknown_app` or `invalid_request` when the Center says no.
   */
  static async connect(options: ConnectOptions): Promise<CommunicationCenter> {
    const center = new CommunicationCenter({ ...options, deviceId: options.deviceId ?? options.ring?.deviceId ?? (await ownDeviceId()) });
    await new Promise<void>((resolve, reject) => {
      center.#connection.once('connected', () => resolve());
      center.#connection.once('refused', reject);
      center.#connection.open();
    });
    return center;
  }

  /** As {@link Emitter.on}; who is the first to listen for `incomingCall` is told of what rings already. */
  override on<E extends keyof CenterEvents>(event: E, listener: (...args: CenterEvents[E]) => void): () => void {
    const off = super.on(event, listener);
    if (event === 'incomingCall' && this.#ringsUnheard.size > 0) queueMicrotask(() => this.#tellUnheard());
    return off;
  }

  #tellUnheard(): void {
    const rings = [...this.#ringsUnheard].filter(({ phase }) => phase === 'ringing');
    this.#ringsUnheard.clear();
    for (const call of rings) this.#ringHere(call);
  }

  get connectionState(): ConnectionState {
    return this.#connection.state;
  }

  /** Calls this device knows that are not over for it. */
  get activeCalls(): Call[] {
    return this.#calls.active;
  }

  /** Calls that this user is in on another device: `join` moves one here. */
  get callsElsewhere(): Call[] {
    return this.#calls.elsewhere;
  }

  /**
   * Dials, and shows it at once: the Call is among {@link activeCalls} when this returns, can be hung up before the Center has said
   * anything, and becomes whatever the dial comes to. Where that is nothing, it ends with the `error` of its end: the Center's,
   * as of {@link call}, or `nobody_called`, `calling_oneself` or `invalid_alias`. While the same people are being dialed it is the same Call.
   */
  dial(callees: string[], options: DialOptions = {}): Call {
    return this.#dials.begin(callees, options);
  }

  /**
   * Dials, and shows nothing before the Center has made a call. A callee who dials this user at the same moment is connected at once.
   * @throws CenterError such as `all_callees_busy`, `initiator_busy`, `unknown_user`, or `dial_cancelled` by the signal. With
   * `service_unavailable`, at once where the Center says that nobody would ring, and after `requestTimeoutMs` where no answer came.
   */
  async call(callees: string[], options: DialOptions = {}): Promise<Call> {
    return this.#dials.placed(callees, options);
  }

  /** @returns names and pictures of other users, as far as they have any. */
  async profiles(userAliases: string[]): Promise<Told<Profile>[]> {
    const answer = await this.#connection.request({ type: 'profiles', userAliases: userAliases as UserAlias[] });
    return answer.type === 'profiles' ? answer.profiles : [];
  }

  /** @returns everything that happened in a call, as read back from its log. */
  async timeline(callId: string): Promise<Told<Timeline>> {
    return this.#rest.timeline(callId);
  }

  /**
   * Tests, before a call, how its media would go from this device: which TURN servers it reaches by which transport, and what comes back from
   * Janus of what is sent there. It takes some seconds, needs neither camera nor microphone, and is rationed (`media_tests`).
   * @throws CenterError `rate_limited`, `media_unavailable`, `service_unavailable`; `invalid_request` where the platform has no WebRTC.
   */
  async testMedia(options: MediaTestOptions = {}): Promise<MediaTestReport> {
    return testMedia((sdp) => this.#rest.mediaTest(sdp), options);
  }

  /** @returns how the media of a call goes, or went, on this user's devices. @throws CenterError `not_found` where nothing was measured. */
  async quality(callId: string): Promise<Told<QualityView>> {
    return this.#rest.quality(callId);
  }

  /** @returns a page of this user's calls, newest first, with how they went as this device saw it. */
  async history(filter: HistoryFilter = {}): Promise<Told<CallList>> {
    return this.#rest.calls({ ...filter, userAlias: this.userAlias, deviceId: this.deviceId });
  }

  async presence(userAlias: string): Promise<ToldPresence> {
    return this.#rest.presence(userAlias);
  }

  /**
   * Tells where up to 100 users are, at once and whenever it changes, over every reconnect.
   * @returns a function that stops it.
   * @throws CenterError `too_many_watched`.
   */
  async watch(userAliases: string[], listener: PresenceListener): Promise<() => void> {
    return this.#watch.watch(userAliases as UserAlias[], listener);
  }

  /**
   * Tells where everybody of the app is, and every change, until `signal` ends it. A broken stream is taken up where it broke.
   * @throws CenterError when the Center says no.
   */
  async followEverybody(listener: PresenceListener, signal: AbortSignal): Promise<void> {
    await this.#rest.followPresence(listener, signal);
  }

  /** Says whether nobody is at this device, for presence; told again after a reconnect. */
  async setAway(away: boolean): Promise<void> {
    this.#away = away;
    await this.#connection.request({ type: 'set_away', away });
  }

  /**
   * Signs the user out of this device: it is pushed to no more, and closed. A call it is in ends when its grace has passed.
   * @throws CenterError where the Center cannot be told: then calls would still ring here, and it is not closed.
   */
  async signOut(): Promise<void> {
    await this.push.forget();
    this.close();
  }

  /** Closes the connection, as when the app is closed: calls still reach this device by push. A call it is in ends when its grace has passed. */
  close(): void {
    this.#calls.dispose();
    this.#connection.close();
  }

  #office(webSocket: ClientSocketClass): CallOffice {
    return {
      userAlias: this.userAlias,
      deviceId: this.deviceId,
      usesMedia: this.usesMedia,
      webSocket,
      sending: this.#options.sending,
      devices: this.#devices,
      qualityEveryMs: this.#options.qualityEveryMs,
      isReached: () => this.#connection.isReached,
      networkBack: () => this.#connection.hurry(),
      command: async (call, frame, waits) => {
        const onCall = { commandId: newCommandId(), callId: call.callId as CallId };
        const options = waits === 'leaving' ? { timeoutMs: leavingTimeoutMs } : {};
        return replyFrame(await this.#connection.request({ ...frame, ...onCall }, options)).result;
      },
      credentials: (callId) => this.#credentials(callId),
    };
  }

  async #credentials(callId: string): Promise<MediaCredentials> {
    const { result } = replyFrame(await this.#connection.request({ type: 'credentials', callId: callId as CallId }));
    if (!result.media) throw new CenterError('media_unavailable', 'No media node can serve this call now');
    return result.media;
  }

  /** Goes on with a fresh token. Where there is none, the Center closes the socket in time, and connecting anew says why. */
  async #refresh(): Promise<void> {
    await this.#connection.request({ type: 'refresh', token: await this.#freshToken() });
    // What else there is of the user's, beside that ring, a new connection tells.
    if (this.#dropRingToken()) this.#connection.renew();
  }

  /** @returns what lets this device in for its ring alone; undefined where there is none, or its time is over. */
  #ringToken(): string | undefined {
    return this.#ring && Date.now() < Date.parse(this.#ring.deadline) ? this.#ring.ringToken : undefined;
  }

  /** From now on the user token counts. @returns whether it did not before. */
  #dropRingToken(): boolean {
    const had = this.#ringToken() !== undefined;
    this.#ring = undefined;
    return had;
  }

  /** The Center hears that this device rings only when the app was told so. */
  #ringHere(call: Call): void {
    if (!this.hasListeners('incomingCall')) {
      this.#ringsUnheard.add(call);
      return;
    }
    this.emit('incomingCall', call);
    const me = partOf(call.state, this.userAlias);
    if (call.phase !== 'ringing' || me?.state !== 'ringing') return;
    // The call hears of the first device that rings, the Center of each. Late or repeated, it changes nothing.
    const also = () => this.#connection.request({ type: 'device_ringing', callId: call.callId as CallId });
    void (me.confirmed ? also() : call.confirmRinging()).catch(() => undefined);
  }

  async #freshToken(): Promise<string> {
    const { token, url, appId } = this.#options;
    if (typeof token === 'string') return token;
    if (token) return token();
    if (!this.#token || this.#token.until < Date.now()) {
      const minted = await tokenForBareAlias(url, appId, this.userAlias);
      this.#token = { token: minted.token, until: Date.parse(minted.expiresAt) - renewTokenBeforeMs };
    }
    return this.#token.token;
  }
}

function replyFrame(frame: Answer): { result: ToldReply } {
  if (frame.type !== 'reply') throw new CenterError('internal_error', `The Center answered with ${frame.type}`);
  return frame;
}

function newCommandId(): CommandId {
  return globalThis.crypto.randomUUID() as string as CommandId;
}
