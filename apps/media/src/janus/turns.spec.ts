/*
 * Whoever is waited for is late when this process had its turns meanwhile, and not because it stood still itself.
 */
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { afterTurns } from './turns.js';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

test('it is late after its time, once, unless the wait has ended', async () => {
  const late = vi.fn();
  afterTurns(5000, late);
  await vi.advanceTimersByTimeAsync(4900);
  expect(late).not.toHaveBeenCalled();
  await vi.advanceTimersByTimeAsync(20_000);
  expect(late).toHaveBeenCalledOnce();
  const ended = vi.fn();
  afterTurns(5000, ended)();
  await vi.advanceTimersByTimeAsync(20_000);
  expect(ended).not.toHaveBeenCalled();
});

test('a process that stands still for longer than the whole wait has lost one turn of it', async () => {
  vi.useRealTimers();
  const late = vi.fn();
  const answer = vi.fn();
  afterTurns(500, late);
  // What came is read only when this process has its turn.
  setImmediate(answer);
  const until = performance.now() + 900;
  while (performance.now() < until);
  await vi.waitFor(() => expect(answer).toHaveBeenCalled());
  expect(late).not.toHaveBeenCalled();
  await vi.waitFor(() => expect(late).toHaveBeenCalledOnce(), 5000);
});
