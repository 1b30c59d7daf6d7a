import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Rest } from './rest.js';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

/** @returns whether what is waited for is over by now. */
function watched(waiting: Promise<void>): () => Promise<boolean> {
  let isOver = false;
  void waiting.then(() => (isOver = true));
  return async () => {
    await vi.advanceTimersByTimeAsync(0);
    return isOver;
  };
}

test('while somebody waits no fetch is put off', async () => {
  const rest = Rest.unless(() => true);
  await rest.over();
  expect([rest.awakeForMs, vi.getTimerCount()]).toEqual([Number.POSITIVE_INFINITY, 0]);
});

test('while nobody waits the next fetch is put off for a second, once for all that one brought', async () => {
  const rest = Rest.unless(() => false);
  const partitions = Array.from({ length: 48 }, () => watched(rest.over()));
  expect(vi.getTimerCount()).toBe(1);
  await vi.advanceTimersByTimeAsync(999);
  expect(await Promise.all(partitions.map((isOver) => isOver()))).not.toContain(true);
  await vi.advanceTimersByTimeAsync(1);
  expect(await Promise.all(partitions.map((isOver) => isOver()))).not.toContain(false);
});

test('who comes to wait ends the rest, and knows since when all comes at once', async () => {
  let isAwaited = false;
  const rest = Rest.unless(() => isAwaited);
  const isOver = watched(rest.over());
  await vi.advanceTimersByTimeAsync(300);
  expect(rest.awakeForMs).toBe(0);
  isAwaited = true;
  rest.wake();
  expect(await isOver()).toBe(true);
  await vi.advanceTimersByTimeAsync(40);
  await rest.over();
  expect([rest.awakeForMs, vi.getTimerCount()]).toEqual([40, 0]);
});

test('who turns out to be waiting for a part of what was fetched ends the rest of the others', async () => {
  let isAwaited = false;
  const rest = Rest.unless(() => isAwaited);
  const first = watched(rest.over());
  isAwaited = true;
  await rest.over();
  expect(await first()).toBe(true);
});

test('where a fetch left something behind nothing is put off, whatever its other partitions say', async () => {
  const rest = Rest.unless(() => false);
  const first = watched(rest.over());
  await rest.over(false);
  await rest.over();
  expect(await first()).toBe(true);
  await vi.advanceTimersByTimeAsync(101);
  expect(await watched(rest.over())()).toBe(false);
});

test('a stop ends it for good', async () => {
  const rest = Rest.unless(() => false);
  const isOver = watched(rest.over());
  rest.stop();
  expect(await isOver()).toBe(true);
  await rest.over(false);
  await vi.advanceTimersByTimeAsync(200);
  await rest.over();
});

test('fetches that follow each other without a pause keep theirs after ten, and a pause gives them back', async () => {
  const rest = Rest.paced(20);
  const began = Date.now();
  const fetches = async (count: number) => {
    const done = (async () => {
      for (let n = 0; n < count; n += 1) await rest.over();
      return Date.now() - began;
    })();
    await vi.advanceTimersByTimeAsync(2000);
    return done;
  };
  // What one fetch brought of several partitions counts once.
  expect(await fetches(10)).toBeLessThanOrEqual(20);
  vi.setSystemTime(began);
  const paced = await fetches(60);
  expect(paced).toBeGreaterThanOrEqual(980);
  expect(paced).toBeLessThanOrEqual(1100);
  const partitions = Array.from({ length: 48 }, () => watched(rest.over()));
  await vi.advanceTimersByTimeAsync(21);
  expect(await Promise.all(partitions.map((isOver) => isOver()))).not.toContain(false);
});

test('where a fetch left something behind no pace is kept', async () => {
  const rest = Rest.paced(20);
  for (let n = 0; n < 200; n += 1) await rest.over(false);
  expect(vi.getTimerCount()).toBe(0);
});
