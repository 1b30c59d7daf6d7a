/* Whatever a name is, its label is one line that fits, and nothing of it is in what ffmpeg is told. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { picturesOf } from './chunks.js';
import { drawnLabel, labelOf } from './labels.js';
import type { PlacedTake } from './takes.js';

const segments = new Intl.Segmenter(undefined, { granularity: 'grapheme' });
const box = { x: 0, y: 0, width: 640, height: 360 };

test('a name is written as it is, in one line; one that is too long is cut off, between letters as people see them', () => {
  expect(labelOf('Ada Lovelace', box)).toBe('Ada Lovelace');
  expect(labelOf('  Ada\n\tLove\u0000lace\u202e ', box)).toBe('Ada Love lace');
  expect(labelOf('Zoë 👩‍👩‍👧', { width: 640, height: 360 })).toContain('Zo');
  const cut = labelOf('é'.repeat(500), { width: 256, height: 144 });
  expect(cut.endsWith('…')).toBe(true);
  expect([...cut].length).toBeLessThan(35);
});

test('whatever is in it, a label is one line that fits its tile, or two letters', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 200 }), fc.integer({ min: 60, max: 1280 }), (name, width) => {
      const label = labelOf(name, { width, height: Math.round((width * 9) / 16) });
      expect(label).not.toMatch(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u);
      const letters = [...segments.segment(label)].length;
      expect(letters * 0.6 * 12).toBeLessThanOrEqual(Math.max(width, 24));
    }),
  );
});

test('ffmpeg is told a file and a place, and a file of another name is none of ours', () => {
  expect(drawnLabel('label-0.txt', { x: 640, y: 0, width: 640, height: 360 })).toBe(
    'drawtext=textfile=label-0.txt:expansion=none:fontsize=24:fontcolor=white:box=1:boxcolor=black@0.5:boxborderw=6:x=652:y=348-th',
  );
  expect(() => drawnLabel("a':x=0", box)).toThrow('a plain name');
});

test('who is named has a label in each tile, with a picture or without, over the pictures', () => {
  const take: PlacedTake = { index: 3, sender: 'alice/desk', media: 'video', isScreen: false, fromMs: 0, toMs: 0, from: 0, to: 400 };
  const tiles = [
    { ...box, sender: 'alice/desk', take },
    { ...box, x: 640, sender: 'bob/desk', take: undefined },
    { ...box, y: 360, sender: 'unnamed/desk', take: undefined },
  ];
  const labels = (sender: string | undefined) => ({ 'alice/desk': 'label-0.txt', 'bob/desk': 'label-1.txt' })[sender ?? ''];
  const args = picturesOf(
    { from: 0, to: 100, tiles },
    () => 'even-3',
    'out',
    ({ sender }) => labels(sender),
  );
  const graph = args[args.indexOf('-filter_complex') + 1] ?? '';
  expect(graph).toMatch(/\[at1\]drawtext=textfile=label-0\.txt[^,]*,drawtext=textfile=label-1\.txt[^,]*\[named\]$/);
  expect(args[args.indexOf('-map') + 1]).toBe('[named]');
});
