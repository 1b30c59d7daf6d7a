/*
 * A device tells soon how its media goes, and then at its pace: never twice at once, nothing after the end, and nothing where it is not to.
 */
import type { QualityFrame } from '@communication-center/contracts';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { QualitySampler } from './quality-sampler.js';

beforeEach(() => vi.useFakeTimers());
afterEach(() => vi.useRealTimers());

const frame: QualityFrame = { type: 'quality', streams: [] };

test('the first sample comes after a second and a half, the others every five seconds, until the end', async () => {
  const told: number[] = [];
  const begun = Date.now();
  const sampler = new QualitySampler({ everyMs: 5000, measure: async () => frame, tell: () => told.push(Date.now() - begun) });
  sampler.start();
  sampler.start();
  await vi.advanceTimersByTimeAsync(12_000);
  expect(told).toEqual([1500, 6500, 11_500]);
  sampler.stop();
  await vi.advanceTimersByTimeAsync(20_000);
  expect(told).toHaveLength(3);
});

test('nothing is told where it is not to be, or after an end while it was measured; a failure costs one sample', async () => {
  const told: QualityFrame[] = [];
  const tell = (sample: QualityFrame) => told.push(sample);
  new QualitySampler({ everyMs: 0, measure: async () => frame, tell }).start();
  const slow = new QualitySampler({ everyMs: 1000, measure: () => new Promise((done) => setTimeout(() => done(frame), 500)), tell });
  slow.start();
  await vi.advanceTimersByTimeAsync(1200);
  slow.stop();
  await vi.advanceTimersByTimeAsync(10_000);
  expect(told).toHaveLength(0);
  let times = 0;
  const failing = async () => {
    times += 1;
    if (times === 1) throw new Error('closed just now');
    return frame;
  };
  const sampler = new QualitySampler({ everyMs: 1, measure: failing, tell });
  sampler.start();
  await vi.advanceTimersByTimeAsync(2100);
  sampler.stop();
  expect([times, told.length]).toEqual([2, 1]);
});
