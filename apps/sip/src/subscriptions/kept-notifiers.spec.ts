/* How many subscriptions each app has is what its notifiers are, whatever comes and goes and however often it is told to go. */
import type { AppId, UserAlias } from '@communication-center/contracts';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { KeptNotifiers, nameOf } from './kept-notifiers.js';
import type { Notifier } from './notifier.js';

const standIn = (localTag: string, appId: string, userAlias: string) =>
  ({ subscription: { localTag, appId, userAlias, callId: `call-${localTag}` } }) as unknown as Notifier;

test('counts of apps, followers of users and calls are those of what is kept', () => {
  const step = fc.record({ isAdded: fc.boolean(), tag: fc.nat({ max: 9 }) });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
      const all = Array.from({ length: 10 }, (_, tag) => standIn(`t${tag}`, `app-${tag % 3}`, `user-${tag % 2}`));
      const kept = new KeptNotifiers();
      const model = new Set<number>();
      for (const { isAdded, tag } of steps) {
        if (isAdded) kept.add(all[tag] as Notifier);
        else kept.remove(all[tag] as Notifier);
        if (isAdded) model.add(tag);
        else model.delete(tag);
      }
      expect(kept.size).toBe(model.size);
      for (const app of [0, 1, 2]) expect(kept.countOf(`app-${app}` as AppId)).toBe([...model].filter((tag) => tag % 3 === app).length);
      for (let tag = 0; tag < 6; tag += 1) {
        const name = nameOf(`app-${tag % 3}` as AppId, `user-${tag % 2}` as UserAlias);
        const followers = [...model].filter((other) => other % 6 === tag);
        expect([...kept.followersOf(name)].length).toBe(followers.length);
        expect(kept.isFollowed(name)).toBe(followers.length > 0);
      }
    }),
  );
});

test('answers to the last word still find whoever said it, until they are forgotten', () => {
  const kept = new KeptNotifiers();
  const one = standIn('t', 'demo', 'bob');
  kept.add(one);
  expect(kept.remove(one)).toBe(true);
  expect(kept.remove(one)).toBe(false);
  expect([...kept.ofCall('call-t')]).toEqual([one]);
  kept.forgetAnswers(one);
  expect([...kept.ofCall('call-t')]).toEqual([]);
});
