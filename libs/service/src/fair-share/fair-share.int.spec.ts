/* What is done at two doors is counted together as soon as something is; a door that nobody uses does not look for Redis. */
import { type AppId, defaultLimits, type UserAlias } from '@communication-center/contracts';
import { eventually, Fleet } from '@communication-center/testing';
import { afterAll, expect, test } from 'vitest';
import { FairShare } from './fair-share.js';

const { redis: url } = new Fleet().state.servers;
const errors: unknown[] = [];
const limits = { of: async () => ({ ...defaultLimits, watches: { user: { perSecond: 0.001, burst: 8 } } }) };
const doors = [1, 2].map(() => new FairShare(limits, { REDIS_URL: url }, (error) => errors.push(error)));
const [one, other] = doors as [FairShare, FairShare];

afterAll(() => {
  for (const door of doors) door.beforeApplicationShutdown();
});

const actor = { subject: { kind: 'user' as const, appId: 'demo' as AppId, userAlias: `user-${process.pid}-${Date.now()}` as UserAlias } };

test('what one door took the other lacks', async () => {
  for (let n = 0; n < 8; n += 1) expect((await one.take('watches', actor)).refused).toBeUndefined();
  await eventually('the other door knowing', async () => (await other.take('watches', actor)).refused !== undefined);
  expect(errors).toEqual([]);
});

test('Redis is not looked for before something is done', async () => {
  const failed: unknown[] = [];
  const alone = new FairShare(limits, { REDIS_URL: 'redis://127.0.0.1:1' }, (error) => failed.push(error));
  await new Promise((resolve) => setTimeout(resolve, 300));
  expect(failed).toEqual([]);
  expect((await alone.take('watches', actor)).refused).toBeUndefined();
  await eventually('Redis being missed', () => failed.length > 0);
  alone.beforeApplicationShutdown();
});
