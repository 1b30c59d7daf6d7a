/*
 * Fetches of kafkajs name what has changed alone, and a session that the broker has lost, or a fetch beside another, is made without one.
 * While nothing comes they take longer, and a stop ends the one under way.
 */
import { createRequire } from 'node:module';
import { beforeEach, expect, test } from 'vitest';
import { fetchInSessions } from './fetch-in-sessions.js';
import { Fetching } from './fetching.js';

interface Asked {
  sessionId?: number;
  sessionEpoch?: number;
  topics: { topic: string; partitions: unknown[] }[];
  maxWaitTime?: number;
  minBytes?: number;
}

interface FetchingBroker {
  connectionPool: { send: (request: { asked: Asked }) => Promise<object>; pool: { rejectRequests: (error: Error) => void }[] };
  lookupRequest: () => (options: Asked) => { asked: Asked };
  fetch(options: object): Promise<object>;
}

const Broker = createRequire(import.meta.url)('kafkajs/src/broker') as { prototype: FetchingBroker };
const topics = [{ topic: 'a', partitions: [0, 1, 2].map((partition) => ({ partition, fetchOffset: '0', maxBytes: 10 })) }];
let broker: FetchingBroker;
let asked: Asked[];
let answers: (object | Error | Promise<object>)[];
/** Ends what has no answer, of each connection. */
let rejections: ((error: Error) => void)[];

beforeEach(() => {
  fetchInSessions();
  [asked, answers, rejections] = [[], [], []];
  const send = async ({ asked: one }: { asked: Asked }) => {
    asked.push(one);
    const answer = await answers.shift();
    if (answer instanceof Error) throw answer;
    return { responses: [], ...answer };
  };
  // As kafkajs makes it, without a connection.
  broker = Object.assign(Object.create(Broker.prototype), {
    connectionPool: { send, pool: [0, 1].map((at) => ({ rejectRequests: (error: Error) => rejections[at]?.(error) })) },
    lookupRequest: () => (one: Asked) => ({ asked: one }),
  });
});

const fetch = (minBytes = 1) => broker.fetch({ maxWaitTime: 1000, minBytes, topics });
const nothing = { errorCode: 0, sessionId: 77, responses: [] };
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

test('after ten that found nothing a fetch may take longer, until there is something', async () => {
  const fetching = new Fetching(2050);
  answers = [...Array.from({ length: 12 }, () => nothing), { ...nothing, responses: ['something'] }, nothing];
  await fetching.run(async () => {
    for (let made = 0; made < 14; made += 1) await fetch(256);
  });
  const [usual, quiet] = [
    [1000, 256],
    [2050, 1],
  ];
  expect(asked.map(({ maxWaitTime, minBytes }) => [maxWaitTime, minBytes])).toEqual([
    ...Array.from({ length: 10 }, () => usual),
    ...Array.from({ length: 3 }, () => quiet),
    usual,
  ]);
});

test('whoever fetches without such a rest, or for longer anyway, asks as before', async () => {
  answers = Array.from({ length: 30 }, () => nothing);
  for (let made = 0; made < 15; made += 1) await fetch();
  await new Fetching(800).run(async () => {
    for (let made = 0; made < 15; made += 1) await fetch();
  });
  expect(new Set(asked.map(({ maxWaitTime }) => maxWaitTime))).toEqual(new Set([1000]));
});

test('where several brokers are asked no fetch takes longer', async () => {
  const fetching = new Fetching(2050);
  const { promise, resolve } = Promise.withResolvers<object>();
  const other = Object.assign(Object.create(Broker.prototype), {
    ...broker,
    connectionPool: { ...broker.connectionPool, pool: [0, 1].map(() => ({ rejectRequests: () => undefined })), send: () => promise },
  }) as FetchingBroker;
  answers = Array.from({ length: 15 }, () => nothing);
  await fetching.run(async () => {
    const beside = other.fetch({ maxWaitTime: 1000, minBytes: 1, topics });
    for (let made = 0; made < 15; made += 1) await fetch();
    resolve(nothing);
    await beside;
  });
  expect(new Set(asked.map(({ maxWaitTime }) => maxWaitTime))).toEqual(new Set([1000]));
});

test('a stop ends the fetch under way, on the connection of fetches, and that is no failure', async () => {
  const fetching = new Fetching(2050);
  const { promise, reject } = Promise.withResolvers<object>();
  const failures: string[] = [];
  rejections = [() => failures.push('another'), reject];
  answers = [promise];
  const fetched = fetching.run(() => fetch());
  await Promise.resolve();
  fetching.end();
  expect(await fetched).toEqual({ responses: [] });
  expect(failures).toEqual([]);
});
