/*
 * In a call a network that is back is found within two seconds, a slow one is not given up for being slow, and a Center that answers, or
 * is away for long, is asked no more often than it can bear.
 */
import fc from 'fast-check';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Patience } from './patience.js';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});

/** The first packet of a socket is sent by the platform at these times, in milliseconds, until it is answered. */
const firstPackets = [0, 1000, 3000, 7000];

function inCall(lastTookMs = 50): Patience {
  const patience = new Patience();
  patience.inCall(true);
  patience.begin();
  vi.advanceTimersByTime(lastTookMs);
  patience.end();
  return patience;
}

/** @returns when first packets go out while nobody answers, for so long. */
function packets(patience: Patience, forMs: number): number[] {
  const start = Date.now();
  const sent: number[] = [];
  vi.advanceTimersByTime(patience.pauseAfterLoss(false));
  while (Date.now() - start < forMs) {
    patience.begin();
    const silentMs = patience.forSilence(false);
    sent.push(...firstPackets.filter((at) => at < silentMs).map((at) => Date.now() - start + at));
    vi.advanceTimersByTime(silentMs + patience.pauseAfterLoss(true));
  }
  return sent;
}

test('while a network is gone, half a minute long, the next packet that could find it is never two seconds away', () => {
  fc.assert(
    fc.property(fc.double({ min: 0, max: 1, noNaN: true }), (chance) => {
      vi.spyOn(Math, 'random').mockReturnValue(chance);
      const sent = packets(inCall(), 30_000);
      const gaps = sent.slice(1).map((at, index) => at - (sent[index] ?? 0));
      expect(Math.max(...gaps)).toBeLessThan(1800);
    }),
  );
});

test('a network on which opening takes long gets four times what it took, and every fourth socket all the time there is in a call', () => {
  const times = (patience: Patience) =>
    Array.from({ length: 8 }, () => {
      patience.pauseAfterLoss(true);
      patience.begin();
      return patience.forSilence(false);
    });
  expect(times(inCall(50))).toEqual([1300, 1300, 1300, 2500, 1300, 1300, 1300, 2500]);
  expect(times(inCall(500)).slice(0, 4)).toEqual([2000, 2000, 2000, 2500]);
  expect(times(inCall(900)).slice(0, 4)).toEqual([2500, 2500, 2500, 2500]);
});

test('where media tells when the network is back, sockets are given up after five seconds', () => {
  let isTold = true;
  const patience = new Patience(() => isTold);
  patience.inCall(true);
  patience.begin();
  expect([patience.forSilence(false), patience.forSilence(true)]).toEqual([5000, 2500]);
  isTold = false;
  expect(patience.forSilence(false)).toBe(2500);
});

test('who has said anything is waited for as before', () => {
  const patience = inCall();
  patience.pauseAfterLoss(false);
  patience.begin();
  expect(patience.forSilence(true)).toBe(2500);
  patience.inCall(false);
  expect(patience.forSilence(true)).toBe(8000);
  vi.advanceTimersByTime(29_000);
  expect(patience.forSilence(true)).toBe(1000);
});

test('a Center that answers and refuses, or is away for minutes, gets longer pauses', () => {
  vi.spyOn(Math, 'random').mockReturnValue(0.5);
  const refused = inCall();
  const pauses = Array.from({ length: 60 }, () => refused.pauseAfterLoss(false));
  expect(pauses.slice(3, 39).every((pause) => pause === 1000)).toBe(true);
  expect(pauses.at(-1)).toBe(5000);
  const away = inCall();
  for (let loss = 0; loss < 40; loss += 1) away.pauseAfterLoss(true);
  expect(away.pauseAfterLoss(true)).toBe(5000);
  away.begin();
  expect(away.forSilence(false)).toBe(8000);
});
