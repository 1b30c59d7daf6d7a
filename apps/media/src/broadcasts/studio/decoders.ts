import { type ChildProcess, spawn } from 'node:child_process';
import { encloses } from '../behind.js';
import { bytesOf, type Picture, type Size } from '../domain/canvas.js';
import { SoundQueue } from '../domain/mixer.js';
import { OggOpus } from '../domain/ogg.js';
import { InSequence, type RtpPacket } from '../domain/rtp.js';
import { ivfFrameHead, ivfHead, sizeOfKeyFrame, Vp8Frames } from '../domain/vp8.js';

/** What a decoder has not read may be so much, in bytes: beyond that the newest is left out. */
const mostUnread = 1_000_000;
// Not with `nobuffer`: the packet that is looked into first would be thrown away, which is the key frame.
const quietly = ['-hide_banner', '-loglevel', 'error', '-threads', '1', '-flags', 'low_delay'];

/** Runs ffmpeg on what is written to it. Where it ends by itself, what it was given cannot be read. */
class Decoder {
  readonly #child: ChildProcess;
  #isOver = false;

  constructor(args: readonly string[], onBytes: (bytes: Buffer) => void, onEnd: () => void) {
    const [program, ...all] = encloses('ffmpeg', [...quietly, ...args, 'pipe:1']);
    this.#child = spawn(program, all, { stdio: ['pipe', 'pipe', 'ignore'] });
    this.#child.stdout?.on('data', onBytes);
    this.#child.stdin?.on('error', () => undefined);
    this.#child.once('error', () => !this.#isOver && onEnd());
    this.#child.once('exit', () => !this.#isOver && onEnd());
  }

  /** @returns whether it was taken. */
  write(bytes: Buffer): boolean {
    const { stdin } = this.#child;
    if (!stdin || stdin.destroyed || stdin.writableLength > mostUnread) return false;
    stdin.write(bytes);
    return true;
  }

  end(): void {
    this.#isOver = true;
    this.#child.kill('SIGKILL');
  }
}

/** Somebody's sound: packets of Opus become samples. */
export class SoundInput {
  readonly queue = new SoundQueue();
  readonly #order = new InSequence();
  #decoder: { decoder: Decoder; pages: OggOpus } | undefined;

  take(packet: RtpPacket, now: number): void {
    for (const { packet: next } of this.#order.take(packet, now)) {
      const { decoder, pages } = this.#running();
      const page = pages.packet(next.payload);
      if (page) decoder.write(page);
    }
  }

  end(): void {
    this.#decoder?.decoder.end();
    this.#decoder = undefined;
  }

  #running(): { decoder: Decoder; pages: OggOpus } {
    if (this.#decoder) return this.#decoder;
    const args = [
      '-probesize',
      '32',
      '-analyzeduration',
      '0',
      '-f',
      'ogg',
      '-i',
      'pipe:0',
      '-f',
      's16le',
      '-ar',
      '48000',
      '-ac',
      '2',
      '-flush_packets',
      '1',
    ];
    const decoder = new Decoder(
      args,
      (bytes) => this.#samples(bytes),
      () => this.end(),
    );
    const pages = new OggOpus(1);
    decoder.write(pages.head());
    this.#decoder = { decoder, pages };
    this.#odd = Buffer.alloc(0);
    return this.#decoder;
  }

  #odd: Buffer = Buffer.alloc(0);

  /** A pipe cuts samples in the middle. */
  #samples(bytes: Buffer): void {
    const all = this.#odd.length > 0 ? Buffer.concat([this.#odd, bytes]) : bytes;
    const whole = all.length - (all.length % 4);
    this.#odd = all.subarray(whole);
    this.queue.push(all.subarray(0, whole));
  }
}

/** Nothing came of a picture for so long, in milliseconds: it is switched off, or its way is lost. */
const staleMs = 3000;

/** Somebody's picture, in the size of a tile: frames of VP8 become pictures. */
export class PictureInput {
  readonly #order = new InSequence();
  readonly #frames = new Vp8Frames();
  #decoder: Decoder | undefined;
  #parts: Buffer[] = [];
  #bytes = 0;
  #newest: Picture | undefined;
  #heardAt: number | undefined;
  #size: Size;
  #count = 0;

  /** @param now by which its beginning counts, in milliseconds. */
  constructor(
    size: Size,
    private readonly beganAt: number,
  ) {
    this.#size = size;
  }

  /** Shows it in another size from the next key frame on. */
  resize(size: Size): void {
    if (size.width === this.#size.width && size.height === this.#size.height) return;
    this.#size = size;
    this.#restart();
  }

  /** Whether packets come, or are to come still, and nothing can be shown before a key frame does. */
  isLacking(now: number): boolean {
    return !this.#decoder && now - (this.#heardAt ?? this.beganAt) < staleMs * 2;
  }

  /** @returns the newest picture; undefined where there is none, or none any more. */
  newest(now: number): Picture | undefined {
    return this.#heardAt !== undefined && now - this.#heardAt < staleMs ? this.#newest : undefined;
  }

  take(packet: RtpPacket, now: number): void {
    this.#heardAt = now;
    for (const { packet: next, isAfterGap } of this.#order.take(packet, now)) {
      const frame = this.#frames.take(next, isAfterGap);
      if (this.#frames.lacksKey) this.#restart();
      if (!frame || !(this.#decoder || frame.isKey)) continue;
      this.#decoder ??= this.#begin(sizeOfKeyFrame(frame.bytes));
      // Times only have to grow: each picture is shown when it comes.
      const isTaken = this.#decoder.write(Buffer.concat([ivfFrameHead(frame.bytes.length, this.#count++ * 3000), frame.bytes]));
      if (!isTaken) this.#restart();
    }
  }

  end(): void {
    this.#restart();
    this.#newest = undefined;
  }

  /** What the decoder has is of no use without what is lost: another begins with the next key frame. The newest picture stays meanwhile. */
  #restart(): void {
    this.#decoder?.end();
    this.#decoder = undefined;
    this.#parts = [];
    this.#bytes = 0;
  }

  #begin(source: Size): Decoder {
    const { width, height } = this.#size;
    const fit = `scale=${width}:${height}:force_original_aspect_ratio=decrease:flags=fast_bilinear,pad=${width}:${height}:-1:-1,format=yuv420p`;
    const args = ['-probesize', '32', '-analyzeduration', '0', '-f', 'ivf', '-i', 'pipe:0', '-vf', fit, '-fps_mode', 'passthrough'];
    const size = { width, height };
    const decoder = new Decoder(
      [...args, '-f', 'rawvideo', '-flush_packets', '1'],
      (bytes) => decoder === this.#decoder && this.#picture(bytes, size),
      () => decoder === this.#decoder && this.#restart(),
    );
    decoder.write(ivfHead(source));
    return decoder;
  }

  #picture(bytes: Buffer, size: Size): void {
    const whole = bytesOf(size);
    this.#parts.push(bytes);
    this.#bytes += bytes.length;
    if (this.#bytes < whole) return;
    const all = Buffer.concat(this.#parts);
    const rest = all.length % whole;
    this.#newest = { ...size, bytes: all.subarray(all.length - rest - whole, all.length - rest) };
    this.#parts = rest > 0 ? [all.subarray(all.length - rest)] : [];
    this.#bytes = rest;
  }
}
