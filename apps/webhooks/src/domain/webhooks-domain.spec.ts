import fc from 'fast-check';
import { expect, test } from 'vitest';
import { chunksOf } from './chunks.js';
import { parseRetryAfter } from './retry-schedule.js';

test('Retry-After is read as seconds or as a date, and nonsense is passed over', () => {
  const now = Date.parse('2026-01-01T00:00:00Z');
  expect(parseRetryAfter('120', now)).toBe(120_000);
  expect(parseRetryAfter('Thu, 01 Jan 2026 00:01:00 GMT', now)).toBe(60_000);
  expect(parseRetryAfter('Thu, 01 Jan 2015 00:01:00 GMT', now)).toBe(0);
  expect(parseRetryAfter('soon', now)).toBeNull();
  expect(parseRetryAfter(undefined, now)).toBeNull();
});

test('pieces hold everything in order, and none holds more than it may but a large item alone', () => {
  const most = { items: 3, size: 10 };
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 15 })), (sizes) => {
      const chunks = chunksOf(sizes, (size) => size, most);
      expect(chunks.flat()).toEqual(sizes);
      for (const chunk of chunks) {
        expect(chunk.length).toBeLessThanOrEqual(most.items);
        if (chunk.length > 1) expect(chunk.reduce((total, size) => total + size, 0)).toBeLessThanOrEqual(most.size);
      }
    }),
  );
});
