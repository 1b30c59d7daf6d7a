/*
 * Where everybody is seen: a screen first, with the people beside it; else people in a grid, each in a tile of the same size, in the order
 * in which they came. Whoever is there without a picture has a tile without one.
 */
import type { PlacedTake } from './takes.js';

export const canvas = { width: 1280, height: 720 } as const;

export interface Box {
  x: number;
  y: number;
  width: number;
  height: number;
}

/** A tile, whose it is, and the take whose picture is in it, if any. */
export interface Tile extends Box {
  sender?: string | undefined;
  take: PlacedTake | undefined;
}

/** How it looks from one frame to before another. */
export interface Scene {
  from: number;
  to: number;
  tiles: Tile[];
}

/** Changes that follow each other within so many frames are one. */
const shortest = 5;
const stripTiles = 4;
const stripWidth = canvas.width / 4;
/** In a grid of 5 by 5. */
const mostTiles = 25;

/** @returns the boxes of so many tiles, row by row, the last row in the middle; even numbers, as H.264 with 4:2:0 wants them. */
export function grid(count: number): Box[] {
  if (count === 0) return [];
  const columns = Math.ceil(Math.sqrt(count));
  const rows = Math.ceil(count / columns);
  const width = even(canvas.width / columns);
  const height = even(canvas.height / rows);
  return Array.from({ length: count }, (_, index) => {
    const row = Math.floor(index / columns);
    const inRow = row === rows - 1 ? count - row * columns : columns;
    const margin = even((canvas.width - inRow * width) / 2);
    return { x: margin + (index % columns) * width, y: row * height, width, height };
  });
}

/** @returns how it looks over so many frames: without a gap, and never the same twice in a row. */
export function scenesOf(takes: readonly PlacedTake[], frames: number): Scene[] {
  const changes = new Set([0]);
  for (const { from, to } of takes) changes.add(from).add(to);
  const starts: number[] = [];
  for (const at of [...changes].sort((one, other) => one - other)) {
    if (at >= frames) break;
    // The first of some changes that come close together is put off to the last, but for the beginning.
    if (starts.length > 1 && at - (starts.at(-1) ?? 0) < shortest) starts.pop();
    starts.push(at);
  }
  const scenes: Scene[] = [];
  for (const [index, from] of starts.entries()) {
    const to = starts[index + 1] ?? frames;
    const tiles = tilesOf(takes.filter((take) => take.from <= from && take.to > from));
    const before = scenes.at(-1);
    if (before && isSame(before.tiles, tiles)) before.to = to;
    else scenes.push({ from, to, tiles });
  }
  return scenes;
}

/** @param running the takes that run, in the order in which they began. */
function tilesOf(running: readonly PlacedTake[]): Tile[] {
  const screen = running.findLast(({ media, isScreen }) => media === 'video' && isScreen);
  const senders = [...new Set(running.filter(({ isScreen }) => !isScreen).map(({ sender }) => sender))];
  const pictureOf = (sender: string) => running.findLast((take) => take.sender === sender && take.media === 'video' && !take.isScreen);
  const boxes = screen ? strip(senders.length) : grid(Math.min(senders.length, mostTiles));
  const people = boxes.map((box, index): Tile => ({ ...box, sender: senders[index], take: pictureOf(senders[index] ?? '') }));
  return screen ? [{ ...stage(senders.length > 0), sender: screen.sender, take: screen }, ...people] : people;
}

/** @returns the box of a screen, and those of so many people beside it, as far as there is room. */
export const stageAndStrip = (people: number): Box[] => [stage(people > 0), ...strip(people)];

const stage = (isBeside: boolean): Box => {
  const width = isBeside ? canvas.width - stripWidth : canvas.width;
  const height = even((width * 9) / 16);
  return { x: 0, y: even((canvas.height - height) / 2), width, height };
};

function strip(count: number): Box[] {
  const height = canvas.height / stripTiles;
  const shown = Math.min(count, stripTiles);
  const top = even((canvas.height - shown * height) / 2);
  return Array.from({ length: shown }, (_, index) => ({
    ...{ x: canvas.width - stripWidth, y: top + index * height, width: stripWidth, height },
  }));
}

function isSame(some: readonly Tile[], others: readonly Tile[]): boolean {
  const key = (tiles: readonly Tile[]) =>
    tiles.map(({ x, y, width, height, sender, take }) => [x, y, width, height, sender, take?.index].join()).join(';');
  return key(some) === key(others);
}

const even = (number: number) => Math.floor(number / 2) * 2;

/** @returns the largest box that each take is ever shown in, by its index: in that size its pictures are kept meanwhile. */
export function largestBoxes(scenes: readonly Scene[]): Map<number, Pick<Box, 'width' | 'height'>> {
  const largest = new Map<number, Pick<Box, 'width' | 'height'>>();
  for (const { take, width, height } of scenes.flatMap(({ tiles }) => tiles)) {
    if (!take) continue;
    const known = largest.get(take.index);
    if (!known || known.width * known.height < width * height) largest.set(take.index, { width, height });
  }
  return largest;
}
