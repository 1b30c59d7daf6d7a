/*
 * Buckets that several processes share: what one takes the other finds gone, time gives it back by the clock of Redis, and nothing of it
 * stays once it is full.
 */
import { eventually, Fleet } from '@communication-center/testing';
import { Redis } from 'ioredis';
import { afterAll, expect, test } from 'vitest';
import { SharedLevels } from './shared-levels.js';

const { redis: url } = new Fleet().state.servers;
const [one, other] = [new SharedLevels({ REDIS_URL: url }, () => undefined), new SharedLevels({ REDIS_URL: url }, () => undefined)];
const redis = new Redis(url);
const nameOf = (what: string) => `test ${process.pid} ${Date.now()} ${what}`;

afterAll(() => {
  one.close();
  other.close();
  redis.disconnect();
});

const open = () =>
  eventually('Redis being reached', () =>
    Promise.all([one, other].map((levels) => levels.settle([]))).then(
      () => true,
      () => false,
    ),
  );

test('what one takes is gone for the other, and too much is a debt of one burst at most', async () => {
  await open();
  const rate = { name: nameOf('shared'), perSecond: 0.01, burst: 10 };
  expect((await one.settle([{ ...rate, count: 4 }]))[0]).toBeCloseTo(6, 1);
  expect((await other.settle([{ ...rate, count: 8 }]))[0]).toBeCloseTo(-2, 1);
  expect((await one.settle([{ ...rate, count: 1000 }]))[0]).toBeCloseTo(-10, 1);
});

test('time gives it back, and a full one is forgotten', async () => {
  await open();
  const rate = { name: nameOf('given back'), perSecond: 20, burst: 5 };
  await one.settle([{ ...rate, count: 5 }]);
  expect(await redis.keys(`*${rate.name}`)).toHaveLength(1);
  const left = await redis.pttl(`{fair-share}:${rate.name}`);
  expect([left > 0, left <= 1300]).toEqual([true, true]);
  await eventually('it being full again', async () => (await other.settle([{ ...rate, count: 0 }]))[0] === 5);
  expect(await redis.keys(`*${rate.name}`)).toEqual([]);
});

test('hundreds are told in one script, each with its own level', async () => {
  await open();
  const many = Array.from({ length: 250 }, (_, count) => ({ name: nameOf(`many ${count}`), perSecond: 0.01, burst: 1000, count }));
  const levels = await one.settle(many);
  expect(levels.map(Math.round)).toEqual(many.map(({ count }) => 1000 - count));
});
