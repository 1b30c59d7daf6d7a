import { mkdir, rename, rm, stat, statfs, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import type { RecordingFile } from '@communication-center/contracts/recordings';
import { chunksOf, evenPicturesOf, evenSoundOf, picturesOf, soundOf, wholeOf } from './domain/chunks.js';
import { labelOf } from './domain/labels.js';
import { largestBoxes, type Scene, scenesOf, type Tile } from './domain/layout.js';
import { type PlacedTake, place, rate } from './domain/takes.js';
import { fileOfTake, type RawTake, readTakes } from './read-tracks.js';
import type { Feed } from './recording-rows.js';
import { ProgramFailed, runInBackground } from './run-program.js';

/** Seconds of sound that are mixed at once. */
const soundFrames = 60 * rate.frames;
/** What ffmpeg says besides faults is not wished; it asks nobody. */
const quietly = ['-nostdin', '-hide_banner', '-loglevel', 'error', '-y', '-threads', '1'];

/** Where less is free a step may have left half of what it made, whatever it says, in bytes. */
const leastFree = 262_144;

/** There is no room for what is made: nobody's media are at fault. */
export class DiskFull extends Error {}

/** A file that was made, and where it lies. */
export interface MadeFile extends RecordingFile {
  path: string;
}

export interface MakingFiles {
  /** Where Janus wrote. */
  raw: string;
  /** Where whatever is made meanwhile lies: whoever makes it again goes on with what is there. */
  work: string;
  feeds: readonly Feed[];
  /** How people are called, by their aliases: it is written into their tiles. */
  names: ReadonlyMap<string, string>;
  /** Tells drafts of this attempt from those of one that was killed, and may still be written. */
  attempt: number;
  signal: AbortSignal;
  timeoutMs: number;
  /** What one device sent cannot be read, and is left out: whoever sends rubbish spoils nobody else's recording. */
  onLeftOut: (error: ProgramFailed) => void;
  /** How far it is, from 0 to 1. */
  onProgress: (progress: number) => void;
}

/**
 * Makes the files of a recording out of what Janus wrote: everyone's pictures and sound, the sound alone, and what each device sent.
 * Each step leaves a whole file or none, so that after a kill only the step it fell into is made again.
 * @returns them, and how long the whole plays; none where nothing was recorded.
 * @throws DiskFull where there is no room for them.
 */
export async function makeFiles(making: MakingFiles): Promise<{ files: MadeFile[]; seconds: number }> {
  const maker = new FileMaker(making);
  return maker.make();
}

class FileMaker {
  #done = 0;
  #steps = 1;

  constructor(private readonly making: MakingFiles) {}

  async make(): Promise<{ files: MadeFile[]; seconds: number }> {
    const { raw, work, feeds } = this.making;
    await mkdir(work, { recursive: true });
    const senders = new Map(feeds.map(({ feed, userAlias, deviceId }) => [feed, `${userAlias}/${deviceId}`]));
    const takes = await readTakes(raw, (feed) => senders.get(feed) ?? feed);
    const { placed, frames } = place(takes);
    if (frames === 0) return { files: [], seconds: 0 };
    const scenes = scenesOf(placed, frames);
    const hasPictures = placed.some(({ media }) => media === 'video');
    const pictures = hasPictures ? chunksOf(scenes) : [];
    const sounds = chunksOfSound(frames);
    this.#steps = 2 * placed.length + pictures.length + sounds.length + 2;
    const streams = await this.#streams(placed, takes);
    const even = await this.#even(placed, scenes, streams);
    const pictureFiles = await this.#pictures(pictures, even);
    const soundFiles = await this.#sounds(sounds, even);
    const whole = await this.#whole(pictureFiles, soundFiles, frames / rate.frames);
    return { files: [...whole, ...streams.map(({ file }) => file)], seconds: frames / rate.frames };
  }

  /** What each device sent, section by section, as it was sent: nothing is encoded anew. */
  async #streams(placed: readonly PlacedTake[], takes: readonly RawTake[]): Promise<{ take: PlacedTake; file: MadeFile }[]> {
    const byFeed = new Map(this.making.feeds.map((feed) => [feed.feed, feed]));
    const streams: { take: PlacedTake; file: MadeFile }[] = [];
    for (const take of placed) {
      const raw = takes[take.index];
      if (!raw) continue;
      const { extension, contentType } = containerOf(raw);
      const name = `stream-${take.index + 1}.${extension}`;
      const path = await this.#stepIfReadable(name, async (draft) => {
        const source = await fileOfTake(raw, join(this.making.work, `take-${take.index}.mjr`));
        await this.#run('janus-pp-rec', ['-d', '2', '-f', extension, source, draft]);
      });
      if (path === undefined) continue;
      const feed = byFeed.get(raw.feed);
      const described = { stream: take.isScreen ? ('screen' as const) : ('camera' as const), startsAt: take.from / rate.frames };
      const who = feed && { userAlias: feed.userAlias, deviceId: feed.deviceId };
      const seconds = (take.to - take.from) / rate.frames;
      const file = { name, kind: 'stream' as const, contentType, bytes: await sizeOf(path), seconds, ...who, ...described, path };
      streams.push({ take, file });
    }
    return streams;
  }

  /** Pictures at an even pace in one size, and sound as samples: chunks are made of these. @returns the takes of which there are any. */
  async #even(
    placed: readonly PlacedTake[],
    scenes: readonly Scene[],
    streams: readonly { take: PlacedTake; file: MadeFile }[],
  ): Promise<PlacedTake[]> {
    const even: PlacedTake[] = [];
    const boxes = largestBoxes(scenes);
    const files = new Map(streams.map(({ take, file }) => [take.index, file]));
    for (const take of placed) {
      const source = files.get(take.index);
      const box = boxes.get(take.index);
      if (!source) continue;
      // Of what is never shown, as who came as the twenty-sixth, there is no need.
      if (take.media === 'video' && !box) continue;
      const argsFor = (draft: string) => (box ? evenPicturesOf(source.path, box, draft) : evenSoundOf(source.path, draft));
      const path = await this.#stepIfReadable(evenNameOf(take), (draft) => this.#ffmpeg(argsFor(draft)));
      if (path !== undefined) even.push(take);
    }
    return even;
  }

  async #pictures(chunks: readonly Scene[], placed: readonly PlacedTake[]): Promise<string[]> {
    const names: string[] = [];
    // A take of which no picture could be read is shown as somebody without one.
    const readable = new Set(placed.map(({ index }) => index));
    const labels = await this.#labels(chunks);
    for (const [index, chunk] of chunks.entries()) {
      const tiles = chunk.tiles.map((tile) => ({ ...tile, take: tile.take && readable.has(tile.take.index) ? tile.take : undefined }));
      const name = `picture-${index}.h264`;
      await this.#step(name, (draft) =>
        this.#ffmpeg(picturesOf({ ...chunk, tiles }, evenNameOf, draft, (tile) => labels.get(keyOfLabel(tile)))),
      );
      names.push(name);
    }
    return names;
  }

  /** Writes down what is written into tiles. @returns the files, by whose they are and how much room there is; none where no text can be drawn. */
  async #labels(chunks: readonly Scene[]): Promise<Map<string, string>> {
    const { names, feeds, work } = this.making;
    const labels = new Map<string, string>();
    if (names.size === 0) return labels;
    const bySender = new Map(feeds.map(({ userAlias, deviceId }) => [`${userAlias}/${deviceId}`, names.get(userAlias)]));
    for (const tile of chunks.flatMap(({ tiles }) => tiles)) {
      const name = bySender.get(tile.sender ?? '');
      const text = name === undefined ? '' : labelOf(name, tile);
      if (text === '' || labels.has(keyOfLabel(tile))) continue;
      const file = `label-${labels.size}.txt`;
      await writeFile(join(work, file), text);
      labels.set(keyOfLabel(tile), file);
    }
    return labels.size === 0 || (await this.#canWrite('label-0.txt')) ? labels : new Map();
  }

  /** Where ffmpeg has no font nobody is named: a recording without names is better than none. */
  async #canWrite(file: string): Promise<boolean> {
    const drawn = ['-f', 'lavfi', '-i', 'color=size=64x64', '-vf', `drawtext=textfile=${file}:expansion=none`];
    try {
      await this.#run('ffmpeg', [...quietly, ...drawn, '-frames:v', '1', '-f', 'null', '-']);
      return true;
    } catch (error) {
      if (!(error instanceof ProgramFailed)) throw error;
      this.making.onLeftOut(error);
      return false;
    }
  }

  async #sounds(chunks: readonly Pick<Scene, 'from' | 'to'>[], placed: readonly PlacedTake[]): Promise<string[]> {
    const names: string[] = [];
    for (const [index, chunk] of chunks.entries()) {
      const name = `sound-${index}.pcm`;
      await this.#step(name, (draft) => this.#ffmpeg(soundOf(chunk, placed, evenNameOf, draft)));
      names.push(name);
    }
    return names;
  }

  async #whole(pictures: readonly string[], sounds: readonly string[], seconds: number): Promise<MadeFile[]> {
    const files: MadeFile[] = [];
    if (pictures.length > 0) {
      const path = await this.#step('call.mp4', (draft) => this.#ffmpeg(wholeOf(pictures, sounds, draft)));
      files.push({ name: 'call.mp4', kind: 'call', contentType: 'video/mp4', bytes: await sizeOf(path), seconds, path });
    }
    const path = await this.#step('call.m4a', (draft) => this.#ffmpeg(wholeOf([], sounds, draft)));
    files.push({ name: 'call.m4a', kind: 'audio', contentType: 'audio/mp4', bytes: await sizeOf(path), seconds, path });
    return files;
  }

  /** Makes a file, unless it is there. @returns where it is. */
  async #step(name: string, make: (draft: string) => Promise<void>): Promise<string> {
    const path = join(this.making.work, name);
    if ((await sizeOf(path)) === 0) {
      const draft = join(this.making.work, `draft-${this.making.attempt}-${name}`);
      await rm(draft, { force: true });
      await this.#made(draft, make);
      await rename(draft, path);
    }
    this.#done += 1;
    this.making.onProgress(Math.min(1, this.#done / this.#steps));
    return path;
  }

  /** Programs that find no room may fail in their own words, or not at all. */
  async #made(draft: string, make: (draft: string) => Promise<void>): Promise<void> {
    const fault: unknown = await make(draft).then(
      () => undefined,
      (error: unknown) => error ?? new Error('a step failed'),
    );
    if (!this.making.signal.aborted && (await isFull(this.making.work)))
      throw new DiskFull(`There was no room for ${draft}`, { cause: fault });
    if (fault) throw fault;
  }

  /** As a step, of what one device sent. @returns undefined where that cannot be read. */
  async #stepIfReadable(name: string, make: (draft: string) => Promise<void>): Promise<string | undefined> {
    try {
      return await this.#step(name, make);
    } catch (error) {
      if (!(error instanceof ProgramFailed)) throw error;
      this.making.onLeftOut(error);
      return undefined;
    }
  }

  async #ffmpeg(args: readonly string[]): Promise<void> {
    const target = args.at(-1) ?? '';
    await this.#run('ffmpeg', [...quietly, ...args.slice(0, -1), target]);
  }

  #run(program: string, args: readonly string[]): Promise<void> {
    const { work: cwd, signal, timeoutMs } = this.making;
    return runInBackground(program, args, { cwd, signal, timeoutMs });
  }
}

const keyOfLabel = ({ sender, width, height }: Tile) => `${sender} ${width}x${height}`;
const evenNameOf = ({ index, media }: PlacedTake) => (media === 'video' ? `even-${index}.mkv` : `even-${index}.pcm`);

const chunksOfSound = (frames: number) =>
  Array.from({ length: Math.ceil(frames / soundFrames) }, (_, index) => ({
    ...{ from: index * soundFrames, to: Math.min(frames, (index + 1) * soundFrames) },
  }));

/** @returns into what janus-pp-rec puts it without encoding it anew. */
function containerOf({ media, header: { codec } }: RawTake): { extension: string; contentType: string } {
  if (media === 'audio')
    return codec === 'opus' ? { extension: 'opus', contentType: 'audio/ogg' } : { extension: 'wav', contentType: 'audio/wav' };
  return codec === 'vp8' || codec === 'vp9'
    ? { extension: 'webm', contentType: 'video/webm' }
    : { extension: 'mkv', contentType: 'video/x-matroska' };
}

async function isFull(folder: string): Promise<boolean> {
  const { bavail, bsize } = await statfs(folder);
  return bavail * bsize < leastFree;
}

/** @returns the bytes of a file; 0 where it is not there. */
async function sizeOf(path: string): Promise<number> {
  return (await stat(path).catch(() => undefined))?.size ?? 0;
}

/** @returns where the files of a recording lie, and by which name each is kept. */
export const keyOf = (prefix: string, { appId, recordingId }: { appId: string; recordingId: string }, name: string): string =>
  `${prefix}${appId}/${recordingId}/${basename(name)}`;
