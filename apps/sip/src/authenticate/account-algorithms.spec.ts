/* What is offered is the account's; finding out costs no more than so much, since anybody may ask, and its failure refuses nobody. */
import type { SipAlgorithm } from '@communication-center/contracts';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { AccountAlgorithms, usualAlgorithms } from './account-algorithms.js';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

test('an account is offered its own, and whoever has none the strongest first', async () => {
  const algorithms = new AccountAlgorithms(async (_app, username) => (username === 'old' ? ['MD5', 'SHA-256'] : undefined));
  expect(await algorithms.of('demo', 'old')).toEqual(['MD5', 'SHA-256']);
  expect(await algorithms.of('demo', 'nobody')).toEqual(['SHA-256', 'MD5']);
});

test('an answer is told again for a while, and then asked for anew', async () => {
  const read = vi.fn(async () => ['MD5'] as SipAlgorithm[]);
  const algorithms = new AccountAlgorithms(read);
  for (const at of [0, 9999]) await algorithms.of('demo', 'a', at);
  expect(read).toHaveBeenCalledTimes(1);
  await algorithms.of('demo', 'a', 10_000);
  expect(read).toHaveBeenCalledTimes(2);
});

test('a directory that is away, or takes too long, refuses nobody', async () => {
  const away = new AccountAlgorithms(async () => Promise.reject(new Error('away')));
  expect(await away.of('demo', 'a')).toBe(usualAlgorithms);
  const slow = new AccountAlgorithms(() => new Promise(() => undefined)).of('demo', 'a');
  vi.advanceTimersByTime(1000);
  expect(await slow).toBe(usualAlgorithms);
});

test('however many ask, so many questions are under way and no more', async () => {
  let asked = 0;
  const algorithms = new AccountAlgorithms(() => {
    asked += 1;
    return new Promise(() => undefined);
  });
  const all = Array.from({ length: 1000 }, (_, number) => algorithms.of('demo', `${number}`));
  expect(asked).toBe(32);
  expect(await all[999]).toBe(usualAlgorithms);
});
