/*
 * A user who was deleted has no part in any call: whoever was in one hangs up, a ring ends without anybody having declined, and
 * taking somebody out again, or too late, does nothing.
 */
import type { CallState } from '@communication-center/contracts';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { decide } from './decide.js';
import { alice, at, bob, callId, carol, dave, linesOf, Story } from './story.fixture.js';

const takeOut = (userAlias = bob) => ({ type: 'TakeOut' as const, callId, userAlias });

test('a ring ends: the caller hears that a server put the callee out', () => {
  const { ended, types } = new Story().dial().on(takeOut(), 3);
  expect([ended.reason, types]).toEqual(['kicked', ['call.dialed', 'call.kicked', 'call.ended']]);
});

test('of a call of two that goes on, it is a hang-up', () => {
  expect(new Story().dial().answer(bob, 1).on(takeOut(), 5).ended.reason).toBe('hung_up');
  expect(new Story().dial().answer(bob, 1).on(takeOut(alice), 5).ended.reason).toBe('hung_up');
});

test('of whoever dials, it takes the call back', () => {
  expect(new Story().dial().on(takeOut(alice), 2).ended.reason).toBe('cancelled');
});

test('a call of three goes on without one', () => {
  const { call } = new Story()
    .dial({ callees: [bob, carol] })
    .answer(bob, 1)
    .answer(carol, 2)
    .on(takeOut(), 5);
  expect(call).toMatchObject({ status: 'connected' });
});

test('whatever happened, whoever was taken out has no part any more, and once more changes nothing', () => {
  const step = fc.constantFrom<(story: Story) => Story>(
    (story) => story.answer(bob, 1),
    (story) => story.on({ type: 'HangUp', callId, userAlias: bob, deviceId: null }, 2),
    (story) => story.on({ type: 'HangUp', callId, userAlias: alice, deviceId: null }, 2),
    (story) => story.on({ type: 'EndCall', callId }, 3),
    (story) => story,
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 3 }), fc.constantFrom(alice, bob, carol, dave), (steps, who) => {
      const story = new Story().dial({ callees: [bob, carol] });
      for (const one of steps) {
        try {
          one(story);
        } catch {
          // It was refused, as nothing of it could happen any more.
        }
      }
      const before = story.call as CallState;
      story.on(takeOut(who), 10);
      const part = story.call?.participants.find(({ userAlias }) => userAlias === who);
      expect(story.call?.status === 'ended' || part === undefined || part.state === 'gone').toBe(true);
      if (before.status === 'ended' || who === dave) expect(story.call).toEqual(before);
      expect(decide(takeOut(who), story.call, linesOf(), at(11))).toEqual({ facts: [] });
    }),
  );
});
