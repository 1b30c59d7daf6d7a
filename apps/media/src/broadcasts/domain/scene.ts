import { type Box, canvas, grid, stageAndStrip } from '../../recordings/domain/layout.js';
import type { Size } from './canvas.js';

/** Whoever is broadcast. */
export interface Shown {
  id: string;
  isScreen: boolean;
}

/** Beyond so many nobody is shown; they are heard. */
export const mostTiles = 9;

/** @returns the size of the picture for a height, 16:9 and in even numbers. */
export function sizeFor(height: number): Size {
  return { width: Math.round((height * 16) / 9 / 2) * 2, height: Math.round(height / 2) * 2 };
}

/**
 * @param shown in the order in which they came; the newest screen is shown large.
 * @returns where each is, for as many as are shown: even numbers within the picture, none over another.
 */
export function sceneOf(shown: readonly Shown[], size: Size): Map<string, Box> {
  const screen = shown.findLast(({ isScreen }) => isScreen);
  const people = shown.filter(({ isScreen }) => !isScreen);
  const [stage, ...strip] = screen ? stageAndStrip(people.length) : [undefined, ...grid(Math.min(people.length, mostTiles))];
  const tiles = new Map<string, Box>();
  if (screen && stage) tiles.set(screen.id, fitted(stage, size));
  for (const [index, box] of strip.entries()) {
    const one = people[index];
    if (one && box) tiles.set(one.id, fitted(box, size));
  }
  return tiles;
}

/** A box of the canvas of recordings, in another size. */
function fitted({ x, y, width, height }: Box, size: Size): Box {
  const [across, down] = [size.width / canvas.width, size.height / canvas.height];
  const even = (number: number) => Math.floor(number / 2) * 2;
  const [left, top] = [even(x * across), even(y * down)];
  const [right, bottom] = [even((x + width) * across), even((y + height) * down)];
  return { x: left, y: top, width: Math.max(2, right - left), height: Math.max(2, bottom - top) };
}
