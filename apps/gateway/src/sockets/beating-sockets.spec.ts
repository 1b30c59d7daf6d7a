/* Each socket has its heartbeat as often as it should, and few have it at the same moment. */
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { BeatingSockets } from './beating-sockets.js';

let sockets: BeatingSockets<{ beat(now: number): void }>;
let beats: { number: number; at: number }[];

beforeEach(() => {
  vi.useFakeTimers({ now: 0 });
  sockets = new BeatingSockets();
  beats = [];
});
afterEach(() => {
  sockets.stop();
  vi.useRealTimers();
});

function opened(count: number) {
  const made = Array.from({ length: count }, (_, number) => ({ beat: (at: number) => void beats.push({ number, at }) }));
  for (const socket of made) sockets.add(socket);
  return made;
}

test('each beats once in a heartbeat, a heartbeat apart', () => {
  opened(25);
  sockets.start(1000);
  vi.advanceTimersByTime(3000);
  for (let number = 0; number < 25; number += 1) {
    const times = beats.filter((beat) => beat.number === number).map(({ at }) => at);
    expect(times).toHaveLength(3);
    expect([(times[1] ?? 0) - (times[0] ?? 0), (times[2] ?? 0) - (times[1] ?? 0)]).toEqual([1000, 1000]);
  }
});

test('of a thousand, twenty beat at the same moment', () => {
  opened(1000);
  sockets.start(1000);
  vi.advanceTimersByTime(1000);
  const together = Map.groupBy(beats, ({ at }) => at);
  expect([...together.values()].map(({ length }) => length)).toEqual(Array(50).fill(20));
});

test('one that comes while others beat has its first heartbeat within one, and one that is gone has none', () => {
  sockets.start(1000);
  vi.advanceTimersByTime(250);
  const [gone, stays] = opened(2);
  if (gone) sockets.delete(gone);
  expect([sockets.size, ...sockets]).toEqual([1, stays]);
  vi.advanceTimersByTime(1000);
  expect(beats.map(({ number }) => number)).toEqual([1]);
});
