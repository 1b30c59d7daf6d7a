/*
 * A refusal is repeated for as long as it holds, a second at most, to whoever shows the same from the same address for the same.
 */
import { ProblemError } from '@communication-center/service';
import { expect, test } from 'vitest';
import { RefusedLately } from './refused-lately.js';

const asked = { kind: 'reads', credential: 'cc_key', address: '192.0.2.1' } as const;
const refusal = (waitMs: number) => ({ standings: [], refused: new ProblemError('rate_limited'), waitMs });

test.each([
  [200, 199, true],
  [200, 200, false],
  [60_000, 999, true],
  [60_000, 1000, false],
])('where there is one again in %i ms, it is repeated after %i ms: %s', (waitMs, afterMs, isRepeated) => {
  let now = 0;
  const refused = new RefusedLately(() => now);
  refused.note(asked, refusal(waitMs));
  now = afterMs;
  expect(refused.of(asked) !== undefined).toBe(isRepeated);
});

test('another kind, another credential and another address are looked at', () => {
  const refused = new RefusedLately(() => 0);
  refused.note(asked, refusal(1000));
  const others = [{ kind: 'writes' as const }, { credential: 'cc_other' }, { address: '192.0.2.2' }].map((other) => ({
    ...asked,
    ...other,
  }));
  expect(others.map((other) => refused.of(other))).toEqual([undefined, undefined, undefined]);
});
