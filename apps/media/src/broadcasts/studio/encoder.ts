import { type ChildProcess, spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Writable } from 'node:stream';
import { encloses } from '../behind.js';
import { bytesOf, type Size } from '../domain/canvas.js';
import { readSegments, type Segment } from '../domain/playlist.js';

/** Of a segment, in seconds: one key frame, and what a viewer is behind at least. */
export const segmentSeconds = 1;
/** Of pictures that wait for the encoder: beyond that it is behind, and time is left out. */
const mostWaiting = 8;

export interface Encoding {
  folder: string;
  run: string;
  size: Size;
  framesPerSecond: number;
  bitsPerSecond: number;
}

/** ffmpeg, which is given pictures and samples at one pace, and makes segments of them. */
export class Encoder {
  readonly #child: ChildProcess;
  readonly #mostBytes: number;
  #read = 0;

  /** @param onEnd with what it said last. */
  constructor(
    private readonly encoding: Encoding,
    onEnd: (said: string) => void,
  ) {
    this.#mostBytes = bytesOf(encoding.size) * mostWaiting;
    const [program, ...args] = encloses('ffmpeg', argsOf(encoding));
    this.#child = spawn(program, args, { stdio: ['pipe', 'ignore', 'pipe', 'pipe'] });
    let said = '';
    this.#child.stderr?.setEncoding('utf8').on('data', (text: string) => (said = (said + text).slice(-1000)));
    for (const pipe of [this.#child.stdin, this.#sound]) pipe?.on('error', () => undefined);
    this.#child.once('error', (error) => onEnd(error.message));
    this.#child.once('exit', () => onEnd(said));
  }

  /** Whether it is behind: what is given now it would only be later with. */
  get isBehind(): boolean {
    return (this.#child.stdin?.writableLength ?? 0) > this.#mostBytes;
  }

  /** @param picture is not changed before it is read. */
  write(picture: Buffer, samples: Buffer): void {
    this.#child.stdin?.write(picture);
    this.#sound.write(samples);
  }

  /** @returns the segments that were finished since this was last asked. */
  async finished(): Promise<Segment[]> {
    const text = await readFile(join(this.encoding.folder, listOf(this.encoding.run)), 'utf8').catch(() => '');
    const { sequence, segments } = readSegments(text);
    const fresh = segments.slice(Math.max(0, this.#read - sequence));
    this.#read = Math.max(this.#read, sequence + segments.length);
    return fresh;
  }

  get #sound(): Writable {
    return this.#child.stdio[3] as Writable;
  }
}

const listOf = (run: string) => `${run}.list`;

const raw = ['-probesize', '32', '-analyzeduration', '0'];

function argsOf({ folder, run, size: { width, height }, framesPerSecond, bitsPerSecond }: Encoding): string[] {
  const rate = String(bitsPerSecond);
  return [
    ...['-hide_banner', '-loglevel', 'error', '-y'],
    // What comes in is as it is said to be: to look into it first would want more of it than is given to who is behind.
    ...raw,
    ...[
      '-thread_queue_size',
      '16',
      '-f',
      'rawvideo',
      '-pix_fmt',
      'yuv420p',
      '-s',
      `${width}x${height}`,
      '-r',
      String(framesPerSecond),
      '-i',
      'pipe:0',
    ],
    ...raw,
    ...['-thread_queue_size', '64', '-f', 's16le', '-ar', '48000', '-ac', '2', '-i', 'pipe:3', '-map', '0:v', '-map', '1:a'],
    ...['-c:v', 'libx264', '-preset', 'ultrafast', '-tune', 'zerolatency', '-profile:v', 'baseline', '-threads', '2'],
    ...['-b:v', rate, '-maxrate', rate, '-bufsize', rate, '-g', String(framesPerSecond * segmentSeconds), '-sc_threshold', '0'],
    ...['-keyint_min', String(framesPerSecond * segmentSeconds), '-c:a', 'aac', '-b:a', '96k'],
    ...[
      '-f',
      'hls',
      '-hls_time',
      String(segmentSeconds),
      '-hls_list_size',
      '10',
      '-hls_delete_threshold',
      '20',
      '-hls_segment_type',
      'mpegts',
    ],
    ...['-hls_flags', 'delete_segments+independent_segments+temp_file+omit_endlist'],
    ...['-hls_segment_filename', join(folder, `${run}-%07d.ts`), join(folder, listOf(run))],
  ];
}
