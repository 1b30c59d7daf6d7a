/* Pictures as I420: all of the brightness, then a quarter as much of each of two colours. Sizes and places are even numbers. */
import type { Box } from '../../recordings/domain/layout.js';

export interface Size {
  width: number;
  height: number;
}

/** A picture, and its size. */
export interface Picture extends Size {
  bytes: Buffer;
}

export const bytesOf = ({ width, height }: Size): number => (width * height * 3) / 2;

/** A brightness and two colours. */
export type Colour = readonly [number, number, number];
const black: Colour = [16, 128, 128];
/** Where somebody has no picture. */
export const dim: Colour = [40, 132, 124];

/** @returns the three planes: where each begins, and by what it is smaller than the picture. */
function planesOf({ width, height }: Size): { start: number; shift: 0 | 1; stride: number }[] {
  const [all, quarter] = [width * height, (width * height) / 4];
  return [
    { start: 0, shift: 0, stride: width },
    { start: all, shift: 1, stride: width / 2 },
    { start: all + quarter, shift: 1, stride: width / 2 },
  ];
}

/** Fills a box of a picture, or all of it, with a colour. */
export function fill(picture: Picture, colour: Colour = black, { x, y, width, height }: Box = { x: 0, y: 0, ...picture }): void {
  for (const [index, { start, shift, stride }] of planesOf(picture).entries()) {
    for (let row = y >> shift; row < (y + height) >> shift; row += 1) {
      const at = start + row * stride + (x >> shift);
      picture.bytes.fill(colour[index] ?? 0, at, at + (width >> shift));
    }
  }
}

/** Draws a picture into a box of another: as it is where it has its size, else by its nearest points. */
export function draw(onto: Picture, picture: Picture, { x, y, width, height }: Box): void {
  const from = planesOf(picture);
  const isSame = picture.width === width && picture.height === height;
  for (const [index, to] of planesOf(onto).entries()) {
    const source = from[index];
    if (!source) continue;
    const [columns, rows] = [width >> to.shift, height >> to.shift];
    const sourceRows = picture.height >> to.shift;
    for (let row = 0; row < rows; row += 1) {
      const target = to.start + ((y >> to.shift) + row) * to.stride + (x >> to.shift);
      const line = source.start + (isSame ? row : Math.floor((row * sourceRows) / rows)) * source.stride;
      if (isSame) picture.bytes.copy(onto.bytes, target, line, line + columns);
      else {
        for (let column = 0; column < columns; column += 1)
          onto.bytes[target + column] = picture.bytes[line + Math.floor((column * source.stride) / columns)] ?? 0;
      }
    }
  }
}
