import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const run = promisify(execFile);
const most = { maxBuffer: 512 * 1_048_576, encoding: 'buffer' as const };
/** Samples of sound a second, and pictures a second, that are looked at. */
const sampled = 8000;
const pictured = 25;
const windowSeconds = 0.01;

/** What ffprobe says of a file. */
export interface Probed {
  seconds: number;
  streams: { kind: string; codec: string; width: number | undefined; height: number | undefined; seconds: number }[];
}

export async function probe(file: string): Promise<Probed> {
  const { stdout } = await run('ffprobe', ['-v', 'error', '-of', 'json', '-show_format', '-show_streams', file], most);
  const { format, streams } = JSON.parse(stdout.toString()) as {
    format: { duration: string };
    streams: { codec_type: string; codec_name: string; width?: number; height?: number; duration?: string }[];
  };
  const told = streams.map(({ codec_type: kind, codec_name: codec, width, height, duration }) => ({
    ...{ kind, codec, width, height, seconds: Number(duration ?? format.duration) },
  }));
  return { seconds: Number(format.duration), streams: told };
}

/** @returns how bright a part of the picture is on average, 0 to 255, in each picture. */
export async function brightness(
  file: string,
  { x, y, width, height }: { x: number; y: number; width: number; height: number },
): Promise<number[]> {
  const filter = `crop=${width}:${height}:${x}:${y},scale=1:1:flags=area,format=gray`;
  const args = ['-v', 'error', '-i', file, '-vf', filter, '-r', String(pictured), '-f', 'rawvideo', '-'];
  const { stdout } = await run('ffmpeg', args, most);
  return [...stdout];
}

/** @returns the colour of a part of the picture on average at a moment: red, green and blue, 0 to 255. */
export async function colourAt(
  file: string,
  seconds: number,
  { x, y, width, height }: { x: number; y: number; width: number; height: number },
): Promise<[red: number, green: number, blue: number]> {
  const filter = `crop=${width}:${height}:${x}:${y},scale=1:1:flags=area,format=rgb24`;
  const args = ['-v', 'error', '-ss', seconds.toFixed(2), '-i', file, '-frames:v', '1', '-vf', filter, '-f', 'rawvideo', '-'];
  const { stdout } = await run('ffmpeg', args, most);
  return [stdout[0] ?? 0, stdout[1] ?? 0, stdout[2] ?? 0];
}

/** @returns how loud a tone is in each hundredth of a second, by Goertzel's algorithm. */
export async function loudness(file: string, tone: number): Promise<number[]> {
  const { stdout } = await run('ffmpeg', ['-v', 'error', '-i', file, '-vn', '-ac', '1', '-ar', String(sampled), '-f', 's16le', '-'], most);
  const samples = new Int16Array(stdout.buffer, stdout.byteOffset, Math.floor(stdout.length / 2));
  const size = sampled * windowSeconds;
  const factor = 2 * Math.cos((2 * Math.PI * tone) / sampled);
  return Array.from({ length: Math.floor(samples.length / size) }, (_, index) => {
    let [last, before] = [0, 0];
    for (const sample of samples.subarray(index * size, (index + 1) * size))
      [last, before] = [sample / 32_768 + factor * last - before, last];
    return Math.sqrt(Math.max(0, last * last + before * before - factor * last * before)) / size;
  });
}

/** @returns the seconds at which something begins that was not there before: it rises above half of what it comes to. */
export function onsets(values: readonly number[], everySeconds: number): number[] {
  const sorted = [...values].sort((one, other) => one - other);
  const at = (share: number) => sorted[Math.floor((sorted.length - 1) * share)] ?? 0;
  const threshold = (at(0.1) + at(0.95)) / 2;
  return values.flatMap((value, index) =>
    index > 0 && value > threshold && (values[index - 1] ?? 0) <= threshold ? [index * everySeconds] : [],
  );
}

export const everyPicture = 1 / pictured;
export const everyWindow = windowSeconds;

/** @returns how much later each of the sounds begins than the picture next to it, in milliseconds, the middle one of all. */
export function medianLag(pictures: readonly number[], sounds: readonly number[]): number {
  const lags = sounds.flatMap((sound) => {
    const nearest = pictures.toSorted((one, other) => Math.abs(one - sound) - Math.abs(other - sound))[0];
    return nearest !== undefined && Math.abs(nearest - sound) < 0.5 ? [(sound - nearest) * 1000] : [];
  });
  return lags.sort((one, other) => one - other)[Math.floor(lags.length / 2)] ?? Number.NaN;
}
