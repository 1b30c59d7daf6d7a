import type { UserAlias } from '@communication-center/contracts';
import { Emitter } from './emitter.js';
import type { ToldStream } from './media-link.js';
import type { Arrival } from './media-receiver.js';

/** Somebody else's camera or screen, with the tracks that have arrived. */
export type RemoteStream = ToldStream & {
  mediaStream: MediaStream;
  /** Whether somebody speaks in it now, by what the Center hears. */
  isSpeaking: boolean;
};

type RemoteStreamEvents = {
  streamAdded: [RemoteStream];
  streamRemoved: [RemoteStream];
  streamChanged: [RemoteStream];
  /** Others speak than before. */
  speakers: [];
  /** Something is told otherwise of what is there, with tracks or without. */
  told: [];
};

interface Known {
  /** What brings it. */
  link: object;
  told: ToldStream;
  remote?: RemoteStream;
  isShown: boolean;
  /** Whether anything comes of it: of its picture, where it has one. */
  hasCome?: Arrival['hasCome'];
  /** How loud its sound is. */
  level?: Arrival['level'];
  waiting?: ReturnType<typeof setTimeout>;
}

/** How often it is looked whether something comes of what is to take another's place, and for how long at most, in milliseconds. */
const lookMs = 50;
const longestMs = 2000;

/**
 * The others' streams, as one or two links bring them. What somebody sends anew, over another connection or to another link, takes the
 * place of what was there before, and not until something of it comes: of nobody there are two, and nobody is missed meanwhile.
 */
export class RemoteStreams extends Emitter<RemoteStreamEvents> {
  readonly #known = new Map<string, Known>();
  /** The streams in which somebody speaks, whoever began last first, and the link that told. */
  #speaking: { link?: object; streamIds: readonly string[] } = { streamIds: [] };

  /** Those that are shown. */
  get shown(): RemoteStream[] {
    return [...this.#known.values()].flatMap(({ remote, isShown }) => (remote && isShown ? [remote] : []));
  }

  get told(): ToldStream[] {
    return [...this.#known.values()].map(({ told }) => told);
  }

  /** Whether something is shown that this link brings. */
  isBroughtBy(link: object): boolean {
    return [...this.#known.values()].some((one) => one.link === link && one.isShown);
  }

  /** These are all that a link brings. */
  list(link: object, streams: readonly ToldStream[]): void {
    const there = new Set(streams.map(({ streamId }) => streamId));
    for (const [streamId, one] of this.#known) if (one.link === link && !there.has(streamId)) this.#remove(streamId);
    for (const stream of streams) this.hear(link, stream);
    this.emit('told');
  }

  /** A stream is there, or is told otherwise. */
  hear(link: object, told: ToldStream): void {
    const known = this.#known.get(told.streamId);
    if (!known) this.#known.set(told.streamId, { link, told, isShown: false });
    else {
      known.told = told;
      if (known.remote) {
        Object.assign(known.remote, { sending: told.sending, quiet: told.quiet, layers: told.layers });
        if (known.isShown) this.emit('streamChanged', known.remote);
      }
    }
    this.emit('told');
  }

  /** In these streams somebody speaks, in no other that a link brings. */
  speak(link: object, streamIds: readonly string[]): void {
    const before = this.#speaking.link === link ? this.#speaking.streamIds : [];
    const still = before.filter((streamId) => streamIds.includes(streamId));
    const begun = streamIds.filter((streamId) => !before.includes(streamId));
    this.#speaking = { link, streamIds: [...begun, ...still] };
    this.#markSpeakers();
  }

  /** Who speaks now, whoever began last first. */
  get speakers(): UserAlias[] {
    const users = this.#speaking.streamIds.flatMap((streamId) => this.#known.get(streamId)?.told.userAlias ?? []);
    return [...new Set(users)];
  }

  /** How loud a stream is now, from 0 to 1; 0 of one that is not there, or has no sound. */
  levelOf(streamId: string): number {
    return this.#known.get(streamId)?.level?.() ?? 0;
  }

  #markSpeakers(): void {
    for (const { remote } of this.#known.values()) if (remote) remote.isSpeaking = this.#speaking.streamIds.includes(remote.streamId);
    this.emit('speakers');
  }

  /** A track of a stream has come. */
  track(link: object, stream: ToldStream, track: MediaStreamTrack, { hasCome, level }: Arrival): void {
    const known = this.#known.get(stream.streamId) ?? { link, told: stream, isShown: false };
    this.#known.set(stream.streamId, known);
    if (!known.remote || track.kind === 'video') known.hasCome = hasCome;
    if (track.kind === 'audio') known.level = level;
    if (known.remote) {
      known.remote.mediaStream.addTrack(track);
      if (known.isShown) this.emit('streamChanged', known.remote);
      return;
    }
    known.remote = { ...stream, mediaStream: new MediaStream([track]), isSpeaking: this.#speaking.streamIds.includes(stream.streamId) };
    if (this.#before(known)) this.#showOnce(known, Date.now() + longestMs);
    else this.#show(known);
  }

  gone(streamId: string): void {
    this.#remove(streamId);
    this.emit('told');
  }

  /** A link brings nothing any more. */
  drop(link: object): void {
    for (const [streamId, one] of this.#known) if (one.link === link) this.#remove(streamId);
  }

  /** What is shown of the same camera or screen. */
  #before(known: Known): Known | undefined {
    return [...this.#known.values()].find((other) => other.isShown && other !== known && isOfSame(other, known));
  }

  #showOnce(known: Known, until: number): void {
    known.waiting = setTimeout(async () => {
      const isToShow = Date.now() >= until || !this.#before(known) || (await known.hasCome?.().catch(() => false));
      if (this.#known.get(known.told.streamId) !== known) return;
      if (isToShow) this.#show(known);
      else this.#showOnce(known, until);
    }, lookMs);
  }

  #show(known: Known): void {
    const before = this.#before(known);
    known.isShown = true;
    if (before) {
      before.isShown = false;
      if (before.remote) this.emit('streamRemoved', before.remote);
    }
    if (known.remote) this.emit('streamAdded', known.remote);
    if (before) this.emit('told');
  }

  #remove(streamId: string): void {
    const known = this.#known.get(streamId);
    if (!known) return;
    this.#known.delete(streamId);
    if (this.#speaking.streamIds.includes(streamId)) {
      this.#speaking = { ...this.#speaking, streamIds: this.#speaking.streamIds.filter((one) => one !== streamId) };
      this.emit('speakers');
    }
    clearTimeout(known.waiting);
    if (known.remote && known.isShown) this.emit('streamRemoved', known.remote);
    // What waited for its place need not any more.
    const next = [...this.#known.values()].find((one) => known.isShown && one.remote && !one.isShown && isOfSame(one, known));
    if (!next) return;
    clearTimeout(next.waiting);
    this.#show(next);
  }
}

function isOfSame({ told: one }: Known, { told: other }: Known): boolean {
  return one.userAlias === other.userAlias && one.deviceId === other.deviceId && one.kind === other.kind;
}
