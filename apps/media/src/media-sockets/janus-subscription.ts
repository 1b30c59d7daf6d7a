import type { MediaServerFrame } from '@communication-center/contracts';
import type { FeedSection, SubscribedStream, VideoRoomHandle } from 'janode/plugins/videoroom';
import type { JanusNode } from '../janus/janus-node.js';
import type { StreamSection } from './others-streams.js';

interface Room {
  room: string;
  pin: string;
  privateId: number;
}

/**
 * What one device receives: one peer connection that carries every other stream of the call.
 *
 * Offers and answers alternate strictly: a change that comes while an answer is awaited is made after it.
 */
export class JanusSubscription {
  #wanted: ReadonlyMap<string, StreamSection> = new Map();
  readonly #offered = new Map<string, StreamSection>();
  #unwatched: ReadonlySet<string> = new Set();
  /** The sections of pictures that are subscribed, by Janus' name for them here, and whether their pictures are sent. */
  #pictures = new Map<string, { key: string; isSent: boolean }>();
  #handle: VideoRoomHandle | undefined;
  #awaitingAnswer = false;
  #lastOffer: (MediaServerFrame & { type: 'offer' }) | undefined;
  /** What the last change left, by Janus' own word. */
  #streams: readonly SubscribedStream[] = [];
  #isToRestart = false;
  #working = false;
  /** Something else is wanted since the last step looked. */
  #hasNews = false;

  constructor(
    private readonly janus: JanusNode,
    private readonly where: Room,
    private readonly send: (frame: MediaServerFrame) => void,
    private readonly onError: (error: unknown) => void,
  ) {}

  get handle(): VideoRoomHandle | undefined {
    return this.#handle;
  }

  /** From now on these sections are received, and no others. */
  want(sections: readonly StreamSection[]): void {
    this.#wanted = new Map(sections.map((section) => [keyOf(section.feed, section.mid), section]));
    void this.#work();
  }

  /** From now on no pictures of these streams are sent: without a negotiation, and their sections stay. */
  unwatch(streamIds: readonly string[]): void {
    this.#unwatched = new Set(streamIds);
    void this.#work();
  }

  /** Has the connection find its way anew (RFC 8445 §2.4), with what it carries. */
  restart(): void {
    this.#isToRestart = true;
    void this.#work();
  }

  /** The device may not have got the last offer: an offer that is taken twice changes nothing. */
  offerAgain(): void {
    if (this.#awaitingAnswer && this.#lastOffer) this.send(this.#lastOffer);
  }

  /** Takes the client's answer to the last offer. */
  async answer(sdp: string): Promise<void> {
    if (!this.#handle || !this.#awaitingAnswer) return;
    await this.janus.ask(this.#handle.start({ jsep: { type: 'answer', sdp } }));
    this.#awaitingAnswer = false;
    void this.#work();
  }

  async close(): Promise<void> {
    await this.#handle?.detach().catch(() => undefined);
  }

  async #work(): Promise<void> {
    this.#hasNews = true;
    if (this.#working || this.#awaitingAnswer) return;
    this.#working = true;
    try {
      while (!this.#awaitingAnswer && this.#hasNews) {
        this.#hasNews = false;
        if (await this.#step()) this.#hasNews = true;
      }
    } catch (error) {
      this.onError(error);
    } finally {
      this.#working = false;
    }
  }

  /** Makes one change towards what is wanted. @returns whether there was one to make. */
  async #step(): Promise<boolean> {
    const subscribe = [...this.#wanted].filter(([key]) => !this.#offered.has(key));
    const unsubscribe = [...this.#offered].filter(([key]) => !this.#wanted.has(key));
    if (subscribe.length + unsubscribe.length === 0) return (await this.#restarted()) || this.#sendWatched();
    const [more, less] = [subscribe, unsubscribe].map((some) => some.map(([, { feed, mid }]) => ({ feed, mid })));
    const { jsep, streams } = this.#handle ? await this.#update(this.#handle, more, less) : await this.#join(more);
    for (const [key, section] of subscribe) this.#offered.set(key, section);
    for (const [key] of unsubscribe) this.#offered.delete(key);
    this.#streams = streams;
    this.#notePictures(streams);
    if (jsep) this.#offer(jsep.sdp);
    return true;
  }

  /** Makes an offer with which ICE begins anew, where one is wished and there is a connection. @returns whether it did. */
  async #restarted(): Promise<boolean> {
    if (!this.#isToRestart) return false;
    this.#isToRestart = false;
    if (!this.#handle) return false;
    const { jsep } = await this.janus.ask(this.#handle.configure({ restart: true }));
    if (jsep) this.#offer(jsep.sdp);
    return true;
  }

  #offer(offered: string): void {
    this.#awaitingAnswer = true;
    this.#lastOffer = { type: 'offer', sdp: offered, tracks: this.#tracksOf(this.#streams) };
    this.send(this.#lastOffer);
  }

  /** A section that is of another stream by now is sent, as new ones are. */
  #notePictures(streams: readonly SubscribedStream[]): void {
    const before = this.#pictures;
    this.#pictures = new Map();
    for (const { mid, type, feed_id = '', feed_mid = '', active } of streams) {
      if (type !== 'video' || active === false) continue;
      const key = keyOf(feed_id, feed_mid);
      const known = before.get(mid);
      this.#pictures.set(mid, known?.key === key ? known : { key, isSent: true });
    }
  }

  /** Has Janus send what is watched, and nothing else. @returns whether there was anything to change. */
  async #sendWatched(): Promise<boolean> {
    const isWatched = (key: string) => !this.#unwatched.has(this.#wanted.get(key)?.streamId ?? '');
    const changing = [...this.#pictures].filter(([, { key, isSent }]) => isSent !== isWatched(key));
    if (!this.#handle || changing.length === 0) return false;
    for (const [, picture] of changing) picture.isSent = !picture.isSent;
    const streams = changing.map(([mid, { isSent }]) => ({ mid, send: isSent }));
    await this.janus.ask(this.#handle.configure({ streams }));
    return true;
  }

  async #join(streams: FeedSection[] = []) {
    const handle = await this.janus.attach();
    this.#handle = handle;
    const { room, pin, privateId } = this.where;
    return this.janus.ask(handle.joinSubscriber({ room, pin, private_id: privateId, streams, autoupdate: false, use_msid: false }));
  }

  async #update(handle: VideoRoomHandle, subscribe: FeedSection[] = [], unsubscribe: FeedSection[] = []) {
    return this.janus.ask(handle.update({ ...(subscribe.length > 0 && { subscribe }), ...(unsubscribe.length > 0 && { unsubscribe }) }));
  }

  /** What is not wanted any more is named as well: it goes with the next change, unless it is wanted again by then. */
  #tracksOf(streams: readonly SubscribedStream[]): { mid: string; streamId: string }[] {
    return streams.flatMap(({ mid, feed_id = '', feed_mid = '', active }) => {
      const key = keyOf(feed_id, feed_mid);
      const section = active === false ? undefined : (this.#wanted.get(key) ?? this.#offered.get(key));
      return section ? [{ mid, streamId: section.streamId }] : [];
    });
  }
}

/** Names of sections have no blanks (RFC 8843 §9.1: a token). */
const keyOf = (feed: string, mid: string) => `${mid} ${feed}`;
