import { setImmediate as turnOfLoop } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { RingsFirst } from './rings-first.js';

let areUnderWay: boolean;
let begun: string[];
let first: RingsFirst;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
  [areUnderWay, begun] = [false, []];
  first = new RingsFirst(() => areUnderWay);
});
afterEach(() => vi.useRealTimers());

const begin = (...names: string[]) => {
  for (const name of names) void first.turn().then(() => begun.push(name));
};

test('while no ring is under way messages begin at once, one in each turn of the event loop', async () => {
  begin('a', 'b', 'c');
  await turnOfLoop();
  expect(begun.length).toBeLessThan(3);
  for (let turn = 0; turn < 4; turn += 1) await turnOfLoop();
  expect(begun).toEqual(['a', 'b', 'c']);
});

test('while one is they wait, and go on when it is over', async () => {
  areUnderWay = true;
  begin('a', 'b');
  await vi.advanceTimersByTimeAsync(50);
  await turnOfLoop();
  expect(begun).toEqual([]);
  areUnderWay = false;
  await vi.advanceTimersByTimeAsync(10);
  for (let turn = 0; turn < 4; turn += 1) await turnOfLoop();
  expect(begun).toEqual(['a', 'b']);
});

test('rings that are under way for long, as while a provider is away, hold no message up for longer than a tenth of a second', async () => {
  areUnderWay = true;
  begin('a', 'b');
  await vi.advanceTimersByTimeAsync(110);
  for (let turn = 0; turn < 4; turn += 1) await turnOfLoop();
  expect(begun).toEqual(['a', 'b']);
});
