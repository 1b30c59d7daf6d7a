/* What is drawn into a box is in it, in whatever size it was, and nothing beside it changes. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { bytesOf, dim, draw, fill, type Picture } from './canvas.js';

const even = (most: number) => fc.integer({ min: 1, max: most / 2 }).map((half) => half * 2);
const filled = (width: number, height: number, colour: readonly [number, number, number]): Picture => {
  const picture = { width, height, bytes: Buffer.alloc(bytesOf({ width, height })) };
  fill(picture, colour);
  return picture;
};

test('a box has the colours of what is drawn into it, and what is around has its own', () => {
  fc.assert(
    fc.property(even(40), even(40), even(20), even(20), even(20), even(20), (width, height, left, top, wide, tall) => {
      const canvas = filled(64, 48, [16, 128, 128]);
      const box = { x: left, y: top, width: wide, height: tall };
      draw(canvas, filled(width, height, [200, 10, 20]), box);
      for (let y = 0; y < 48; y += 1)
        for (let x = 0; x < 64; x += 1) {
          const isIn = x >= left && x < left + wide && y >= top && y < top + tall;
          expect(canvas.bytes[y * 64 + x]).toBe(isIn ? 200 : 16);
          expect(canvas.bytes[64 * 48 + (y >> 1) * 32 + (x >> 1)]).toBe(isIn ? 10 : 128);
        }
    }),
    { numRuns: 8 },
  );
});

test('a picture of the same size is drawn as it is', () => {
  const picture = { width: 4, height: 2, bytes: Buffer.from([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]) };
  const canvas = filled(4, 2, dim);
  draw(canvas, picture, { x: 0, y: 0, width: 4, height: 2 });
  expect(canvas.bytes.equals(picture.bytes)).toBe(true);
});
