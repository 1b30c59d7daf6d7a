/* A door that nobody uses keeps no connection to Redis; what is done at two of them is counted together as soon as something is. */
import { type AppId, defaultLimits, type UserAlias } from '@communication-center/contracts';
import { eventually, Fleet } from '@communication-center/testing';
import { Redis } from 'ioredis';
import { afterAll, expect, test } from 'vitest';
import { FairShare } from './fair-share.js';

const { redis: url } = new Fleet().state.servers;
const redis = new Redis(url);
const errors: unknown[] = [];
const limits = { of: async () => ({ ...defaultLimits, watches: { user: { perSecond: 0.001, burst: 8 } } }) };
const doors = [1, 2].map(() => new FairShare(limits, { REDIS_URL: url }, (error) => errors.push(error)));
const [one, other] = doors as [FairShare, FairShare];

afterAll(() => {
  for (const door of doors) door.beforeApplicationShutdown();
  redis.disconnect();
});

test('a connection is made with the first act, and what one door took the other lacks', async () => {
  const connections = async () => Number(/connected_clients:(\d+)/.exec(await redis.info('clients'))?.[1]);
  const before = await connections();
  await new Promise((resolve) => setTimeout(resolve, 200));
  expect(await connections()).toBeLessThanOrEqual(before);
  const actor = { subject: { kind: 'user' as const, appId: 'demo' as AppId, userAlias: `user-${process.pid}-${Date.now()}` as UserAlias } };
  for (let n = 0; n < 8; n += 1) expect((await one.take('watches', actor)).refused).toBeUndefined();
  await eventually('the other door knowing', async () => (await other.take('watches', actor)).refused !== undefined);
  expect(errors).toEqual([]);
});
