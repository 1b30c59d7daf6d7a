/* Everybody has a place in the picture, within it and beside the others, in whatever size it is made; a screen is the largest. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { mostTiles, sceneOf, sizeFor } from './scene.js';

const people = fc
  .array(fc.boolean(), { maxLength: 14 })
  .map((screens) => screens.map((isScreen, index) => ({ id: String(index), isScreen })));
const height = fc.integer({ min: 180, max: 1080 });

test('tiles are within the picture, of even numbers, and none is over another', () => {
  fc.assert(
    fc.property(people, height, (shown, high) => {
      const size = sizeFor(high);
      const boxes = [...sceneOf(shown, size).values()];
      for (const { x, y, width, height: tall } of boxes) {
        expect([x, y, width, tall].every((number) => number % 2 === 0 && number >= 0)).toBe(true);
        expect(width >= 2 && tall >= 2 && x + width <= size.width && y + tall <= size.height).toBe(true);
      }
      for (const [index, one] of boxes.entries())
        for (const other of boxes.slice(index + 1)) {
          const apart =
            one.x + one.width <= other.x ||
            other.x + other.width <= one.x ||
            one.y + one.height <= other.y ||
            other.y + other.height <= one.y;
          expect(apart).toBe(true);
        }
    }),
  );
});

test('of people without a screen the first nine are shown; of screens the newest, and larger than anybody', () => {
  fc.assert(
    fc.property(people, (shown) => {
      const scene = sceneOf(shown, sizeFor(720));
      const screen = shown.findLast(({ isScreen }) => isScreen);
      const others = shown.filter(({ isScreen }) => !isScreen);
      if (!screen) return void expect(scene.size).toBe(Math.min(others.length, mostTiles));
      const area = ({ width, height: tall } = { width: 0, height: 0 }) => width * tall;
      for (const [id, box] of scene) if (id !== screen.id) expect(area(box)).toBeLessThan(area(scene.get(screen.id)));
      expect([...scene.keys()].filter((id) => shown.find((one) => one.id === id)?.isScreen)).toEqual([screen.id]);
    }),
  );
});
