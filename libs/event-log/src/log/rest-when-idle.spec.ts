/*
 * A connection to a broker that has nothing to send sets no timer; what may not be sent yet is sent as soon as it may. One that waits for
 * answers wakes when the first of them is late, and not before.
 */
import { createRequire } from 'node:module';
import fc from 'fast-check';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { restWhenIdle } from './rest-when-idle.js';

interface Queue {
  push(request: object): void;
  maybeThrottle(milliseconds: number): void;
  fulfillRequest(answer: object): void;
  scheduleRequestTimeoutCheck(): void;
  destroy(): void;
}

const RequestQueue = createRequire(import.meta.url)('kafkajs/src/network/requestQueue') as new (options: object) => Queue;
let sent: number[];
let queue: Queue;

beforeEach(() => {
  restWhenIdle();
  vi.useFakeTimers();
  sent = [];
  const ignore = () => undefined;
  queue = new RequestQueue({ maxInFlightRequests: 1, logger: { debug: ignore, warn: ignore }, clientId: 'test', broker: 'test' });
});
afterEach(() => {
  vi.useRealTimers();
});

const push = (correlationId: number) =>
  queue.push({
    entry: { correlationId, resolve: () => undefined, reject: () => undefined },
    expectResponse: true,
    sendRequest: () => sent.push(correlationId),
  });
/** A connection that stands. */
function standing(): { ask: (correlationId: number, requestTimeout?: number) => void; failed: () => number[] } {
  const failures: number[] = [];
  const ignore = () => undefined;
  const options = { maxInFlightRequests: 9, requestTimeout: 6000, enforceRequestTimeout: true };
  queue = new RequestQueue({ ...options, logger: { debug: ignore, warn: ignore }, clientId: 'test', broker: 'test' });
  queue.scheduleRequestTimeoutCheck();
  const ask = (correlationId: number, requestTimeout?: number) =>
    queue.push({
      entry: { correlationId, resolve: ignore, reject: () => failures.push(correlationId) },
      expectResponse: true,
      requestTimeout,
      sendRequest: ignore,
    });
  return { ask, failed: () => failures };
}
const answer = (correlationId: number) => queue.fulfillRequest({ correlationId, payload: null, size: 0 });

test('after an answer an idle connection sets no timer', () => {
  push(1);
  answer(1);
  expect(sent).toEqual([1]);
  expect(vi.getTimerCount()).toBe(0);
});

test('a request that waits for an answer is sent with it', () => {
  push(1);
  push(2);
  expect(sent).toEqual([1]);
  answer(1);
  expect(sent).toEqual([1, 2]);
});

test('a throttled request is sent when its time has come, and no timer is left', async () => {
  queue.maybeThrottle(300);
  push(1);
  await vi.advanceTimersByTimeAsync(250);
  expect(sent).toEqual([]);
  await vi.advanceTimersByTimeAsync(100);
  expect(sent).toEqual([1]);
  answer(1);
  await vi.advanceTimersByTimeAsync(50);
  expect(vi.getTimerCount()).toBe(0);
});

test('what is not answered in time fails then, and no look is made before', async () => {
  const { ask, failed } = standing();
  expect(vi.getTimerCount()).toBe(0);
  ask(1);
  await vi.advanceTimersByTimeAsync(1000);
  ask(2);
  expect(vi.getTimerCount()).toBe(1);
  await vi.advanceTimersByTimeAsync(4900);
  expect(failed()).toEqual([]);
  await vi.advanceTimersByTimeAsync(200);
  expect(failed()).toEqual([1]);
  await vi.advanceTimersByTimeAsync(1000);
  expect(failed()).toEqual([1, 2]);
  expect(vi.getTimerCount()).toBe(0);
});

test('one that may take longer lets no other be late', async () => {
  const { ask, failed } = standing();
  ask(1, 20_000);
  ask(2);
  await vi.advanceTimersByTimeAsync(6100);
  expect(failed()).toEqual([2]);
  await vi.advanceTimersByTimeAsync(14_000);
  expect(failed()).toEqual([2, 1]);
});

test('what was answered is late no more, and a connection that is gone looks for nothing', async () => {
  const { ask, failed } = standing();
  ask(1);
  answer(1);
  await vi.advanceTimersByTimeAsync(7000);
  expect(failed()).toEqual([]);
  expect(vi.getTimerCount()).toBe(0);
  ask(2);
  queue.destroy();
  expect(vi.getTimerCount()).toBe(0);
});

test('whatever is asked and answered when, each fails that is late, and no other', async () => {
  const asks = fc.array(fc.record({ afterMs: fc.nat(3000), takesMs: fc.nat(12_000), mayTakeMs: fc.integer({ min: 6000, max: 10_000 }) }));
  await fc.assert(
    fc.asyncProperty(asks, async (all) => {
      const { ask, failed } = standing();
      let at = 0;
      const late: number[] = [];
      for (const [id, { afterMs, takesMs, mayTakeMs }] of all.entries()) {
        at += afterMs;
        setTimeout(() => ask(id, mayTakeMs), at);
        if (takesMs <= mayTakeMs) setTimeout(() => answer(id), at + takesMs);
        else late.push(id);
      }
      await vi.advanceTimersByTimeAsync(at + 20_000);
      expect(failed().toSorted((one, other) => one - other)).toEqual(late);
      expect(vi.getTimerCount()).toBe(0);
    }),
    { numRuns: 50 },
  );
});
