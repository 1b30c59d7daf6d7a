import { presenceStreamQuerySchema, type UserAlias } from '@communication-center/contracts';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { bucketCount, bucketOf } from './buckets.js';
import { readPlace, writePlace } from './stream-place.js';

test('a place is read as it was written, and its id is never too long to be sent back', () => {
  const position = fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER });
  fc.assert(
    fc.property(fc.array(position, { minLength: bucketCount, maxLength: bucketCount }), (place) => {
      const id = writePlace(place);
      expect(readPlace(id)).toEqual(place);
      expect(presenceStreamQuerySchema.parse({ lastEventId: id })).toEqual({ lastEventId: id });
    }),
  );
});

test('the id of an earlier version is known as one; what is none is refused', () => {
  expect(readPlace('4711')).toBe('outdated');
  for (const wrong of ['', 'yesterday', 'b1.2', '-1', '1e3', `b${'zzzzzzzzzzz.'.repeat(bucketCount - 1)}zzzzzzzzzzz`])
    expect(readPlace(wrong)).toBeUndefined();
});

test('people are spread over all buckets, and each stays in one', () => {
  const sizes = new Array<number>(bucketCount).fill(0);
  for (let number = 0; number < 1600; number += 1) {
    const bucket = bucketOf(`user-${number}` as UserAlias);
    sizes[bucket] = (sizes[bucket] ?? 0) + 1;
  }
  expect(Math.min(...sizes)).toBeGreaterThan(50);
  expect(bucketOf('田中' as UserAlias)).toBe(bucketOf('田中' as UserAlias));
});
