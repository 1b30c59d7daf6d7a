import { pino } from 'pino';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { gatheredLines } from './gathered-lines.js';

let written: string[];
let lines: ReturnType<typeof gatheredLines>;
let logger: ReturnType<typeof pino>;

beforeEach(() => {
  vi.useFakeTimers();
  written = [];
  lines = gatheredLines({ write: (text) => written.push(text) });
  logger = pino({ level: 'info' }, lines);
});

afterEach(() => {
  vi.useRealTimers();
  process.off('exit', lines.flush);
});

const messages = () =>
  written.map((text) =>
    text
      .trim()
      .split('\n')
      .map((line) => (JSON.parse(line) as { msg: string }).msg),
  );

test('lines of a moment are written together, in their order, and soon', () => {
  for (const word of ['one', 'two', 'three']) logger.info(word);
  expect(written).toEqual([]);
  vi.advanceTimersByTime(25);
  logger.info('four');
  vi.advanceTimersByTime(25);
  expect(messages()).toEqual([['one', 'two', 'three'], ['four']]);
});

test('a warning, and whatever was said before it, is written at once', () => {
  logger.info('before');
  logger.warn('trouble');
  expect(messages()).toEqual([['before', 'trouble']]);
  vi.advanceTimersByTime(25);
  expect(written).toHaveLength(1);
});

test('what waits is bounded', () => {
  for (let n = 0; n < 40; n += 1) logger.info('x'.repeat(1000));
  expect(written.length).toBeGreaterThan(1);
  expect(Math.max(...written.map(({ length }) => length))).toBeLessThan(18_000);
});

test('the end of the process loses nothing', () => {
  logger.info('last words');
  process.emit('exit', 0);
  expect(messages()).toEqual([['last words']]);
});
