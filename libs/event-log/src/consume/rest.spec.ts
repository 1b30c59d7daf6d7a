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
