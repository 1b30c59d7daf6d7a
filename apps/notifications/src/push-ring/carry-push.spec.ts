/*
 * A push is tried until it is taken, refused, too late or of no use, and never after that; one lane's troubles are its own.
 */
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { kept, ring } from '../channels/channels.fixture.js';
import { Lane } from '../channels/lanes.js';
import type { PushChannel } from '../channels/push-channel.js';
import type { PushOutcome } from '../domain/push-outcome.js';
import { BreakOff } from './break-off.js';
import { carryPush } from './carry-push.js';

beforeEach(() => vi.useFakeTimers({ now: 1_000_000 }));
afterEach(() => vi.useRealTimers());

/** Longer than any of these pushes lives. Other files share the process, and may have timers of their own that never end. */
const longMs = 100_000;

const later: PushOutcome = { outcome: 'later', reason: '503', mayHaveArrived: false };
const credential = kept({ provider: 'apns', key: '', keyId: '', teamId: '', bundleId: 'b' });
const target = { kind: 'apns_voip' as const, token: 'a'.repeat(64), environment: 'production' as const };

function carry(outcomes: PushOutcome[], { seconds = 10, lane = new Lane({ concurrency: 2, waiting: 10 }), abort = new BreakOff() } = {}) {
  const sentAt: number[] = [];
  const channel: PushChannel = {
    send: async () => {
      sentAt.push(Date.now());
      return (outcomes.length > 1 ? outcomes.shift() : outcomes[0]) as PushOutcome;
    },
    verify: async () => later,
    close: async () => undefined,
  };
  const until = Date.now() + seconds * 1000;
  const done = carryPush({
    lane,
    channel,
    credential,
    target,
    told: async () => ring(),
    until,
    signal: abort,
    onOutcome: () => undefined,
  });
  return { done, sentAt, until, abort, lane, outcomes };
}

test('is tried again until it is taken', async () => {
  const { done, sentAt } = carry([later, later, { outcome: 'accepted' }]);
  await vi.advanceTimersByTimeAsync(longMs);
  expect(await done).toEqual({ state: 'accepted', reason: null, attempts: 3, mayRing: true, sentAt: expect.any(Date) });
  expect(sentAt).toHaveLength(3);
});

test('is never tried after the deadline, and not when a provider asks for more time than there is', async () => {
  const { done, sentAt, until } = carry([later]);
  await vi.advanceTimersByTimeAsync(longMs);
  expect(await done).toMatchObject({ state: 'expired', reason: '503', mayRing: false });
  expect(Math.max(...sentAt)).toBeLessThan(until);
  const asked = carry([{ ...later, retryAfterMs: 60_000 } as PushOutcome]);
  expect(await asked.done).toMatchObject({ state: 'expired', attempts: 1 });
});

test('is not tried again where that would be refused again', async () => {
  const { done } = carry([{ outcome: 'refused', reason: '403', isOfCredentials: true }]);
  expect(await done).toEqual({ state: 'failed', reason: '403', attempts: 1, mayRing: false, sentAt: expect.any(Date) });
});

test('ends between two tries when the ring does; a try without an answer may ring all the same', async () => {
  const { done, abort, sentAt } = carry([{ outcome: 'later', reason: 'no answer', mayHaveArrived: true }]);
  await vi.advanceTimersByTimeAsync(1);
  abort.abort();
  expect(await done).toEqual({ state: 'cancelled', reason: null, attempts: 1, mayRing: true, sentAt: expect.any(Date) });
  await vi.advanceTimersByTimeAsync(longMs);
  expect(sentAt).toHaveLength(1);
});

test('a provider that answers nobody is asked by few', async () => {
  const lane = new Lane({ concurrency: 10, waiting: 100 });
  const all = Array.from({ length: 30 }, () => carry([later], { lane, seconds: 5 }));
  await vi.advanceTimersByTimeAsync(longMs);
  const asked = all.reduce((sum, { sentAt }) => sum + sentAt.length, 0);
  expect(asked).toBeLessThan(60);
  for (const { done } of all) expect(await done).toMatchObject({ state: 'expired' });
});

test('a lane has so many under way at a time, and takes no more than it has room for', async () => {
  const lane = new Lane({ concurrency: 2, waiting: 3 });
  let [now, most] = [0, 0];
  const work = async () => {
    now += 1;
    most = Math.max(most, now);
    await new Promise((resolve) => setTimeout(resolve, 10));
    now -= 1;
  };
  const all = Promise.all(Array.from({ length: 7 }, () => lane.request(work)));
  await vi.advanceTimersByTimeAsync(longMs);
  await all;
  expect(most).toBe(2);
  expect([lane.enter(), lane.enter(), lane.enter(), lane.enter()]).toEqual([true, true, true, false]);
  lane.leave();
  expect(lane.enter()).toBe(true);
});

test('who is held back from a provider that answers nobody goes on as soon as it answers one', async () => {
  const lane = new Lane({ concurrency: 10, waiting: 100 });
  let isAway = true;
  const all = Array.from({ length: 30 }, () => carry([later], { seconds: 60, lane }));
  for (const { outcomes } of all) outcomes.splice(0);
  for (const one of all) Object.defineProperty(one.outcomes, 0, { get: () => (isAway ? later : { outcome: 'accepted' }) });
  await vi.advanceTimersByTimeAsync(20_000);
  isAway = false;
  const back = Date.now();
  await vi.advanceTimersByTimeAsync(longMs);
  const acceptedAt = all.map(({ sentAt }) => (sentAt.at(-1) ?? 0) - back);
  expect(await Promise.all(all.map(async ({ done }) => (await done).state))).toEqual(Array(30).fill('accepted'));
  // One tries within the longest pause; then all go.
  expect(Math.max(...acceptedAt) - Math.min(...acceptedAt)).toBeLessThan(50);
  expect(Math.max(...acceptedAt)).toBeLessThan(8000);
});
