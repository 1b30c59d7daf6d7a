/* A socket whose other end is silent is not kept for ever, and one that speaks is never cut off. */
import { EventEmitter } from 'node:events';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { SignsOfLife } from './signs-of-life.js';

let done: string[];
let line: EventEmitter;
let signs: SignsOfLife;

beforeEach(() => {
  vi.useFakeTimers();
  done = [];
  line = new EventEmitter();
  const says = (what: string) => () => void done.push(what);
  signs = new SignsOfLife(Object.assign(line, { ping: says('ping'), terminate: says('cut off'), close: says('close') }) as never);
});
afterEach(() => vi.useRealTimers());

function beats(number: number): void {
  for (let beat = 0; beat < number; beat += 1) {
    vi.advanceTimersByTime(1000);
    signs.beat(Date.now(), 1000);
  }
}

test('the silent are asked, and cut off after two and a half heartbeats', () => {
  beats(3);
  expect(done).toEqual(['ping', 'ping', 'cut off']);
});

test.each([
  ['a pong', () => line.emit('pong')],
  ['a frame', () => signs.note()],
])('%s is a sign', (_sign, give) => {
  beats(2);
  give();
  beats(2);
  expect(done).toEqual(['ping', 'ping', 'ping', 'ping']);
});

test('who does not answer a close is cut off', () => {
  signs.close(1000, 'over');
  expect(done).toEqual(['close']);
  vi.advanceTimersByTime(2000);
  expect(done).toEqual(['close', 'cut off']);
});
