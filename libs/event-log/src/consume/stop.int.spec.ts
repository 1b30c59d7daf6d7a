/*
 * A consumer that stops, or gives partitions to another, finishes what it has in hand and commits it, but never waits for a handler
 * that hangs: what is not done by then is its next owner's.
 */
import { eventually } from '@communication-center/testing';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { ConsumerOptions } from '../index.js';
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

test('a stop does not wait for a fetch that finds nothing', async () => {
  const waiting = await bench.consume('waits', { emptyFetchMs: 5500 });
  await bench.tell(event('a', 1));
  expect(await bench.effectsLike({ a: [1] })).toEqual({ a: [1] });
  const began = Date.now();
  await waiting.stop();
  expect(Date.now() - began).toBeLessThan(3500);
  await bench.consume('waits');
  await bench.tell(event('a', 2));
  expect(await bench.effectsLike({ a: [1, 2] })).toEqual({ a: [1, 2] });
});

test('partitions that go to a member that joins are committed first: it handles nothing that was handled', async () => {
  const handled: { id: string; sequence: number; by: string }[] = [];
  const noting = (by: string): Partial<ConsumerOptions> => ({
    commitEveryMs: 600_000,
    handle: async ({ events }) => void handled.push(...events.map(({ id, sequence }) => ({ id, sequence, by }))),
  });
  await bench.consume('shared', noting('first'));
  const keys = Array.from({ length: 30 }, (_, index) => `key-${index}`);
  let told = 0;
  const tell = () => {
    told += 1;
    return bench.tell(...keys.map((key) => event(key, told)));
  };
  await tell();
  await eventually('the first having handled all', () => handled.length === keys.length);
  await bench.consume('shared', noting('second'));
  const bySecond = () => handled.filter(({ by }) => by === 'second');
  await eventually('the second having partitions of its own', async () => {
    await tell();
    return bySecond().length > 0;
  });
  await eventually('all being handled', () => new Set(handled.map(({ id }) => id)).size === keys.length * told);
  expect(bySecond().filter(({ sequence }) => sequence === 1)).toEqual([]);
});
