/*
 * Whatever comes and goes, everything that is made has its frames, each with everybody who is there once, in tiles that do not cover each other and
 * lie on the canvas; nothing is left out but when nobody sent anything.
 */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { chunksOf } from './chunks.js';
import { type Box, canvas, grid, largestBoxes, scenesOf } from './layout.js';
import { place, type Take } from './takes.js';

const start = 1_795_000_000_000;
const take = (index: number, more: Partial<Take> = {}): Take => ({
  ...{ index, sender: `person-${index}`, media: 'video', isScreen: false, fromMs: start, toMs: start + 10_000, ...more },
});
const scenesAt = (takes: Take[]) => {
  const { placed, frames } = place(takes);
  return scenesOf(placed, frames);
};
const areApart = (one: Box, other: Box) =>
  one.x + one.width <= other.x || other.x + other.width <= one.x || one.y + one.height <= other.y || other.y + other.height <= one.y;

describe('time', () => {
  test('begins with the first take, and leaves out when nobody sent anything for more than a second', () => {
    const takes = [
      take(0),
      take(1, { fromMs: start + 2000, toMs: start + 4000 }),
      take(2, { fromMs: start + 70_000, toMs: start + 75_000 }),
    ];
    const { placed, frames } = place(takes);
    expect(frames).toBe(15 * 25);
    expect(placed.map(({ index, from, to }) => [index, from, to])).toEqual([
      [0, 0, 250],
      [1, 50, 100],
      [2, 250, 375],
    ]);
  });

  test('keeps a pause that is short, and has none where nothing was recorded', () => {
    expect(place([take(0), take(1, { fromMs: start + 10_900, toMs: start + 12_000 })]).frames).toBe(300);
    expect(place([])).toEqual({ placed: [], frames: 0 });
    expect(place([take(0, { toMs: start })]).frames).toBe(0);
  });
});

describe('the picture', () => {
  test('is one, two beside each other, then a grid, of those who are there', () => {
    const takes = [take(0), take(1, { fromMs: start + 2000, toMs: start + 4000 })];
    expect(
      scenesAt(takes).map(({ from, to, tiles }) => [from, to, tiles.map(({ x, width, take: seen }) => [seen?.index, x, width])]),
    ).toEqual([
      [0, 50, [[0, 0, 1280]]],
      [
        50,
        100,
        [
          [0, 0, 640],
          [1, 640, 640],
        ],
      ],
      [100, 250, [[0, 0, 1280]]],
    ]);
    expect(grid(3).map(({ x, y }) => [x, y])).toEqual([
      [0, 0],
      [640, 0],
      [320, 360],
    ]);
  });

  test('has a tile for who is there without a picture, and a screen before the people', () => {
    const takes = [
      take(0),
      take(1, { media: 'audio', sender: 'listener' }),
      take(2, { sender: 'person-0', isScreen: true, fromMs: start + 5000 }),
    ];
    const [people, shared] = scenesAt(takes);
    expect(people?.tiles.map((tile) => tile.take?.index)).toEqual([0, undefined]);
    expect(shared?.tiles.map((tile) => tile.take?.index)).toEqual([2, 0, undefined]);
    expect(shared?.tiles[0]).toMatchObject({ x: 0, width: 960, height: 540 });
  });

  const anyTakes = fc
    .array(
      fc.record({
        sender: fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f', 'g'),
        media: fc.constantFrom('audio' as const, 'video' as const),
        isScreen: fc.boolean(),
        fromMs: fc.nat(120_000),
        lastsMs: fc.nat(60_000),
      }),
      { minLength: 1, maxLength: 40 },
    )
    .map((all) =>
      all.map(({ lastsMs, ...one }, index): Take => ({ ...one, index, fromMs: start + one.fromMs, toMs: start + one.fromMs + lastsMs })),
    );

  test('holds together, whoever comes and goes', () => {
    fc.assert(
      fc.property(anyTakes, (takes) => {
        const { placed, frames } = place(takes);
        const scenes = scenesOf(placed, frames);
        const chunks = chunksOf(scenes);
        for (const parts of [scenes, chunks]) {
          expect(parts.map(({ from }) => from)).toEqual([0, ...parts.map(({ to }) => to)].slice(0, parts.length));
          expect(parts.every(({ from, to }) => from < to)).toBe(true);
          expect(parts.at(-1)?.to ?? 0).toBe(frames);
        }
        expect(Math.max(0, ...chunks.map(({ from, to }) => to - from))).toBeLessThanOrEqual(751);
        const largest = largestBoxes(scenes);
        for (const { tiles } of scenes) {
          for (const [index, tile] of tiles.entries()) {
            expect(tile.x >= 0 && tile.y >= 0 && tile.x + tile.width <= canvas.width && tile.y + tile.height <= canvas.height).toBe(true);
            expect([tile.x, tile.y, tile.width, tile.height].every((one) => one % 2 === 0)).toBe(true);
            expect(tiles.slice(index + 1).every((other) => areApart(tile, other))).toBe(true);
            if (tile.take) expect(largest.get(tile.take.index)?.width).toBeGreaterThanOrEqual(tile.width);
          }
          const seen = tiles.flatMap((tile) => tile.take?.index ?? []);
          expect(new Set(seen).size).toBe(seen.length);
        }
      }),
      { numRuns: 300 },
    );
  });
});
