/*
 * A connection to a broker that has nothing to send sets no timer; what may not be sent yet is sent as soon as it may.
 */
import { createRequire } from 'node:module';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { restWhenIdle } from './rest-when-idle.js';

interface Queue {
  push(request: object): void;
  maybeThrottle(milliseconds: number): void;
  fulfillRequest(answer: object): void;
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
