/* Names are asked for once, many in a question, and again where that failed; until they are known the alias stands for the name. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { NameBook } from './name-book.js';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

test('what is wanted at one moment is asked together, 64 at a time, and once', async () => {
  const asked: number[] = [];
  const book = new NameBook(async (userAliases) => {
    asked.push(userAliases.length);
    return userAliases.map((userAlias) => ({ userAlias, name: userAlias === 'u1' ? 'Anna' : null }));
  });
  const told = vi.fn();
  book.subscribe(told);
  const before = book.reader();
  for (let number = 0; number < 100; number += 1) before(`u${number}`);
  expect(before('u1')).toBe('u1');
  await vi.runAllTimersAsync();
  expect([asked, told.mock.calls.length]).toEqual([[64, 36], 1]);
  expect(book.reader()).not.toBe(before);
  expect([book.reader()('u1'), book.reader()('u2')]).toEqual(['Anna', 'u2']);
  await vi.runAllTimersAsync();
  expect(asked).toHaveLength(2);
});

test('of a whole town not all are asked for', async () => {
  let asked = 0;
  const book = new NameBook(async (userAliases) => {
    asked += userAliases.length;
    return [];
  });
  for (let number = 0; number < 5000; number += 1) book.reader()(`u${number}`);
  await vi.runAllTimersAsync();
  expect(asked).toBe(2000);
});

test('a question that failed is asked again, after a while, the next time somebody wants the name', async () => {
  let isAway = true;
  const book = new NameBook(async () => {
    if (isAway) throw new Error('away');
    return [{ userAlias: 'u1', name: 'Anna' }];
  });
  expect(book.reader()('u1')).toBe('u1');
  await vi.advanceTimersByTimeAsync(100);
  isAway = false;
  expect(book.reader()('u1')).toBe('u1');
  await vi.advanceTimersByTimeAsync(6000);
  book.reader()('u1');
  await vi.advanceTimersByTimeAsync(100);
  expect(book.reader()('u1')).toBe('Anna');
});
