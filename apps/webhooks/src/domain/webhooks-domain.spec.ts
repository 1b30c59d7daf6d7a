import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { chunksOf } from './chunks.js';
import { wants } from './event-filter.js';
import { nextAttemptIn, parseRetryAfter, standardScheduleSeconds } from './retry-schedule.js';

describe('the retry schedule', () => {
  test('follows Standard Webhooks, spread over a tenth, and has an end', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: standardScheduleSeconds.length - 1 }),
        fc.double({ min: 0, max: 0.999, noNaN: true }),
        (made, random) => {
          const planned = (standardScheduleSeconds[made] ?? 0) * 1000;
          const wait = nextAttemptIn(standardScheduleSeconds, made, null, random) as number;
          expect(wait).toBeGreaterThanOrEqual(planned * 0.9);
          expect(wait).toBeLessThanOrEqual(planned * 1.1);
        },
      ),
    );
    expect(nextAttemptIn(standardScheduleSeconds, standardScheduleSeconds.length, null, 0.5)).toBeNull();
  });

  test('waits as long as the endpoint asks, within a day', () => {
    expect(nextAttemptIn([0, 5], 1, 60_000, 0.5)).toBe(60_000);
    expect(nextAttemptIn([0, 5], 1, 10 ** 12, 0.5)).toBe(86_400_000);
    expect(nextAttemptIn([0, 5], 1, 10, 0.5)).toBe(5000);
  });
});

test('Retry-After is read as seconds or as a date, and nonsense is passed over', () => {
  const now = Date.parse('2026-01-01T00:00:00Z');
  expect(parseRetryAfter('120', now)).toBe(120_000);
  expect(parseRetryAfter('Thu, 01 Jan 2026 00:01:00 GMT', now)).toBe(60_000);
  expect(parseRetryAfter('Thu, 01 Jan 2015 00:01:00 GMT', now)).toBe(0);
  expect(parseRetryAfter('soon', now)).toBeNull();
  expect(parseRetryAfter(undefined, now)).toBeNull();
});

test('an endpoint gets the types it asked for', () => {
  expect(wants(['call.*'], 'call.ended')).toBe(true);
  expect(wants(['call.ended'], 'call.ended')).toBe(true);
  expect(wants(['call.ended'], 'call.dialed')).toBe(false);
  expect(wants(['presence.*'], 'call.ended')).toBe(false);
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
