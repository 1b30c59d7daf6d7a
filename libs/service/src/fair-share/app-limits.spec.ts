/*
 * An app's limits are read once in a while, beside the work: whoever acts waits for them once, and never for a directory that is away.
 */
import { type AppId, type AppLimits, defaultLimits } from '@communication-center/contracts';
import { afterEach, expect, test, vi } from 'vitest';
import { AppLimitsReading } from './app-limits.js';

const demo = 'demo' as AppId;
const set: AppLimits = { dials: { app: { perSecond: 1, burst: 2 } } };
const seconds = (count: number) => vi.advanceTimersByTimeAsync(count * 1000);

function reading() {
  const directory = { asked: 0, limits: set as AppLimits | undefined, isAway: false, hangs: false };
  const ask = async () => {
    directory.asked += 1;
    if (directory.hangs) await new Promise(() => undefined);
    if (directory.isAway) throw new Error('away');
    return { options: { limits: directory.limits } };
  };
  const errors: unknown[] = [];
  return { directory, errors, limits: new AppLimitsReading({ ask } as never, (error) => errors.push(error)) };
}

afterEach(() => vi.useRealTimers());

test('the first who comes waits for what the operator has set, and others of the next seconds ask nobody', async () => {
  const { directory, limits } = reading();
  const all = await Promise.all(Array.from({ length: 100 }, () => limits.of(demo)));
  expect(all.map(({ dials }) => dials.app?.burst)).toEqual(Array.from({ length: 100 }, () => 2));
  expect(all[0]?.reads).toEqual(defaultLimits.reads);
  await limits.of(demo);
  expect(directory.asked).toBe(1);
});

test('what is changed holds within seconds, and nobody waits for it', async () => {
  vi.useFakeTimers({ toFake: ['performance'] });
  const { directory, limits } = reading();
  await limits.of(demo);
  directory.limits = undefined;
  await seconds(6);
  expect((await limits.of(demo)).dials.app?.burst).toBe(2);
  await new Promise((resolve) => setImmediate(resolve));
  expect((await limits.of(demo)).dials).toEqual(defaultLimits.dials);
  expect(directory.asked).toBe(2);
});

test('while the directory is away, or hangs, the last limits hold, and few ask', async () => {
  vi.useFakeTimers({ toFake: ['performance'] });
  const { directory, limits, errors } = reading();
  await limits.of(demo);
  directory.isAway = true;
  await seconds(600);
  for (let n = 0; n < 50; n += 1) expect((await limits.of(demo)).dials.app?.burst).toBe(2);
  expect([directory.asked, errors.length]).toEqual([2, 1]);
  [directory.isAway, directory.hangs] = [false, true];
  await seconds(6);
  for (let n = 0; n < 50; n += 1) expect((await limits.of(demo)).dials.app?.burst).toBe(2);
  expect(directory.asked).toBe(3);
});

test('of an app that cannot be read at all what holds by default does', async () => {
  const { directory, limits } = reading();
  directory.isAway = true;
  expect(await limits.of(demo)).toBe(defaultLimits);
});
