/*
 * Whoever left a call, or whose call has ended, is known not to be in it, for that call and user alone; and nobody is taken to be in it
 * on less than every event of the call since the grant was given, as far as any was heard.
 */
import type { CallId, UserAlias } from '@communication-center/contracts';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Happening } from './happenings.js';
import { KnownCalls } from './known-calls.js';

const heard = (callId: string, sequence: number, more: { left?: string; ended?: true } = {}) =>
  ({ callId, sequence, ...more }) as unknown as Happening;
const granted = (callId: string, userAlias: string, sequence: number) => ({
  callId: callId as CallId,
  userAlias: userAlias as UserAlias,
  sequence,
});

function knowing(...happenings: Happening[]): KnownCalls {
  const known = new KnownCalls(10);
  for (const happening of happenings) known.note(happening);
  return known;
}

test('a grant from before its bearer left is over, and a later one is not', () => {
  const known = knowing(...[1, 2, 3, 4].map((n) => heard('c1', n)), heard('c1', 5, { left: 'ben' }), heard('c1', 6));
  expect([4, 5, 6].map((sequence) => known.standingOf(granted('c1', 'ben', sequence)))).toEqual(['left', 'in', 'in']);
});

test('others, and other calls, are not concerned', () => {
  const known = knowing(heard('c1', 1), heard('c1', 2, { left: 'ben' }), heard('c2', 1));
  expect(known.standingOf(granted('c1', 'ann', 1))).toBe('in');
  expect(known.standingOf(granted('c2', 'ben', 1))).toBe('in');
});

test('nobody is in a call that has ended, whenever the grant was given', () => {
  const known = knowing(heard('c1', 8, { left: 'ben' }), heard('c1', 9, { ended: true }));
  for (const sequence of [1, 8, 9, 30]) expect(known.standingOf(granted('c1', 'ann', sequence))).toBe('ended');
});

test('the reply may be faster than the log: a grant that is newer than all that was heard holds', () => {
  expect(knowing(heard('c1', 1)).standingOf(granted('c1', 'ann', 3))).toBe('in');
});

test('of a call that was not heard of since the grant was given, nothing is known, until it is told', () => {
  const known = knowing(heard('c1', 6));
  expect(known.standingOf(granted('c0', 'ann', 1))).toBe('unknown');
  expect([5, 4].map((sequence) => known.standingOf(granted('c1', 'ann', sequence)))).toEqual(['in', 'unknown']);
  known.noteAll('c1' as CallId, 4, [heard('c1', 5, { left: 'ben' }), heard('c1', 6)]);
  expect(['ann', 'ben'].map((user) => known.standingOf(granted('c1', user, 4)))).toEqual(['in', 'left']);
  known.noteAll('c0' as CallId, 3, []);
  expect([3, 2].map((sequence) => known.standingOf(granted('c0', 'ann', sequence)))).toEqual(['in', 'unknown']);
});

test('of very many, those that nothing was heard of for longest are forgotten', () => {
  const known = new KnownCalls(2);
  for (const [call, sequence] of [
    ['c1', 1],
    ['c2', 1],
    ['c1', 2],
    ['c3', 1],
  ] as const)
    known.note(heard(call, sequence));
  expect(['c1', 'c2', 'c3'].map((call) => known.standingOf(granted(call, 'ann', 1)))).toEqual(['in', 'unknown', 'in']);
});

/** A repeat that comes when its call is forgotten is the one thing that cannot be told from news. */
test('whatever is missed, repeated, told late or forgotten, nobody is let in against what happened before the last that was heard', () => {
  const users = ['ann', 'ben'];
  const story = fc.array(fc.constantFrom('nothing', 'left ann', 'left ben', 'ended'), { minLength: 1, maxLength: 12 });
  const hearing = fc.record({ at: fc.nat(11), after: fc.nat(11), isTold: fc.boolean(), isOther: fc.boolean() });
  fc.assert(
    fc.property(story, fc.array(hearing, { maxLength: 30 }), (acts, hearings) => {
      const happenings = acts.map((act, index) => {
        const left = act.startsWith('left') ? { left: act.slice(5) } : {};
        return heard('c1', index + 1, act === 'ended' ? { ended: true } : left);
      });
      const known = new KnownCalls(2);
      let last = 0;
      for (const [number, { at, after, isTold, isOther }] of hearings.entries()) {
        const one = happenings[at % happenings.length] as Happening;
        if (isOther) known.note(heard(`other ${number}`, 1));
        else if (isTold) {
          // The calls service tells everything of a call up to where it is, which is never behind what was heard.
          const told = happenings.slice(0, Math.max(last, one.sequence));
          known.noteAll('c1' as CallId, Math.min(after, told.length), told.slice(after));
          last = told.length;
        } else if (one.sequence > last || known.standingOf(granted('c1', 'nobody', 99)) !== 'unknown') {
          known.note(one);
          last = Math.max(last, one.sequence);
        }
        for (const user of users)
          for (let sequence = 1; sequence <= happenings.length; sequence += 1) {
            const since = happenings.slice(0, last);
            // No grant is given once a call has ended.
            const hasEnded = since.some((happened) => happened.ended && happened.sequence > sequence);
            const hasLeft = since.some((happened) => happened.left === user && happened.sequence > sequence);
            const standing = known.standingOf(granted('c1', user, sequence));
            if (standing === 'in') expect([sequence, user, hasEnded, hasLeft]).toEqual([sequence, user, false, false]);
            if (standing === 'left') expect(hasLeft).toBe(true);
            if (standing === 'ended') expect(since.some(({ ended }) => ended)).toBe(true);
          }
      }
    }),
    { numRuns: 500 },
  );
});
