/*
 * Without Redis, or with one that hangs, nobody waits: each gateway holds everybody to the limits by itself, and they count together again
 * when it is back.
 */
import { eventually, Fleet, Phones, ringOf, type TestApp } from '@communication-center/testing';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';

const fleet = new Fleet();
const phones = new Phones(fleet);
let app: TestApp;
let limited: TestApp;

beforeAll(async () => {
  app = await fleet.makeApp();
  limited = await fleet.makeApp({ options: { limits: { reads: { key: { perSecond: 0.05, burst: 16 } } } } });
  await fleet.makeUser(app, 'bob');
});
afterEach(() => phones.closeAll());
afterAll(async () => {
  await fleet.control('redis', 'thaw').catch(() => undefined);
  await fleet.control('redis', 'start').catch(() => undefined);
});

async function longestOf(count: number, act: () => Promise<unknown>): Promise<number> {
  let longest = 0;
  for (let n = 0; n < count; n += 1) {
    const began = performance.now();
    await act();
    longest = Math.max(longest, performance.now() - began);
  }
  return longest;
}

test.each([
  ['hangs', 'freeze', 'thaw'],
  ['is away', 'stop', 'start'],
] as const)('calls and requests go on while Redis %s, within limits', async (_how, breaks, mends) => {
  const [alice, bob] = [await phones.connect(app, 'alice'), await phones.connect(app, 'bob')];
  await fleet.control('redis', breaks);
  const call = await alice.center.call(['bob']);
  await (await ringOf(bob)).answer();
  await call.hangUp();
  expect(await longestOf(200, () => fleet.rest('GET', '/v1/calls?limit=1', app.key))).toBeLessThan(2000);
  const statuses: number[] = [];
  for (let n = 0; n < 20; n += 1) statuses.push((await fleet.rest('GET', '/v1/calls', limited.key)).status);
  expect(statuses.filter((status) => status === 200).length).toBeLessThanOrEqual(16);
  expect(statuses.at(-1)).toBe(429);
  await fleet.control('redis', mends);
  const told = async () => (await fleet.rest('GET', '/v1/calls?limit=1', app.key)).status === 200;
  await eventually('requests going on afterwards', told);
});
