import { createSocket, type Socket } from 'node:dgram';
import { rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { bytesOf, dim, draw, fill, type Picture, type Size } from '../domain/canvas.js';
import { mixed, sampleRate } from '../domain/mixer.js';
import { type Playlist, withSegment, writePlaylist } from '../domain/playlist.js';
import { readRtp } from '../domain/rtp.js';
import { sceneOf, sizeFor } from '../domain/scene.js';
import { PictureInput, SoundInput } from './decoders.js';
import { Encoder, segmentSeconds } from './encoder.js';
import type { FromStudio, StudioOptions, StudioStream } from './messages.js';
import { Pace } from './pace.js';

/** Of pictures, that one may be drawn while others are read. */
const canvases = 5;
const lookEveryMs = 60;

interface Incoming {
  stream: StudioStream;
  sound: SoundInput | undefined;
  picture: PictureInput | undefined;
}

/**
 * Makes one picture and one sound of what comes of a call, and broadcasts them: streams come and go, are silent and dark, and what is made goes on at
 * its even pace. What comes is decoded by programs of their own, so that what one sends and nobody can read is no matter to the others.
 */
export class Studio {
  readonly #size: Size;
  readonly #encoder: Encoder;
  readonly #canvases: Picture[];
  readonly #incoming = new Map<string, Incoming>();
  readonly #bySource = new Map<number, SoundInput | PictureInput>();
  readonly #pace: Pace;
  #socket: Socket | undefined;
  #tiles = sceneOf([], { width: 2, height: 2 });
  #drawn = 0;
  #framesOut = 0;
  #playlist: Playlist;
  #isFirst = true;

  /** @param playlist what viewers were told before, by another run. @param onEnd when nothing more can be made. */
  constructor(
    private readonly options: StudioOptions,
    playlist: Playlist,
    private readonly tell: (message: FromStudio) => void,
    onEnd: (why: string) => void,
  ) {
    const { folder, run, framesPerSecond, bitsPerSecond, height } = options;
    this.#playlist = playlist;
    this.#size = sizeFor(height);
    this.#canvases = Array.from({ length: canvases }, () => ({ ...this.#size, bytes: Buffer.alloc(bytesOf(this.#size)) }));
    this.#encoder = new Encoder({ folder, run, size: this.#size, framesPerSecond, bitsPerSecond }, onEnd);
    this.#pace = new Pace(framesPerSecond, Date.now());
  }

  /** Begins to take what comes, and to make pictures. */
  async begin(): Promise<void> {
    this.#socket = await bound(this.options);
    this.#socket.on('message', (bytes) => this.#receive(bytes));
    this.tell({ type: 'ready', port: this.#socket.address().port });
    setInterval(() => this.#draw(), 1000 / this.options.framesPerSecond);
    setInterval(() => this.#tellLacking(), 1000);
    void this.#follow();
  }

  /** From now on these come in, in this order. */
  show(streams: readonly StudioStream[]): void {
    const now = Date.now();
    const tiles = sceneOf(
      streams.map(({ id, isScreen }) => ({ id, isScreen })),
      this.#size,
    );
    const ids = new Set(streams.map(({ id }) => id));
    for (const id of this.#incoming.keys()) if (!ids.has(id)) this.#end(id);
    for (const stream of streams) {
      const known = this.#incoming.get(stream.id);
      if (known && (known.stream.audio !== stream.audio || known.stream.video !== stream.video)) this.#end(stream.id);
      const one = this.#incoming.get(stream.id);
      const tile = tiles.get(stream.id);
      this.#incoming.delete(stream.id);
      this.#incoming.set(stream.id, one ?? this.#begin(stream, tile, now));
      if (tile) this.#incoming.get(stream.id)?.picture?.resize(tile);
    }
    this.#tiles = tiles;
  }

  #begin(stream: StudioStream, tile: Size | undefined, now: number): Incoming {
    const sound = stream.audio === undefined ? undefined : new SoundInput();
    // Who is beyond the tiles is shown once there is room.
    const picture = stream.video === undefined ? undefined : new PictureInput(tile ?? { width: 2, height: 2 }, now);
    if (sound && stream.audio !== undefined) this.#bySource.set(stream.audio, sound);
    if (picture && stream.video !== undefined) this.#bySource.set(stream.video, picture);
    return { stream, sound, picture };
  }

  #end(id: string): void {
    const one = this.#incoming.get(id);
    this.#incoming.delete(id);
    for (const source of [one?.stream.audio, one?.stream.video]) if (source !== undefined) this.#bySource.delete(source);
    one?.sound?.end();
    one?.picture?.end();
  }

  #receive(bytes: Buffer): void {
    const packet = readRtp(bytes);
    const input = packet && this.#bySource.get(packet.ssrc);
    if (packet && input) input.take(packet, Date.now());
  }

  #draw(): void {
    const now = Date.now();
    for (let due = this.#pace.due(now, this.#encoder.isBehind); due > 0; due -= 1) {
      const canvas = this.#canvases[this.#drawn++ % canvases];
      if (!canvas) return;
      this.#compose(canvas, now);
      const samples = sampleRate / this.options.framesPerSecond;
      const sounds = [...this.#incoming.values()].flatMap(({ sound }) => sound?.queue.take(samples) ?? []);
      this.#encoder.write(canvas.bytes, mixed(sounds, samples));
    }
  }

  #compose(canvas: Picture, now: number): void {
    fill(canvas);
    for (const [id, box] of this.#tiles) {
      const picture = this.#incoming.get(id)?.picture?.newest(now);
      if (picture) draw(canvas, picture, box);
      else fill(canvas, dim, { x: box.x + 2, y: box.y + 2, width: box.width - 4, height: box.height - 4 });
    }
  }

  #tellLacking(): void {
    const now = Date.now();
    const ids = [...this.#incoming].flatMap(([id, { picture }]) => (this.#tiles.has(id) && picture?.isLacking(now) ? [id] : []));
    if (ids.length > 0) this.tell({ type: 'lacking', ids });
  }

  /** Puts what the encoder has finished into the playlist. */
  async #follow(): Promise<void> {
    for (;;) {
      for (const segment of await this.#encoder.finished()) {
        const at = this.#pace.timeOf(this.#framesOut);
        this.#framesOut += Math.round(segment.seconds * this.options.framesPerSecond);
        const isAfterBreak = this.#isFirst && this.#playlist.segments.length > 0;
        this.#isFirst = false;
        this.#playlist = withSegment(this.#playlist, { ...segment, at, isAfterBreak });
        await this.#publish();
        this.tell({ type: 'segment', name: segment.name, latencyMs: Math.max(0, Math.round(Date.now() - at)) });
      }
      await new Promise((resolve) => setTimeout(resolve, lookEveryMs));
    }
  }

  /** Whoever reads it meanwhile gets the one before, whole. */
  async #publish(): Promise<void> {
    const draft = join(this.options.folder, `${this.options.run}.draft`);
    await writeFile(draft, writePlaylist(this.#playlist, segmentSeconds));
    await rename(draft, join(this.options.folder, 'live.m3u8'));
  }
}

/** @returns a socket on the first port that is free of those that may be used, from somewhere in their middle. */
async function bound({ host, ports }: Pick<StudioOptions, 'host' | 'ports'>): Promise<Socket> {
  const [first, last] = ports ?? [0, 0];
  const count = last - first + 1;
  const from = Math.floor(Math.random() * count);
  let fault: unknown;
  for (let tried = 0; tried < count; tried += 1) {
    const socket = createSocket({ type: host.includes(':') ? 'udp6' : 'udp4', recvBufferSize: 2_000_000 });
    try {
      await new Promise<void>((resolve, reject) => {
        socket.once('error', reject);
        socket.bind(first + ((from + tried) % count), host, resolve);
      });
      socket.on('error', () => undefined);
      return socket;
    } catch (error) {
      fault = error;
      socket.close();
    }
  }
  throw fault;
}
