/*
 * Fetches of kafkajs name what has changed alone, and a session that the broker has lost, or a fetch beside another, is made without one.
 */
import { createRequire } from 'node:module';
import { beforeEach, expect, test } from 'vitest';
import { fetchInSessions } from './fetch-in-sessions.js';

interface Asked {
  sessionId?: number;
  sessionEpoch?: number;
  topics: { topic: string; partitions: unknown[] }[];
}

interface FetchingBroker {
  connectionPool: { send: (request: { asked: Asked }) => Promise<object> };
  lookupRequest: () => (options: Asked) => { asked: Asked };
  fetch(options: object): Promise<object>;
}

const Broker = createRequire(import.meta.url)('kafkajs/src/broker') as { prototype: FetchingBroker };
const topics = [{ topic: 'a', partitions: [0, 1, 2].map((partition) => ({ partition, fetchOffset: '0', maxBytes: 10 })) }];
let broker: FetchingBroker;
let asked: Asked[];
let answers: (object | Error | Promise<object>)[];

beforeEach(() => {
  fetchInSessions();
  [asked, answers] = [[], []];
  const send = async ({ asked: one }: { asked: Asked }) => {
    asked.push(one);
    const answer = await answers.shift();
    if (answer instanceof Error) throw answer;
    return answer ?? {};
  };
  // As kafkajs makes it, without a connection.
  broker = Object.assign(Object.create(Broker.prototype), {
    connectionPool: { send },
    lookupRequest: () => (one: Asked) => ({ asked: one }),
  });
});

const fetch = () => broker.fetch({ maxWaitTime: 1000, minBytes: 1, topics });
const said = () =>
  asked.map(({ sessionId, sessionEpoch, topics: all }) => [sessionId, sessionEpoch, all.flatMap(({ partitions }) => partitions).length]);

test('the second fetch says nothing that the first has said', async () => {
  answers = [
    { errorCode: 0, sessionId: 77 },
    { errorCode: 0, sessionId: 77 },
  ];
  await fetch();
  await fetch();
  expect(said()).toEqual([
    [0, 0, 3],
    [77, 1, 0],
  ]);
  expect(asked[1]).toMatchObject({ maxWaitTime: 1000, minBytes: 1 });
});

test('a session that the broker has lost is left, and the fetch is made without one at once', async () => {
  answers = [{ errorCode: 0, sessionId: 77 }, { errorCode: 70, sessionId: 0 }, { responses: ['all'] }, { errorCode: 0, sessionId: 78 }];
  await fetch();
  expect(await fetch()).toEqual({ responses: ['all'] });
  await fetch();
  expect(said()).toEqual([
    [0, 0, 3],
    [77, 1, 0],
    [undefined, undefined, 3],
    [0, 0, 3],
  ]);
});

test('after a fetch that failed everything is said anew', async () => {
  answers = [{ errorCode: 0, sessionId: 77 }, new Error('the connection was closed'), { errorCode: 0, sessionId: 78 }];
  await fetch();
  await expect(fetch()).rejects.toThrow('closed');
  await fetch();
  expect(said().at(-1)).toEqual([77, 0, 3]);
});

test('a fetch beside another has no part in its session', async () => {
  const { promise, resolve } = Promise.withResolvers<object>();
  answers = [promise, { responses: ['beside'] }];
  const first = fetch();
  await Promise.resolve();
  expect(await fetch()).toEqual({ responses: ['beside'] });
  resolve({ errorCode: 0, sessionId: 77 });
  await first;
  expect(said()).toEqual([
    [0, 0, 3],
    [undefined, undefined, 3],
  ]);
});
