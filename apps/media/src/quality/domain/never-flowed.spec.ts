/*
 * Why nothing came through is said only where nothing did, and by what was seen.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { failureOf, type Seen } from './never-flowed.js';

const nothing: Seen = { named: false, up: false, received: false, hangUp: undefined, sends: true };

test.each<[string, Partial<Seen>, string | undefined]>([
  ['that named no candidate', {}, 'no_candidates'],
  ['whose candidates lead nowhere', { named: true, hangUp: 'ICE failed' }, 'ice_failed'],
  ['whose connection came about and was not what was agreed upon', { named: true, hangUp: 'DTLS alert' }, 'dtls_failed'],
  ['that is connected, and says that it sends', { named: true, up: true }, 'no_frames'],
  ['that is connected, and sends nothing by its own word', { named: true, up: true, sends: false }, undefined],
])('a device %s', (_what, seen, failure) => {
  expect(failureOf({ ...nothing, ...seen })).toBe(failure);
});

const seen = fc.record({
  ...{ named: fc.boolean(), up: fc.boolean(), sends: fc.boolean() },
  hangUp: fc.option(fc.string(), { nil: undefined }),
});

test('of whom anything came there is no failure, and of whom is not connected there is one', () => {
  fc.assert(
    fc.property(seen, (one) => {
      expect(failureOf({ ...one, received: true })).toBeUndefined();
      if (!one.up) expect(failureOf({ ...one, received: false })).toBeDefined();
    }),
  );
});
