/*
 * What is made is made in chunks of some seconds, each by an ffmpeg of its own: so whoever is killed leaves whole ones behind, a long call
 * needs no more memory than a short one, and frames and samples are counted rather than timed, so that nothing drifts.
 */
import { drawnLabel } from './labels.js';
import type { Box, Scene, Tile } from './layout.js';
import { canvas } from './layout.js';
import { type PlacedTake, rate, samplesOfFrame } from './takes.js';

/** Frames of a chunk at most: 30 seconds. */
const mostFrames = 30 * rate.frames;

/** @returns the scenes, those that are long in several parts. */
export function chunksOf(scenes: readonly Scene[]): Scene[] {
  return scenes.flatMap(({ from, to, tiles }) => {
    const count = Math.ceil((to - from) / mostFrames);
    const at = (part: number) => from + Math.round(((to - from) * part) / count);
    return Array.from({ length: count }, (_, part) => ({ from: at(part), to: at(part + 1), tiles }));
  });
}

/** Of a picture that somebody sends: one of 4K has fewer. */
const mostPixels = 4096 * 2304;

const seconds = (frames: number) => (frames / rate.frames).toFixed(3);
const fit = ({ width, height }: Pick<Box, 'width' | 'height'>) =>
  `scale=${width}:${height}:force_original_aspect_ratio=decrease,pad=${width}:${height}:(ow-iw)/2:(oh-ih)/2,setsar=1`;

/** How H.264 is written: without B-frames, so that chunks follow each other as they are. */
const encoding = (preset: string, quality: number) =>
  `-c:v libx264 -preset ${preset} -crf ${quality} -pix_fmt yuv420p -bf 0 -g ${2 * rate.frames}`.split(' ');

/** Where the pictures, or the sound, of a take are kept meanwhile. */
export type FileOfTake = (take: PlacedTake) => string;

/** @returns what ffmpeg is told to keep the pictures of a take at an even pace, in one size, whatever sizes they had. */
export function evenPicturesOf(source: string, box: Pick<Box, 'width' | 'height'>, target: string): string[] {
  return [
    // A header may claim a picture of any size.
    ...[
      '-max_pixels',
      String(mostPixels),
      '-i',
      source,
      '-an',
      '-vf',
      `${fit(box)},format=yuv420p`,
      '-vsync',
      'cfr',
      '-r',
      String(rate.frames),
    ],
    ...encoding('ultrafast', 18),
    ...['-g', String(rate.frames), '-f', 'matroska', target],
  ];
}

/** @returns what ffmpeg is told to keep the sound of a take as samples, with silence where nothing came. */
export function evenSoundOf(source: string, target: string): string[] {
  const filter = `aresample=${rate.samples}:async=1:min_hard_comp=0.05:first_pts=0`;
  return ['-i', source, '-vn', '-af', filter, '-ac', '1', '-ar', String(rate.samples), '-f', 's16le', target];
}

/** @param labelOf the file with what is written into a tile, if any. @returns what ffmpeg is told to make the pictures of a chunk. */
export function picturesOf(
  { from, to, tiles }: Scene,
  fileOf: FileOfTake,
  target: string,
  labelOf: (tile: Tile) => string | undefined = () => undefined,
): string[] {
  const seen = tiles.flatMap(({ take, ...box }) => (take ? [{ take, box }] : []));
  const inputs = seen.flatMap(({ take }) => ['-ss', seconds(Math.max(0, from - take.from)), '-i', fileOf(take)]);
  const empty = tiles.filter(({ take }) => !take);
  const boxes = empty.map(
    ({ x, y, width, height }) => `drawbox=x=${x + 4}:y=${y + 4}:w=${width - 8}:h=${height - 8}:color=0x30353d:t=fill`,
  );
  const base = `color=c=black:s=${canvas.width}x${canvas.height}:r=${rate.frames}`;
  const steps = [
    `${[base, ...boxes].join(',')}[at0]`,
    ...seen.flatMap(({ box }, index) => [
      // The last picture stays until the chunk is over.
      `[${index}:v]${fit(box)},tpad=stop_mode=clone:stop=-1[in${index}]`,
      `[at${index}][in${index}]overlay=x=${box.x}:y=${box.y}[at${index + 1}]`,
    ]),
  ];
  const labels = tiles.flatMap((tile) => {
    const file = labelOf(tile);
    return file === undefined ? [] : [drawnLabel(file, tile)];
  });
  if (labels.length > 0) steps.push(`[at${seen.length}]${labels.join(',')}[named]`);
  return [
    ...inputs,
    ...[
      '-filter_complex',
      steps.join(';'),
      '-map',
      labels.length > 0 ? '[named]' : `[at${seen.length}]`,
      '-frames:v',
      String(to - from),
      '-r',
      String(rate.frames),
    ],
    ...encoding('veryfast', 23),
    ...['-f', 'h264', target],
  ];
}

/** @returns what is heard of a stretch of frames, and what ffmpeg is told to mix it, at half of its loudness so that nothing is clipped. */
export function soundOf(
  { from, to }: Pick<Scene, 'from' | 'to'>,
  takes: readonly PlacedTake[],
  fileOf: FileOfTake,
  target: string,
): string[] {
  const heard = takes.filter((take) => take.media === 'audio' && take.from < to && take.to > from);
  const inputs = heard.flatMap((take) => [
    ...['-f', 's16le', '-ar', String(rate.samples), '-ac', '1', '-ss', seconds(Math.max(0, from - take.from)), '-i', fileOf(take)],
  ]);
  const samples = (to - from) * samplesOfFrame;
  const delayed = heard.map((take, index) => `[${index}:a]adelay=${Math.max(0, take.from - from) * samplesOfFrame}S:all=1[in${index}]`);
  const names = heard.map((_, index) => `[in${index}]`).join('');
  const silence = `anullsrc=r=${rate.samples}:cl=mono`;
  const mixed = heard.length > 0 ? `${names}amix=inputs=${heard.length}:normalize=0:duration=longest,volume=0.5` : silence;
  const steps = [...delayed, `${mixed},apad,atrim=end_sample=${samples}[out]`];
  return [...inputs, '-filter_complex', steps.join(';'), '-map', '[out]', '-ac', '1', '-ar', String(rate.samples), '-f', 's16le', target];
}

/** @returns what ffmpeg is told to make one file of all chunks, or of their sound alone where there are no pictures. */
export function wholeOf(pictures: readonly string[], sounds: readonly string[], target: string): string[] {
  const inputs = [
    ...(pictures.length > 0 ? ['-f', 'h264', '-framerate', String(rate.frames), '-i', `concat:${pictures.join('|')}`] : []),
    ...['-f', 's16le', '-ar', String(rate.samples), '-ac', '1', '-i', `concat:${sounds.join('|')}`],
  ];
  const copied = pictures.length > 0 ? ['-map', '0:v', '-map', '1:a', '-c:v', 'copy'] : ['-map', '0:a'];
  const sound = ['-af', 'volume=2,alimiter=limit=0.95:level=disabled', '-c:a', 'aac', '-b:a', '96k'];
  return [...inputs, ...copied, ...sound, '-movflags', '+faststart', '-f', 'mp4', target];
}
