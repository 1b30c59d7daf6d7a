import { randomInt } from 'node:crypto';
import { type Publisher, type VideoRoomHandle, default as VideoRoomPlugin } from 'janode/plugins/videoroom';
import { z } from 'zod';
import type { JanusNode } from '../janus/janus-node.js';
import { OthersStreams } from '../media-sockets/others-streams.js';
import { keyFrameSeconds } from '../rooms/rooms.js';
import type { MediaSettings } from '../settings.js';
import type { StudioStream } from './studio/messages.js';

/** Payload types in what is forwarded: nobody reads them, but Janus wants them to be different. */
const payloadTypes = { audio: 111, video: 96 };

/** So often, once a second, key frames are asked for because of one stream. */
const mostAsked = 8;

/** A room, and what opens it. */
export interface RoomKeys {
  room: string;
  secret: string;
  pin: string;
}

interface Forwarded {
  stream: StudioStream;
  feed: string;
  /** Which sections are forwarded, by their names. */
  mids: string;
  forwarders: number[];
}

const forwardersSchema = z.object({
  plugindata: z.object({ data: z.object({ forwarders: z.array(z.object({ stream_id: z.int() })) }) }),
});
const allForwardersSchema = z.object({
  plugindata: z.object({
    data: z.object({
      publishers: z
        .array(z.object({ publisher_id: z.string(), forwarders: z.array(z.object({ stream_id: z.int() })).default([]) }))
        .default([]),
    }),
  }),
});

/**
 * Has Janus send what people in a room send to a studio, too. It is in the room itself, without sending anything, since only so Janus tells what each
 * sends, and when that changes.
 */
export class ForwardStreams {
  readonly #others = new OthersStreams({ userAlias: '' as never, deviceId: '' as never });
  readonly #forwarded = new Map<string, Forwarded>();
  readonly #published = new Map<string, { type: string; simulcast?: boolean }>();
  #handle: Promise<VideoRoomHandle> | undefined;
  readonly #asked = new Map<string, number>();
  /** What the room has; another process may have left it otherwise. */
  #keyFrameSeconds: number | undefined;
  #port: number | undefined;

  constructor(
    private readonly node: JanusNode,
    private readonly keys: RoomKeys,
    private readonly settings: Pick<MediaSettings, 'JANUS_ADMIN_KEY' | 'BROADCAST_HOST'>,
  ) {}

  /**
   * Has everything that is sent forwarded to a port, and nothing else; and asks for key frames while any of them lacks one.
   * @returns what comes there. @throws what Janus says, and `media_unavailable` where it does not answer.
   */
  async ensure(port: number, lacking: ReadonlySet<string>): Promise<StudioStream[]> {
    this.#handle ??= this.#join();
    const handle = await this.#handle;
    if (this.#port !== port) await this.#stopAll(handle);
    this.#port = port;
    const wanted = this.#others.all;
    const sections = Map.groupBy(this.#others.sections, ({ streamId }) => streamId);
    for (const [id, one] of this.#forwarded) {
      const mids = (sections.get(id) ?? []).map(({ mid }) => mid).join();
      if (mids === one.mids) continue;
      this.#forwarded.delete(id);
      await this.#stop(handle, one);
    }
    for (const { streamId, kind } of wanted) {
      const carried = sections.get(streamId) ?? [];
      const [first] = carried;
      if (!first || this.#forwarded.has(streamId)) continue;
      await this.#start(handle, { id: streamId, isScreen: kind === 'screen', feed: first.feed, mids: carried.map(({ mid }) => mid) });
    }
    await this.#askForKeys(handle, lacking);
    return wanted.flatMap(({ streamId }) => this.#forwarded.get(streamId)?.stream ?? []);
  }

  /**
   * Janus asks for no key frame when it begins to forward, and there is no request for it: but a room may be asked more often. That costs whoever sends in it
   * some of their rate, so it is done for a stream some seconds at most: whose key frames still do not come waits for those that come by themselves.
   */
  async #askForKeys(handle: VideoRoomHandle, lacking: ReadonlySet<string>): Promise<void> {
    const ids = [...lacking].filter((id) => (this.#asked.get(id) ?? 0) < mostAsked);
    for (const id of ids) this.#asked.set(id, (this.#asked.get(id) ?? 0) + 1);
    // Whose picture came may lack one again, as when its tile is another.
    for (const id of this.#asked.keys()) if (!lacking.has(id)) this.#asked.delete(id);
    await this.#setKeyFrames(handle, ids.length > 0 ? 1 : keyFrameSeconds);
  }

  async #setKeyFrames(handle: VideoRoomHandle, seconds: number): Promise<void> {
    if (seconds === this.#keyFrameSeconds) return;
    const { room, secret } = this.keys;
    await this.#ask(handle, { request: 'edit', room, secret, new_fir_freq: seconds });
    this.#keyFrameSeconds = seconds;
  }

  /** The studio is another: what goes to the one before is stopped with the next look. */
  forget(): void {
    this.#port = undefined;
  }

  async close(): Promise<void> {
    const handle = await this.#handle?.catch(() => undefined);
    this.#handle = undefined;
    if (!handle) return;
    // A room that is gone forwards nothing.
    await this.#setKeyFrames(handle, keyFrameSeconds).catch(() => undefined);
    for (const one of this.#forwarded.values()) await this.#stop(handle, one).catch(() => undefined);
    this.#forwarded.clear();
    await this.node.ask(handle.detach()).catch(() => undefined);
  }

  async #join(): Promise<VideoRoomHandle> {
    const handle = await this.node.attach();
    const { EVENT } = VideoRoomPlugin;
    const know = (publishers: readonly Publisher[]) => {
      for (const one of publishers) {
        for (const stream of one.streams ?? []) this.#published.set(`${one.feed}/${stream.mid}`, stream);
      }
      this.#others.list(publishers);
    };
    const gone = ({ feed }: { feed: string }) => {
      for (const key of this.#published.keys()) if (key.startsWith(`${feed}/`)) this.#published.delete(key);
      this.#others.remove(feed);
    };
    handle.on(EVENT.VIDEOROOM_PUB_LIST, ({ publishers }: { publishers: Publisher[] }) => know(publishers));
    handle.on(
      EVENT.VIDEOROOM_DISPLAY,
      ({ feed, display }: { feed: string; display?: string }) => void this.#others.redisplay(feed, display),
    );
    handle.on(EVENT.VIDEOROOM_UNPUBLISHED, gone);
    handle.on(EVENT.VIDEOROOM_LEAVING, gone);
    try {
      const { room, pin } = this.keys;
      const joined = await this.node.ask(handle.joinPublisher({ room, pin, feed: `broadcast-${randomInt(2 ** 47)}`, display: '{}' }));
      know(joined.publishers);
      await this.#stopLeft(handle);
      return handle;
    } catch (error) {
      this.#handle = undefined;
      await handle.detach().catch(() => undefined);
      throw error;
    }
  }

  /** Stops what another process had forwarded, and did not live to stop. */
  async #stopLeft(handle: VideoRoomHandle): Promise<void> {
    const { room, secret } = this.keys;
    const answer = await this.#ask(handle, { request: 'listforwarders', room, secret });
    const all = allForwardersSchema.safeParse(answer);
    for (const { publisher_id: feed, forwarders } of all.success ? all.data.plugindata.data.publishers : []) {
      await this.#stop(handle, { feed, forwarders: forwarders.map(({ stream_id }) => stream_id) });
    }
  }

  async #start(
    handle: VideoRoomHandle,
    { id, isScreen, feed, mids }: { id: string; isScreen: boolean; feed: string; mids: string[] },
  ): Promise<void> {
    const sources = { audio: undefined as number | undefined, video: undefined as number | undefined };
    const streams = mids.map((mid) => {
      const published = this.#published.get(`${feed}/${mid}`);
      const kind = published?.type === 'audio' ? 'audio' : 'video';
      const ssrc = randomInt(1, 2 ** 32 - 1);
      sources[kind] = ssrc;
      // Of a picture that is sent in several sizes the largest that comes is forwarded, as to a viewer; of any other nothing would be, if it were asked so.
      return { mid, port: this.#port, pt: payloadTypes[kind], ssrc, ...(published?.simulcast && { simulcast: true }) };
    });
    const { room, secret } = this.keys;
    const request = { request: 'rtp_forward', room, secret, publisher_id: feed, host: this.settings.BROADCAST_HOST, streams };
    const answer = forwardersSchema.parse(await this.#ask(handle, request));
    const forwarders = answer.plugindata.data.forwarders.map(({ stream_id }) => stream_id);
    this.#forwarded.set(id, { stream: { id, isScreen, ...sources }, feed, mids: mids.join(), forwarders });
  }

  async #stopAll(handle: VideoRoomHandle): Promise<void> {
    for (const [id, one] of this.#forwarded) {
      this.#forwarded.delete(id);
      await this.#stop(handle, one);
    }
  }

  async #stop(handle: VideoRoomHandle, { feed, forwarders }: Pick<Forwarded, 'feed' | 'forwarders'>): Promise<void> {
    const { room, secret } = this.keys;
    for (const stream_id of forwarders) {
      // Whoever left took it along.
      await this.#ask(handle, { request: 'stop_rtp_forward', room, secret, publisher_id: feed, stream_id }).catch((error: unknown) => {
        if (!(error instanceof Error && '_code' in error)) throw error;
      });
    }
  }

  #ask(handle: VideoRoomHandle, request: object): Promise<unknown> {
    return this.node.ask(handle.message({ ...request, admin_key: this.settings.JANUS_ADMIN_KEY }));
  }
}
