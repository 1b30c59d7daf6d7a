/*
 * One endpoint's deliveries, without network or database: what goes out when, what is on record of it, and what a dead, a slow or a
 * stopped one costs.
 */
import { type AppId, newestPayloadVersion } from '@communication-center/contracts';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { PlacedMessage } from '../domain/message.js';
import type { LaneTools } from './delivery.js';
import { Lane } from './lane.js';
import type { DeliveryOutcome } from './outcomes.js';

interface Asked {
  messageId: string;
  answer: (status: number | null, retryAfterMs?: number) => Promise<void>;
}

let asked: Asked[];
let outcomes: DeliveryOutcome[];
let errors: string[];
let isOurs: boolean;
let changed: number;
let isFree: boolean;
let taken: number;

beforeEach(() => {
  vi.useFakeTimers({ now: Date.parse('2026-11-28T00:00:00Z') });
  [asked, outcomes, errors, isOurs, changed, isFree, taken] = [[], [], [], true, 0, true, 0];
});
afterEach(() => vi.useRealTimers());

const wishesOf = {
  eventTypes: ['call.*'],
  filters: {},
  secrets: [],
  headers: {},
  authentication: null,
  clientCertificate: null,
  timeoutMs: null,
  ratePerSecond: null,
  concurrency: null,
  ordering: 'per_subject' as const,
  payloadVersion: newestPayloadVersion,
  bodyFormat: 'standard_webhooks' as const,
};
const settle = () => vi.advanceTimersByTimeAsync(0);

function laneOf(wishes: object = {}, failingSince: number | null = null): Lane {
  const tools: LaneTools = {
    sender: {
      send: (_endpoint, { deliveryId, signal }) =>
        new Promise((resolve) => {
          signal.addEventListener('abort', () => resolve('broken off'));
          const answer = async (status: number | null, retryAfterMs: number | null = null) => {
            const error = status !== null && status < 300 ? null : `answered ${status}`;
            resolve({ status, error, retryAfterMs, durationMs: 1 });
            await settle();
          };
          asked.push({ messageId: deliveryId, answer: (status, after) => answer(status, after ?? null) });
        }),
      release: async () => undefined,
    },
    outcomes: { add: async (outcome) => void outcomes.push(outcome) },
    turns: { take: () => true },
    places: {
      isFreeFor: () => isFree,
      take: () => {
        taken += 1;
        return { appId: 'app', isProven: true };
      },
      free: () => {
        taken -= 1;
      },
    },
    schedule: [0, 5, 300],
    concurrency: 8,
    length: 20,
    disableAfterSeconds: 432_000,
    mayWork: () => isOurs,
    onNotice: () => undefined,
    onError: (error) => errors.push(String(error)),
    now: Date.now,
  };
  const endpoint = { endpointId: 'one', appId: 'app' as AppId, url: 'https://example.com', ...wishesOf, ...wishes };
  const row = { endpointId: 'one', position: 0, last: 0, failingSince, movedAt: null, dueInMs: null };
  return new Lane(endpoint, { row, settled: [], blocked: [] }, tools, () => {
    changed += 1;
  });
}

const message = (position: number, subject = `call ${position}`, type = 'call.ended'): PlacedMessage => ({
  messageId: `${position}`,
  appId: 'app' as AppId,
  position,
  type,
  subject,
  sequence: 1,
  source: '/calls',
  dataversion: 1,
  occurredAt: '2026-11-28T00:00:00.000Z',
  data: {},
  traceparent: null,
});
const offer = (lane: Lane, from: number, to: number, subject?: string) => {
  const messages = Array.from({ length: to - from + 1 }, (_, index) => message(from + index, subject));
  lane.offer(from - 1, messages, to);
};
const ids = () => asked.map(({ messageId }) => messageId);

test('an unknown receiver gets two at a time, one more with each success, and each attempt is on record once', async () => {
  const lane = laneOf();
  offer(lane, 1, 10);
  expect(ids()).toEqual(['1', '2']);
  await asked[0]?.answer(204);
  expect(ids()).toEqual(['1', '2', '3', '4']);
  for (let next = 1; next < 10; next += 1) await asked[next]?.answer(204);
  expect(outcomes.map(({ attempt, kept }) => [attempt?.messageId, attempt?.status, kept])).toEqual(
    Array.from({ length: 10 }, (_, index) => [`${index + 1}`, 204, undefined]),
  );
  expect([lane.isIdle, lane.unsaved()?.position]).toEqual([true, 10]);
});

test('the position stays before what is not on record, whatever comes after it', async () => {
  const lane = laneOf();
  offer(lane, 1, 3);
  await asked[1]?.answer(204);
  expect(lane.unsaved()).toBeUndefined();
  await asked[0]?.answer(204);
  expect(lane.unsaved()?.position).toBe(2);
});

test('what is not wanted costs nothing but the position', () => {
  const lane = laneOf();
  lane.offer(0, [message(1, 'user', 'presence.changed')], 1);
  expect([ids(), outcomes, lane.unsaved()?.position]).toEqual([[], [], 1]);
});

test('a failure is put off, and read when it is due', async () => {
  const lane = laneOf();
  offer(lane, 1, 1);
  await asked[0]?.answer(500);
  expect(outcomes[0]?.kept).toMatchObject({ state: 'waiting', made: 1 });
  expect(outcomes[0]?.kept?.delayMs).toBeGreaterThan(4000);
  expect(lane.wantsWaiting).toBe(false);
  const before = changed;
  await vi.advanceTimersByTimeAsync(5600);
  expect([changed > before, lane.wantsWaiting]).toEqual([true, true]);
  lane.readsWaiting();
  lane.offerWaiting([{ endpointId: 'one', message: message(1), made: 1, dueInMs: -1, earlier: 0, jobId: null }], 20);
  await asked[1]?.answer(204);
  expect(outcomes[1]).toMatchObject({ attempt: { attempt: 2 }, delivered: { messageId: '1' } });
  expect([lane.isIdle, ids()]).toEqual([true, ['1', '1']]);
});

test('a dead one gets one delivery at a time, reads no more, and does not keep the processor busy', async () => {
  const lane = laneOf({}, Date.now() - 60_000);
  offer(lane, 1, 10);
  expect([ids(), lane.cursor]).toEqual([['1'], 1]);
  await asked[0]?.answer(null);
  expect(lane.wantsMore).toBe(false);
  expect(vi.getTimerCount()).toBe(1);
  const before = changed;
  await vi.advanceTimersByTimeAsync(60_000);
  expect(changed - before).toBeLessThan(5);
  lane.readsWaiting();
  lane.offerWaiting([{ endpointId: 'one', message: message(1), made: 1, dueInMs: -1, earlier: 0, jobId: null }], 20);
  await asked[1]?.answer(200);
  expect(lane.wantsMore, 'it is well again, and reads on').toBe(true);
});

test('Retry-After keeps everything from it for so long', async () => {
  const lane = laneOf();
  offer(lane, 1, 5);
  await asked[0]?.answer(429, 30_000);
  await asked[1]?.answer(204);
  await vi.advanceTimersByTimeAsync(29_000);
  expect(ids()).toHaveLength(2);
  await vi.advanceTimersByTimeAsync(2000);
  expect(ids().length).toBeGreaterThan(2);
});

test('who does not own the lane begins nothing; a stop breaks off what is under way, which counts as not tried', async () => {
  const lane = laneOf();
  isOurs = false;
  offer(lane, 1, 3);
  expect(ids()).toEqual([]);
  isOurs = true;
  lane.pump();
  expect(ids()).toEqual(['1', '2']);
  lane.stop();
  lane.breakOff();
  await settle();
  expect([outcomes, lane.isBusy, lane.unsaved()]).toEqual([[], false, undefined]);
});

test('a rate is kept on average', async () => {
  const lane = laneOf({ ratePerSecond: 2 });
  offer(lane, 1, 10);
  for (let tick = 0; tick < 40; tick += 1) {
    await vi.advanceTimersByTimeAsync(100);
    for (const one of asked) await one.answer(204);
  }
  expect(ids().length).toBeGreaterThan(7);
  expect(ids().length).toBeLessThanOrEqual(11);
});

test('one that is gone is stopped, with its notice in the same record; a notice that is given up begets none', async () => {
  const lane = laneOf({ eventTypes: ['*', 'call.*', 'message.*'] });
  lane.offer(0, [{ ...message(1), type: 'message.exhausted', subject: 'other' }, message(2)], 2);
  await asked[1]?.answer(410);
  expect(outcomes[0]?.disabled).toMatchObject({ reason: 'it answered 410 Gone', notice: { type: 'endpoint.disabled', subject: 'one' } });
  expect([lane.isStopped, lane.hasEnded]).toEqual([true, true]);
  await asked[0]?.answer(500);
  expect(outcomes.some(({ told }) => told)).toBe(false);
});

test('one whose filters ask what a call was dialed with takes nothing before that is known, and then what fits', () => {
  const lane = laneOf({ filters: { callTypes: ['audio_only'] } });
  offer(lane, 1, 2);
  expect([ids(), lane.cursor]).toEqual([[], 0]);
  const facts = (callType: 'audio_only' | 'audio_video') => ({ callType, customData: undefined });
  const calls = new Map([
    ['call 1', facts('audio_video')],
    ['call 2', facts('audio_only')],
  ]);
  lane.offer(0, [message(1), message(2)], 2, calls);
  expect([ids(), lane.cursor]).toEqual([['2'], 2]);
});

const replays = (from: number, to: number) =>
  Array.from({ length: to - from + 1 }, (_, index) => ({
    endpointId: 'one',
    message: message(from + index),
    made: 0,
    dueInMs: -1,
    earlier: 3,
    jobId: 'job',
  }));

test('jobs have half of an endpoint’s places, what is new the rest, and their attempts are counted on', async () => {
  const lane = laneOf();
  offer(lane, 1, 6);
  for (let next = 0; next < 6; next += 1) await asked[next]?.answer(204);
  expect(lane.isIdle).toBe(true);
  lane.haveAgain();
  expect(lane.wantsWaiting).toBe(true);
  lane.readsWaiting();
  lane.offerWaiting(replays(101, 120), 20);
  expect(ids().slice(6)).toEqual(['101', '102', '103', '104']);
  offer(lane, 7, 10);
  expect(ids().slice(10)).toEqual(['7', '8', '9', '10']);
  await asked[6]?.answer(500);
  expect(outcomes.at(-1)).toMatchObject({
    attempt: { attempt: 4, status: 500, nextAttemptAt: expect.stringContaining('2026-11-28T') },
    kept: { jobId: 'job', earlier: 3, made: 1, state: 'waiting' },
  });
  await asked[7]?.answer(204);
  expect(outcomes.at(-1)).toMatchObject({ attempt: { attempt: 4, nextAttemptAt: null }, delivered: { messageId: '102' } });
});

test('what is tried again waits for no job, and a job’s rows that are read twice are sent once', async () => {
  const lane = laneOf();
  lane.haveAgain();
  lane.readsWaiting();
  lane.offerWaiting(replays(101, 120), 20);
  lane.haveAgain();
  expect(lane.wantsWaiting, 'though a job waits').toBe(true);
  lane.readsWaiting();
  lane.offerWaiting([{ ...replays(1, 1)[0], jobId: null } as never, ...replays(101, 120)], 20);
  await asked[0]?.answer(204);
  for (let next = 1; next < 40; next += 1) await asked[next]?.answer(204);
  expect(ids()).toHaveLength(21);
  expect(ids().indexOf('1')).toBeLessThan(3);
});

test('something that waits, and of which it is told while what waits is being read, is read once more', () => {
  const lane = laneOf();
  lane.haveAgain();
  lane.readsWaiting();
  lane.haveAgain();
  lane.offerWaiting([], 20);
  expect(lane.wantsWaiting).toBe(true);
});

test('without a free place it begins nothing, and what it has taken it gives back', async () => {
  isFree = false;
  const lane = laneOf();
  offer(lane, 1, 3);
  expect(ids()).toEqual([]);
  isFree = true;
  lane.pump();
  expect(taken).toBe(2);
  lane.stop();
  lane.breakOff();
  await settle();
  expect(taken).toBe(0);
});
