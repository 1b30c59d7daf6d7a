import type { Layer, MediaServerFrame, Stream } from '@communication-center/contracts';
import type { FeedSection, Publisher } from 'janode/plugins/videoroom';
import type { Claim } from './stream-room.js';
import { type CarriedStream, streamsOf } from './streams-of.js';

/** What a device is told of the others' streams. */
export type StreamFrame = MediaServerFrame & { type: 'stream_added' | 'stream_changed' | 'stream_removed' };

/** A section of a feed, and the stream that it is of. */
export interface StreamSection extends FeedSection {
  streamId: string;
  /** In which sizes its picture is sent at once. */
  layers?: readonly Layer[] | undefined;
}

/**
 * What the others in a room send: by what Janus tells of their feeds, a part at a time. Sections come with a list of publishers, what they
 * carry with their display texts, whichever is first.
 */
export class OthersStreams {
  readonly #feeds = new Map<string, Publisher>();
  readonly #streams = new Map<string, CarriedStream[]>();

  /** @param me is the device they are the others to: what it sent before, and Janus holds still, is nobody else's. */
  constructor(private readonly me: Pick<Stream, 'userAlias' | 'deviceId'>) {}

  /** The streams that are there. */
  get all(): Stream[] {
    return [...this.#streams.values()].flat().map(({ stream }) => stream);
  }

  /** @returns the streams that are there, by their ids. */
  get byId(): ReadonlyMap<string, Stream> {
    return new Map(this.all.map((stream) => [stream.streamId, stream]));
  }

  /** The pictures that are sent: who does not say what it sends is taken to send. */
  get claims(): Claim[] {
    return [...this.#streams].flatMap(([feed, carried]) =>
      carried
        .filter(({ stream: { sending } }) => (sending?.video ?? 'on') === 'on')
        .map(({ stream: { kind, userAlias, deviceId }, letInAt = 0 }) => ({
          ...{ kind, feed, device: JSON.stringify([userAlias, deviceId]), letInAt },
        })),
    );
  }

  /** All sections that carry a stream. */
  get sections(): StreamSection[] {
    const carried = [...this.#streams.values()].flat();
    return carried.flatMap(({ stream: { streamId, layers }, sections }) =>
      sections.map((section) => ({ ...section, streamId, ...(layers && { layers }) })),
    );
  }

  /** Janus lists publishers, new ones or ones that publish otherwise. @returns what is different. */
  list(publishers: readonly Publisher[]): StreamFrame[] {
    return publishers.flatMap((publisher) => {
      this.#feeds.set(publisher.feed, publisher);
      return this.#follow(publisher);
    });
  }

  /** The display text of a feed is another. @returns what is different. */
  redisplay(feed: string, display: string | undefined): StreamFrame[] {
    const known = this.#feeds.get(feed);
    if (!known) return [];
    known.display = display ?? '';
    return this.#follow(known);
  }

  /** A feed is gone. @returns what is different. */
  remove(feed: string): StreamFrame[] {
    this.#feeds.delete(feed);
    const gone = this.#streams.get(feed) ?? [];
    this.#streams.delete(feed);
    return gone.map(({ stream: { streamId } }) => ({ type: 'stream_removed', streamId }));
  }

  #follow(publisher: Publisher): StreamFrame[] {
    const before = new Map((this.#streams.get(publisher.feed) ?? []).map(({ stream }) => [stream.streamId, stream]));
    const carried = streamsOf(publisher).filter(({ stream }) => !this.#isMine(stream));
    this.#streams.set(publisher.feed, carried);
    const frames = carried.flatMap(({ stream }): StreamFrame[] => {
      const known = before.get(stream.streamId);
      before.delete(stream.streamId);
      if (!known) return [{ type: 'stream_added', stream }];
      return JSON.stringify(known) === JSON.stringify(stream) ? [] : [{ type: 'stream_changed', stream }];
    });
    return [...frames, ...[...before.keys()].map((streamId): StreamFrame => ({ type: 'stream_removed', streamId }))];
  }

  #isMine({ userAlias, deviceId }: Stream): boolean {
    return userAlias === this.me.userAlias && deviceId === this.me.deviceId;
  }
}
