/*
 * A replica keeps what it is at by saying that it lives, in one row; only where that may have come too late it asks for each push.
 */
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Lane } from '../channels/lanes.js';
import type { BreakOff } from './break-off.js';
import { PushesInHand } from './pushes-in-hand.js';
import type { RingPush } from './ring-rows.js';

let rows: { live: ReturnType<typeof vi.fn>; renew: ReturnType<typeof vi.fn> };
let signals: Map<string, BreakOff>;
let inHand: PushesInHand;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['performance', 'setInterval', 'clearInterval', 'setTimeout', 'clearTimeout', 'Date'] });
  rows = { live: vi.fn(async () => undefined), renew: vi.fn(async (ids: string[]) => new Set(ids)) };
  signals = new Map();
  const courier = {
    laneOf: () => new Lane({ concurrency: 512, waiting: 1000 }),
    ring: ({ pushId }: RingPush, signal: BreakOff) => {
      signals.set(pushId, signal);
      return new Promise(() => undefined);
    },
  };
  const nothing = { of: () => undefined };
  const parts = { rows, courier, ended: nothing, confirmed: nothing, report: vi.fn() };
  inHand = new PushesInHand(parts as unknown as ConstructorParameters<typeof PushesInHand>[0]);
});

afterEach(async () => {
  const stopped = inHand.stop();
  await vi.advanceTimersByTimeAsync(3000);
  await stopped;
  vi.useRealTimers();
});

const start = (pushId: string, claimedAgoMs = 20) =>
  inHand.start({ pushId, callId: 'c', kind: 'fcm', state: 'queued', claimedAt: performance.now() - claimedAgoMs } as unknown as RingPush);

const isBrokenOff = () => [...signals].flatMap(([pushId, { aborted }]) => (aborted ? [pushId] : []));

test('what it is at it keeps by one row, however many pushes that are', async () => {
  for (let push = 0; push < 100; push += 1) start(`push ${push}`);
  await vi.advanceTimersByTimeAsync(4000);
  expect(rows.live).toHaveBeenCalledTimes(10);
  expect(rows.renew).not.toHaveBeenCalled();
});

test('after a silence it asks for each push whether it is its own still, and breaks off what another has taken', async () => {
  for (const push of ['kept', 'taken']) start(push);
  rows.live.mockRejectedValue(new Error('the database is away'));
  await vi.advanceTimersByTimeAsync(1300);
  rows.renew.mockResolvedValue(new Set(['kept']));
  rows.live.mockResolvedValue(undefined);
  await vi.advanceTimersByTimeAsync(400);
  expect(rows.renew.mock.calls).toEqual([[['kept', 'taken']]]);
  expect(isBrokenOff()).toEqual(['taken']);
  await vi.advanceTimersByTimeAsync(2000);
  expect(rows.renew).toHaveBeenCalledTimes(1);
});

test('a silence whose end it could not make sure of stays one', async () => {
  start('push');
  rows.live.mockRejectedValue(new Error('away'));
  await vi.advanceTimersByTimeAsync(1300);
  rows.live.mockResolvedValue(undefined);
  rows.renew.mockRejectedValueOnce(new Error('away'));
  await vi.advanceTimersByTimeAsync(800);
  expect(rows.renew).toHaveBeenCalledTimes(2);
});

test('what was claimed long before it is at it is asked for', async () => {
  start('push', 700);
  await vi.advanceTimersByTimeAsync(400);
  expect(rows.renew).toHaveBeenCalledTimes(1);
});
