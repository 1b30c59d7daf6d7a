/* A leak is seen, however much a heap breathes; a heap that breathes, or fills its caches in the beginning, is no leak. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { growthOf } from './memory.js';

const minutes = (count: number, at: (sample: number) => number) => Array.from({ length: count * 6 }, (_, sample) => at(sample));
const breath = fc.array(fc.integer({ min: 0, max: 40 }), { minLength: 60, maxLength: 60 });

test('what breathes around a floor is flat', () => {
  fc.assert(
    fc.property(breath, (breaths) => {
      const memory = minutes(10, (sample) => 120 + (sample % 4 === 0 ? 0 : (breaths[sample] ?? 0)));
      expect(growthOf(memory)).toBeUndefined();
    }),
  );
});

test('what rises by 5 MB a minute is seen beneath any breath', () => {
  fc.assert(
    fc.property(breath, (breaths) => {
      const memory = minutes(10, (sample) => 120 + (sample * 5) / 6 + (sample % 4 === 0 ? 0 : (breaths[sample] ?? 0)));
      expect(growthOf(memory)).toContain('its floor rose');
    }),
  );
});

test('caches that fill in the beginning are no growth; a jump that stays is too much when it is large', () => {
  expect(growthOf(minutes(10, (sample) => Math.min(180, 100 + sample * 5)))).toBeUndefined();
  expect(growthOf(minutes(10, (sample) => (sample < 40 ? 100 : 120)))).toBeUndefined();
  expect(growthOf(minutes(10, (sample) => (sample < 40 ? 100 : 220)))).toContain('100');
});

test('of a run too short to tell nothing is said', () => {
  expect(growthOf([100, 200, 300, 400])).toBeUndefined();
});
