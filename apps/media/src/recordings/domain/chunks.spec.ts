/* What ffmpeg is told is what the scene says: frames and samples are counted, and each take is read from where it stands. */
import { expect, test } from 'vitest';
import { picturesOf, soundOf, wholeOf } from './chunks.js';
import type { PlacedTake } from './takes.js';

const take = (index: number, media: 'audio' | 'video', from: number, to: number): PlacedTake => ({
  ...{ index, sender: 'alice/desk', media, isScreen: false, fromMs: 0, toMs: 0, from, to },
});
const fileOf = ({ index }: PlacedTake) => `even-${index}`;
const argument = (args: readonly string[], name: string) => args[args.indexOf(name) + 1];

test('a chunk of pictures has so many frames, each take from where it stands, and a plain tile for who has none', () => {
  const box = { x: 640, y: 180, width: 640, height: 360 };
  const tiles = [
    { ...box, take: take(3, 'video', 50, 400) },
    { ...box, x: 0, take: undefined },
  ];
  const args = picturesOf({ from: 100, to: 300, tiles }, fileOf, 'out');
  expect(args.slice(0, 4)).toEqual(['-ss', '2.000', '-i', 'even-3']);
  expect(argument(args, '-frames:v')).toBe('200');
  const graph = argument(args, '-filter_complex') ?? '';
  expect(graph).toContain('drawbox=x=4:y=184:w=632:h=352');
  expect(graph).toContain('[at0][in0]overlay=x=640:y=180[at1]');
  expect(args.at(-1)).toBe('out');
});

test('a chunk without anybody is black', () => {
  const args = picturesOf({ from: 0, to: 25, tiles: [] }, fileOf, 'out');
  expect(argument(args, '-filter_complex')).toBe('color=c=black:s=1280x720:r=25[at0]');
  expect(argument(args, '-map')).toBe('[at0]');
});

test('a stretch of sound has so many samples, with each voice from when it begins', () => {
  const takes = [take(0, 'audio', 0, 500), take(1, 'audio', 150, 500), take(2, 'audio', 600, 700), take(3, 'video', 0, 500)];
  const args = soundOf({ from: 100, to: 200 }, takes, fileOf, 'out');
  expect(args.filter((_, index) => args[index - 1] === '-i')).toEqual(['even-0', 'even-1']);
  expect(args.filter((_, index) => args[index - 1] === '-ss')).toEqual(['4.000', '0.000']);
  expect(argument(args, '-filter_complex')).toBe(
    '[0:a]adelay=0S:all=1[in0];[1:a]adelay=96000S:all=1[in1];[in0][in1]amix=inputs=2:normalize=0:duration=longest,volume=0.5,apad,atrim=end_sample=192000[out]',
  );
  expect(argument(soundOf({ from: 700, to: 710 }, takes, fileOf, 'out'), '-filter_complex')).toContain('anullsrc');
});

test('the whole is the chunks as they are, one after the other; without pictures it is the sound', () => {
  expect(wholeOf(['p0', 'p1'], ['s0'], 'out')).toEqual(expect.arrayContaining(['concat:p0|p1', 'concat:s0', '-c:v', 'copy']));
  expect(wholeOf([], ['s0', 's1'], 'out').join(' ')).not.toContain('h264');
});
