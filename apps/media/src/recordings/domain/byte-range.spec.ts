/* A part of a file is given as it was asked for, never a byte beyond it; what is no range that can be read gives the whole (RFC 9110 §14.2). */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { bytesAsked } from './byte-range.js';

test('ranges from the beginning, in the middle, to the end, and of the last bytes', () => {
  expect(bytesAsked(undefined, 1000)).toEqual({ start: 0, end: 999, isPart: false });
  expect(bytesAsked('bytes=0-99', 1000)).toEqual({ start: 0, end: 99, isPart: true });
  expect(bytesAsked('bytes=900-', 1000)).toEqual({ start: 900, end: 999, isPart: true });
  expect(bytesAsked('bytes=900-5000', 1000)).toEqual({ start: 900, end: 999, isPart: true });
  expect(bytesAsked('bytes=-100', 1000)).toEqual({ start: 900, end: 999, isPart: true });
  expect(bytesAsked('bytes=1000-', 1000)).toBeUndefined();
  expect(bytesAsked('bytes=-0', 1000)).toBeUndefined();
  for (const other of ['bytes=', 'bytes=-', 'bytes=5-2', 'bytes=0-1,4-5', 'lines=0-1', 'bytes=a-b']) {
    expect(bytesAsked(other, 1000)?.isPart, other).toBe(false);
  }
});

test('whatever is asked, what is given lies in the file', () => {
  const header = fc.oneof(
    fc.string(),
    fc.tuple(fc.option(fc.nat()), fc.option(fc.nat())).map(([from, to]) => `bytes=${from ?? ''}-${to ?? ''}`),
  );
  fc.assert(
    fc.property(header, fc.integer({ min: 1, max: 2 ** 40 }), (asked, size) => {
      const bytes = bytesAsked(asked, size);
      if (bytes) expect(bytes.start >= 0 && bytes.start <= bytes.end && bytes.end < size).toBe(true);
    }),
  );
});
