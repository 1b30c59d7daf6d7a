/*
 * Every request to a broker is counted by its kind, once, whether it is sent at once or waits for its turn.
 */
import { createRequire } from 'node:module';
import { expect, test } from 'vitest';
import { countRequests, requestCounts } from './request-counts.js';

interface Queue {
  push(request: object): void;
}

const RequestQueue = createRequire(import.meta.url)('kafkajs/src/network/requestQueue') as new (options: object) => Queue;

test('a request is counted by its kind when it is made, sent or not, and once however often the counting is begun', () => {
  countRequests();
  countRequests();
  const sent: number[] = [];
  const ignore = () => undefined;
  const queue = new RequestQueue({ maxInFlightRequests: 1, logger: { debug: ignore, warn: ignore }, clientId: 'test', broker: 'test' });
  const push = (correlationId: number, apiName: string) =>
    queue.push({
      entry: { correlationId, apiName, resolve: ignore, reject: ignore },
      expectResponse: true,
      sendRequest: () => sent.push(correlationId),
    });
  push(1, 'Produce');
  push(2, 'Produce');
  push(3, 'Fetch');
  expect(sent).toEqual([1]);
  expect(Object.fromEntries(requestCounts)).toEqual({ Produce: 2, Fetch: 1 });
});
