import { type Layer, layerNames, type MediaServerFrame } from '@communication-center/contracts';
import type { FeedSection, SubscribedStream, VideoRoomHandle } from 'janode/plugins/videoroom';
import type { JanusNode } from '../janus/janus-node.js';
import type { StreamSection } from './others-streams.js';
import { sectionKey as keyOf } from './speakers.js';

interface Room {
  room: string;
  pin: string;
  privateId: number;
}

/** A subscribed picture. */
interface Picture {
  key: string;
  isSent: boolean;
  /** Its place in {@link layerNames}. */
  layer: number;
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
  /** How high each stream is shown, in pixels, where the device said so. */
  #heights: ReadonlyMap<string, number> = new Map();
  /** The sections of pictures that are subscribed, by Janus' name for them here, whether their pictures are sent, and in which size. */
  #pictures = new Map<string, Picture>();
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

  /** From now on pictures come in the smallest size that is as high as they are shown. */
  show(sizes: readonly { streamId: string; height: number }[]): void {
    this.#heights = new Map(sizes.map(({ streamId, height }) => [streamId, height]));
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
    // Of what has left already Janus unsubscribes nobody, and then names no streams.
    this.#streams = streams ?? this.#streams.filter(({ feed_id = '', feed_mid = '' }) => this.#offered.has(keyOf(feed_id, feed_mid)));
    this.#notePictures(this.#streams);
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
      this.#pictures.set(mid, known?.key === key ? known : { key, isSent: true, layer: 0 });
    }
  }

  /** Has Janus send what is watched, and nothing else. @returns whether there was anything to change. */
  async #sendWatched(): Promise<boolean> {
    const changing = [...this.#pictures].flatMap(([mid, picture]) => {
      const next = this.#wish(picture);
      return next.isSent === picture.isSent && next.layer === picture.layer ? [] : [{ mid, picture, next }];
    });
    if (!this.#handle || changing.length === 0) return false;
    const streams = changing.map(({ mid, picture, next }) => ({
      mid,
      ...(next.isSent !== picture.isSent && { send: next.isSent }),
      ...(next.layer !== picture.layer && { substream: layerNames.length - 1 - next.layer }),
    }));
    for (const { picture, next } of changing) Object.assign(picture, next);
    await this.janus.ask(this.#handle.configure({ streams }));
    return true;
  }

  /** How a picture is wished for by now. */
  #wish({ key }: Picture): Pick<Picture, 'isSent' | 'layer'> {
    const { streamId = '', layers = [] } = this.#wanted.get(key) ?? {};
    return { isSent: !this.#unwatched.has(streamId), layer: layerFor(this.#heights.get(streamId), layers) };
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

/**
 * @param height of the place where a picture is shown, in pixels; undefined where that is not known.
 * @param layers in which it is sent at once.
 * @returns the place in {@link layerNames} of the smallest that is as high, or else of the largest that there is.
 */
export function layerFor(height: number | undefined, layers: readonly Layer[]): number {
  const largest = layers.toSorted((one, other) => other.height - one.height);
  const enough = height === undefined ? undefined : largest.findLast((layer) => layer.height >= height);
  const chosen = enough ?? largest[0];
  return chosen ? layerNames.indexOf(chosen.rid) : 0;
}
