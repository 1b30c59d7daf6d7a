/*
 * Prompt and steady consumers get the same events in the same order; a steady one gets them in fewer and larger batches, and both
 * take what came of many partitions as one.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { eventually } from '@communication-center/testing';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { ConsumerOptions } from '../index.js';
import { Bench, event, upTo } from './bench.fixture.js';
import type { EventBatch } from './message-handler.js';

/** So many brokers at most, each of which is asked by itself. */
const brokers = 3;
let bench: Bench;
beforeEach(async () => {
  bench = await Bench.make({ partitions: 24 });
});
afterEach(async () => bench.end());

const keys = Array.from({ length: 48 }, (_, index) => `key-${index}`);

/** Notes how many events each batch had, and since when it was told. */
function noting(): { sizes: number[]; total: () => number; options: Partial<ConsumerOptions> } {
  const sizes: number[] = [];
  const handle = async ({ events }: EventBatch) => void sizes.push(events.length);
  return { sizes, total: () => sizes.reduce((sum, size) => sum + size, 0), options: { handle } };
}

test('what lies ready in many partitions is one batch, and each partition is committed', async () => {
  const first = noting();
  await bench.tell(...keys.map((key) => event(key, 1)));
  const consumer = await bench.consume('reads', first.options);
  await eventually('all being handled', () => first.total() === keys.length);
  expect(first.sizes.length).toBeLessThanOrEqual(brokers);
  await consumer.stop();
  const second = noting();
  await bench.consume('reads', second.options);
  await bench.tell(event('later', 1));
  await eventually('the later one being handled', () => second.total() > 0);
  expect(second.sizes).toEqual([1]);
});

test('of what lies ready only the partition at fault is held up, and nothing is handled twice for it', async () => {
  let isBroken = true;
  const handle: ConsumerOptions['handle'] = async (batch) => {
    if (isBroken && batch.events.some(({ subject }) => subject === 'key-7'))
      throw Object.assign(new Error('lock timeout'), { code: '55P03' });
    await bench.applyOnce(batch);
  };
  await bench.tell(...keys.flatMap((key) => upTo(3).map((sequence) => event(key, sequence))));
  await bench.consume('reads', { handle });
  const healthy = Object.fromEntries(keys.filter((key) => key !== 'key-7').map((key) => [key, upTo(3)]));
  // Those that lie in the same partition wait with it.
  await eventually('the others being handled', async () => Object.keys(await bench.effects()).length >= keys.length - 8);
  expect((await bench.effects())['key-7']).toBeUndefined();
  isBroken = false;
  const all = { ...healthy, 'key-7': upTo(3) };
  expect(await bench.effectsLike(all)).toEqual(all);
});

test('a steady one is given many events at once, late by a second at most; a prompt one each as it comes', async () => {
  const [prompt, steady] = [noting(), noting()];
  await bench.consume('prompt', prompt.options);
  await bench.consume('steady', { ...steady.options, pace: 'steady' });
  await bench.tell(event('first', 1));
  await eventually('both being at work', () => prompt.total() === 1 && steady.total() === 1);
  for (const sequence of upTo(15)) {
    await bench.tell(event(`key-${sequence}`, sequence));
    await sleep(60);
  }
  const told = performance.now();
  await eventually('the prompt one being done', () => prompt.total() === 16);
  await eventually('the steady one being done', () => steady.total() === 16);
  expect(performance.now() - told).toBeLessThan(2000);
  expect(steady.sizes.length).toBeLessThanOrEqual(brokers * 4);
  expect(steady.sizes.length * 2).toBeLessThan(prompt.sizes.length);
});

test('neither waits for long when it is to stop', async () => {
  for (const pace of ['prompt', 'steady'] as const) {
    const consumer = await bench.consume(pace, { pace });
    await eventually('running', () => consumer.state === 'running');
    await sleep(200);
    const began = performance.now();
    await consumer.stop();
    expect(performance.now() - began, pace).toBeLessThan(1500);
  }
});
