import type { MediaCredentials } from '@communication-center/contracts';
import type { ClientSocketClass } from './client-socket.js';
import { Emitter } from './emitter.js';
import { MediaLink, type ToldStream } from './media-link.js';
import type { LinkSends, Section } from './media-publisher.js';
import { onNetworkChange } from './network-back.js';
import type { RemoteStreams } from './remote-streams.js';

/** How this device reaches the media of a call; `idle`: it need not yet. */
export type LinkState = 'idle' | 'connecting' | 'connected' | 'reconnecting';

type MediaLinksEvents = {
  /** The {@link MediaLinks.state} is another. */
  changed: [];
  /** Something comes over a link again over which nothing came. */
  networkBack: [];
  /** The call has no room for what this device sends. */
  refused: [ToldStream['kind'], Error];
  error: [Error];
};

export interface MediaLinksOptions {
  /** Gets credentials that are good now. */
  credentials: () => Promise<MediaCredentials>;
  webSocket: ClientSocketClass;
  sends: () => LinkSends;
  streams: RemoteStreams;
}

/** When everybody is seen over the new link, what the old one sends is sent for so long still, in milliseconds: others may not see it yet. */
const lingerMs = 1500;
/** What has just broken is tried again within so many milliseconds, and not by all at the same moment. */
const firstRetryMs = 200;
/** While a door may hold the connections of a link that broke, no pause is longer than so many milliseconds. */
const longestPauseBesideMs = 2000;
/** An old link is not kept longer than so many milliseconds beside a new one that is joined. */
const mostBesideMs = 10_000;

/**
 * The link to a call's media, one after the other until {@link stop}: one that breaks is replaced, with new credentials. What still comes
 * over the one before is kept until it comes over the new one; and where the door holds its connections, they go on with a new socket.
 */
export class MediaLinks extends Emitter<MediaLinksEvents> {
  readonly #options: MediaLinksOptions;
  readonly #streams: RemoteStreams;
  readonly #offNetwork: () => void;
  #link: MediaLink | undefined;
  /** The first link, until there are credentials to open it with. */
  #ahead: MediaLink | undefined;
  /** The link before, while anything may come over it still. */
  #before: MediaLink | undefined;
  #leaving: ReturnType<typeof setTimeout> | undefined;
  #state: LinkState = 'idle';
  #stopped = false;
  #unwatched: readonly string[] = [];
  #heights: ReadonlyMap<string, number> = new Map();
  #losses = 0;
  /** Whether the last try was made at the door that holds the connections of the link before. */
  #isAtHolder = false;
  #retry: ReturnType<typeof setTimeout> | undefined;

  constructor(options: MediaLinksOptions) {
    super();
    this.#options = options;
    this.#streams = options.streams;
    for (const event of ['streamAdded', 'streamRemoved'] as const) this.#streams.on(event, () => this.#leaveSoon());
    this.#offNetwork = onNetworkChange(() => this.#link?.findWay());
  }

  get state(): LinkState {
    return this.#state;
  }

  /** The link that is there, joined or not. */
  get current(): MediaLink | undefined {
    return this.#link;
  }

  /** Sends what there is of a section now, over whatever goes on. */
  send(section: Section): void {
    for (const link of [this.#ahead, this.#link, this.#before]) link?.send(section);
  }

  /** Has the platform make what the first link needs, before it may be opened. */
  makeReady(): void {
    if (this.#ahead || this.#state !== 'idle' || this.#stopped) return;
    try {
      this.#ahead = this.#make();
      this.#ahead.makeReady();
    } catch {
      // It is tried again, and told of, when it is needed.
    }
  }

  start(): void {
    if (this.#state !== 'idle' || this.#stopped) return;
    this.#setState('connecting');
    void this.#connect();
  }

  /** Does without the pictures of these streams, and of no others. */
  unwatch(streamIds: readonly string[]): void {
    if ([...streamIds].sort().join() === [...this.#unwatched].sort().join()) return;
    this.#unwatched = [...streamIds];
    this.#link?.tells.unwatched(this.#unwatched);
  }

  /** Has pictures come in the smallest size that is as high as they are shown, in pixels; those that are not named in full. */
  show(heights: ReadonlyMap<string, number>): void {
    const isSame =
      heights.size === this.#heights.size && [...heights].every(([streamId, height]) => this.#heights.get(streamId) === height);
    if (isSame) return;
    this.#heights = new Map(heights);
    this.#link?.tells.sizes(this.#heights);
  }

  /** The network is back: a link that has not come back with it is replaced, and one that is waited for is tried at once. */
  async renew(): Promise<void> {
    if (this.#state === 'idle' || this.#stopped) return;
    const link = this.#link;
    // Where there is none, its credentials are being asked for, unless it waits to do so.
    if (!link) return this.#retryNow();
    if ((await link.isWell()) || link !== this.#link || this.#stopped) return;
    if (link.resume === undefined) this.reconnect();
    else link.giveUpSocket();
  }

  #retryNow(): void {
    if (this.#retry === undefined) return;
    clearTimeout(this.#retry);
    this.#retry = undefined;
    void this.#connect();
  }

  /** Replaces the link, and all that comes over it. */
  reconnect(): void {
    this.#dropLink();
    void this.#connect();
  }

  /** Joins anew, beside what is there until all of it comes over the new connections. */
  joinAnew(): void {
    if (this.#link?.isListening) this.#link.giveWay();
  }

  /** Closes everything at once. */
  stop(): void {
    this.#stopped = true;
    this.#offNetwork();
    clearTimeout(this.#retry);
    this.#ahead?.close();
    this.#dropLink();
    this.#dropBefore();
  }

  #dropLink(): void {
    const link = this.#link;
    this.#link = undefined;
    if (!link) return;
    link.close();
    this.#streams.drop(link);
  }

  #dropBefore(): void {
    clearTimeout(this.#leaving);
    this.#leaving = undefined;
    const before = this.#before;
    this.#before = undefined;
    if (!before) return;
    before.close();
    this.#streams.drop(before);
  }

  async #connect(): Promise<void> {
    this.#retry = undefined;
    try {
      const credentials = await this.#options.credentials();
      if (this.#stopped) return;
      this.#open(credentials);
    } catch (error) {
      this.#lost(undefined, error instanceof Error ? error : new Error(String(error)));
    }
  }

  #open(credentials: MediaCredentials): void {
    const before = this.#before;
    const resume = before?.resume;
    // Only the door that it had holds its connections: another is tried right after that one, each time.
    this.#isAtHolder = resume !== undefined && !this.#isAtHolder;
    const url = this.#isAtHolder ? before?.url : undefined;
    const link = this.#ahead ?? this.#make();
    this.#ahead = undefined;
    this.#link = link;
    link.open({ ...credentials, ...(url && { url }) }, resume);
  }

  /** @throws Error of the platform. */
  #make(): MediaLink {
    const { webSocket, sends } = this.#options;
    const link: MediaLink = new MediaLink(
      { webSocket, sends: sends() },
      {
        joined: (streams) => this.#joined(link, streams),
        resumed: (socket, frame) => {
          const before = this.#before;
          if (before && link === this.#link) this.#resumed(before, () => before.goOn(socket, frame), frame.streams);
          else socket.close();
        },
        heard: (stream) => this.#streams.hear(link, stream),
        track: (stream, track, arrival) => this.#streams.track(link, stream, track, arrival),
        removed: (streamId) => this.#streams.gone(streamId),
        refused: (what, error) => this.emit('refused', what, error),
        speaking: (streamIds) => this.#streams.speak(link, streamIds),
        quiet: (isQuiet) => this.#quiet(link, isQuiet),
        moved: () => this.#replace(link),
        broke: () => {
          if (link === this.#link) this.#losses += 1;
          this.#replace(link);
        },
        lost: (error) => this.#lost(link, error),
      },
    );
    return link;
  }

  /** Another link is to take a link's place, over which something may come still. */
  #replace(link: MediaLink): void {
    if (this.#stopped || link !== this.#link) return;
    this.#dropBefore();
    this.#before = link;
    this.#link = undefined;
    this.#isAtHolder = false;
    this.#retryIn(this.#losses <= 1 ? Math.random() * firstRetryMs : pauseAfter(this.#losses));
  }

  #quiet(link: MediaLink, isQuiet: boolean): void {
    if (link === this.#before) {
      // Nothing more comes over it, and nothing will.
      if (isQuiet && link.resume === undefined) this.#dropBefore();
      if (!isQuiet || this.#link?.isListening) return;
    }
    this.#setState(isQuiet ? 'reconnecting' : 'connected');
    if (!isQuiet) this.emit('networkBack');
  }

  #joined(link: MediaLink, streams: readonly ToldStream[]): void {
    this.#losses = 0;
    this.#state = 'connected';
    if (this.#before?.isQuiet) this.#dropBefore();
    this.#streams.list(link, streams);
    if (this.#unwatched.length > 0) link.tells.unwatched(this.#unwatched);
    if (this.#heights.size > 0) link.tells.sizes(this.#heights);
    if (!this.#before) return;
    this.#leaving = setTimeout(() => this.#dropBefore(), mostBesideMs);
    this.#leaveSoon();
  }

  /** The link before has another socket: it is the link again. */
  #resumed(before: MediaLink, goOn: () => void, streams: readonly ToldStream[]): void {
    this.#losses = 0;
    this.#link = before;
    this.#before = undefined;
    goOn();
    this.#streams.list(before, streams);
    before.tells.unwatched(this.#unwatched);
    if (this.#heights.size > 0) before.tells.sizes(this.#heights);
    this.#setState(before.isQuiet ? 'reconnecting' : 'connected');
    this.emit('changed');
  }

  /** Once nothing is shown of what the link before brings, it goes. */
  #leaveSoon(): void {
    if (!this.#before || this.#leaving === undefined || this.#streams.isBroughtBy(this.#before)) return;
    clearTimeout(this.#leaving);
    this.#leaving = setTimeout(() => this.#dropBefore(), lingerMs);
  }

  #lost(link: MediaLink | undefined, error: Error | undefined): void {
    if (this.#stopped) return;
    if (link && link === this.#before) {
      this.#dropBefore();
      if (!this.#link?.isListening) this.#setState('reconnecting');
      return;
    }
    if (link && link !== this.#link) return;
    this.#dropLink();
    if (!this.#before || this.#before.isQuiet) this.#setState('reconnecting');
    if (link && this.#isAtHolder) return this.#retryIn(Math.random() * firstRetryMs);
    this.#losses += 1;
    if (error && this.#losses > 3) this.emit('error', error);
    // What is held is not held for long.
    this.#retryIn(Math.min(pauseAfter(this.#losses), this.#before ? longestPauseBesideMs : Number.POSITIVE_INFINITY));
  }

  #retryIn(ms: number): void {
    clearTimeout(this.#retry);
    this.#retry = setTimeout(() => void this.#connect(), ms);
  }

  #setState(state: LinkState): void {
    if (state === this.#state || this.#stopped) return;
    this.#state = state;
    this.emit('changed');
  }
}

/** @returns how long it is waited after so many losses in a row, in milliseconds, with chance in it. */
function pauseAfter(losses: number): number {
  return Math.min(5000, 200 * 2 ** Math.min(losses, 5)) * (0.5 + Math.random());
}
