/*
 * Whoever waits for an app's messages is woken, here or in another replica, as long as he says that he waits; where nobody does,
 * nothing is told; and what comes while others are told goes together.
 */
import type { AppId } from '@communication-center/contracts';
import { beforeEach, expect, test } from 'vitest';
import { LaneNews } from './lane-news.js';

const [one, two] = ['one' as AppId, 'two' as AppId];
let now: number;
let told: string[][];
let answer: (() => void)[];
let owner: LaneNews;
let other: LaneNews;
let woken: string[];

beforeEach(() => {
  [now, told, answer, woken] = [0, [], [], []];
  const replica = (isOwner: boolean) =>
    new LaneNews({
      owns: () => isOwner,
      now: () => now,
      tell: async (words) => {
        told.push([...words]);
        await new Promise<void>((resolve) => answer.push(resolve));
      },
    });
  [owner, other] = [replica(true), replica(false)];
});

/** What was told reaches everybody, whoever told it. */
function arrive(): void {
  for (const words of told.splice(0)) for (const replica of [owner, other]) expect(replica.heard([...words, '7'])).toEqual(['7']);
  for (const resolve of answer.splice(0)) resolve();
}
const settled = () => new Promise((resolve) => setImmediate(resolve));

test('where nobody waits nothing is told, and in the same process nobody has to be', () => {
  owner.placed([one, two]);
  const letGo = owner.watch(one, () => woken.push('here'));
  owner.placed([one, two]);
  letGo();
  owner.placed([one]);
  expect([told, woken, owner.watched]).toEqual([[], ['here'], []]);
});

test('who waits elsewhere is woken as long as that is said, and no longer', async () => {
  other.watch(one, () => woken.push('there'));
  expect(told).toEqual([['watch:one']]);
  arrive();
  owner.placed([one, two]);
  expect(told).toEqual([['placed:one']]);
  arrive();
  await settled();
  expect(woken).toEqual(['there']);
  now += 4000;
  other.announce(other.watched);
  arrive();
  now += 4000;
  owner.placed([one]);
  expect(told).toEqual([['placed:one']]);
  arrive();
  await settled();
  now += 6000;
  owner.placed([one]);
  expect([told, woken]).toEqual([[], ['there', 'there']]);
});

test('what comes while others are told is told once, when they have been', async () => {
  for (const app of [one, two]) other.watch(app, () => woken.push(app));
  arrive();
  for (const app of [one, two, one, two, two]) owner.placed([app]);
  expect(told).toEqual([['placed:one']]);
  arrive();
  await settled();
  expect(told.map((words) => words.toSorted())).toEqual([['placed:one', 'placed:two']]);
  arrive();
  await settled();
  expect([told, woken.toSorted()]).toEqual([[], ['one', 'one', 'two']]);
});
