/*
 * Whoever speaks is in view, and nobody is moved without need.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { arrange, gridFor } from './arrange.js';

const all = ['a', 'b', 'c', 'd', 'e', 'f'];

test('who speaks out of view takes the place of the last who is silent there; who speaks in view moves nobody', () => {
  expect(arrange({ all, speakers: ['b'], places: 4 })).toEqual(all);
  const moved = arrange({ all, speakers: ['f', 'd'], places: 4 });
  expect(moved).toEqual(['a', 'b', 'f', 'd', 'e', 'c']);
  expect(arrange({ all, speakers: [], before: moved, places: 4 }), 'it stays so').toEqual(moved);
  expect(arrange({ all: ['a', 'f', 'g'], speakers: [], before: moved, places: 4 }), 'who left is gone, who came is last').toEqual([
    'a',
    'f',
    'g',
  ]);
});

test('everybody is there once, and of those who speak as many as there are places', () => {
  fc.assert(
    fc.property(
      fc.uniqueArray(fc.string({ maxLength: 3 }), { maxLength: 12 }),
      fc.uniqueArray(fc.string({ maxLength: 3 }), { maxLength: 12 }),
      fc.uniqueArray(fc.string({ maxLength: 3 }), { maxLength: 12 }),
      fc.integer({ min: 1, max: 9 }),
      (people, before, some, places) => {
        const speakers = some.filter((one) => people.includes(one));
        const arranged = arrange({ all: people, speakers, before, places });
        expect([...arranged].sort()).toEqual([...people].sort());
        const seen = speakers.filter((one) => arranged.indexOf(one) < places).length;
        expect(seen).toBe(Math.min(places, speakers.length));
      },
    ),
  );
});

test('two to nine are shown in the grid in which they are largest, on a desk and on a phone', () => {
  const desk = [2, 3, 4, 5, 6, 7, 8, 9].map((tiles) => Object.values(gridFor(tiles, { width: 1600, height: 900 })).join('x'));
  expect(desk).toEqual(['2x1', '2x2', '2x2', '3x2', '3x2', '3x3', '3x3', '3x3']);
  const phone = [2, 3, 4, 6, 9].map((tiles) => Object.values(gridFor(tiles, { width: 390, height: 800 })).join('x'));
  expect(phone).toEqual(['1x2', '1x3', '1x4', '2x3', '2x5']);
  expect(gridFor(0, { width: 100, height: 100 })).toEqual({ columns: 1, rows: 1 });
});
