/*
 * A consumer that stops finishes what it has in hand and commits it, but never waits for a handler that hangs: what is not
 * done by then is its next owner's.
 */
import { eventually } from '@communication-center/testing';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Bench, event } from './bench.fixture.js';

let bench: Bench;
beforeEach(async () => {
  bench = await Bench.make();
});
afterEach(async () => bench.end());

test('a handler that hangs on a long request holds up no stop, and its events are handled by the next owner', async () => {
  let isHanging = false;
  const hanging = await bench.consume('reads', {
    drainMs: 300,
    handle: async () => {
      isHanging = true;
      await new Promise(() => undefined);
    },
  });
  await bench.tell(event('a', 1));
  await eventually('the handler hanging', () => isHanging);
  const began = Date.now();
  await hanging.stop();
  expect(Date.now() - began).toBeLessThan(5000);
  await bench.consume('reads');
  expect(await bench.effectsLike({ a: [1] })).toEqual({ a: [1] });
});
