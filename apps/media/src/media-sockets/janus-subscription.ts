import type { MediaServerFrame } from '@communication-center/contracts';
import type { SubscribedStream, VideoRoomHandle } from 'janode/plugins/videoroom';
import type { JanusNode } from '../janus/janus-node.js';

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
  readonly #wanted = new Set<string>();
  readonly #offered = new Set<string>();
  #handle: VideoRoomHandle | undefined;
  #awaitingAnswer = false;
  #working = false;

  constructor(
    private readonly janus: JanusNode,
    private readonly where: Room,
    private readonly send: (frame: MediaServerFrame) => void,
    private readonly onError: (error: unknown) => void,
  ) {}

  get handle(): VideoRoomHandle | undefined {
    return this.#handle;
  }

  want(feeds: readonly string[]): void {
    for (const feed of feeds) this.#wanted.add(feed);
    void this.#work();
  }

  drop(feed: string): void {
    this.#wanted.delete(feed);
    void this.#work();
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
    if (this.#working || this.#awaitingAnswer) return;
    this.#working = true;
    try {
      while (!this.#awaitingAnswer && (await this.#step()));
    } catch (error) {
      this.onError(error);
    } finally {
      this.#working = false;
    }
  }

  /** Makes one change towards what is wanted. @returns whether there was one to make. */
  async #step(): Promise<boolean> {
    const subscribe = [...this.#wanted].filter((feed) => !this.#offered.has(feed));
    const unsubscribe = [...this.#offered].filter((feed) => !this.#wanted.has(feed));
    if (subscribe.length + unsubscribe.length === 0) return false;
    const { jsep, streams } = this.#handle ? await this.#update(this.#handle, subscribe, unsubscribe) : await this.#join(subscribe);
    for (const feed of subscribe) this.#offered.add(feed);
    for (const feed of unsubscribe) this.#offered.delete(feed);
    if (jsep) {
      this.#awaitingAnswer = true;
      this.send({ type: 'offer', sdp: jsep.sdp, tracks: tracksOf(streams) });
    }
    return true;
  }

  async #join(feeds: readonly string[]) {
    const handle = await this.janus.attach();
    this.#handle = handle;
    const { room, pin, privateId } = this.where;
    const streams = feeds.map((feed) => ({ feed }));
    return this.janus.ask(handle.joinSubscriber({ room, pin, private_id: privateId, streams, autoupdate: false, use_msid: false }));
  }

  async #update(handle: VideoRoomHandle, subscribe: readonly string[], unsubscribe: readonly string[]) {
    const toStreams = (feeds: readonly string[]) => feeds.map((feed) => ({ feed }));
    return this.janus.ask(
      handle.update({
        ...(subscribe.length > 0 && { subscribe: toStreams(subscribe) }),
        ...(unsubscribe.length > 0 && { unsubscribe: toStreams(unsubscribe) }),
      }),
    );
  }
}

function tracksOf(streams: readonly SubscribedStream[]): { mid: string; streamId: string }[] {
  return streams.flatMap(({ mid, feed_id, active }) => (feed_id && active !== false ? [{ mid, streamId: feed_id }] : []));
}
