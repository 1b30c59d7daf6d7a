/*
 * Whoever left while being let in is known, for the call and the user alone, whatever else is told meanwhile; and what is remembered
 * is bounded.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Grant } from '../credentials/media-tokens.js';
import type { Departure } from './departures.js';
import { RecentDepartures } from './recent-departures.js';

const left = (callid: string, userAlias: string, sequence: number) => ({ callid, sequence, data: { userAlias } }) as unknown as Departure;
const granted = (callId: string, userAlias: string, sequence: number) => ({ callId, userAlias, sequence }) as unknown as Grant;

test('a grant from before its bearer left is over, and a later one is not', () => {
  const recent = new RecentDepartures(10);
  recent.note(left('c1', 'ben', 5));
  expect([4, 5, 6].map((sequence) => recent.areAfter(granted('c1', 'ben', sequence)))).toEqual([true, false, false]);
});

test('others, and other calls, are not concerned', () => {
  const recent = new RecentDepartures(10);
  recent.note(left('c1', 'ben', 5));
  expect(recent.areAfter(granted('c1', 'ann', 1))).toBe(false);
  expect(recent.areAfter(granted('c2', 'ben', 1))).toBe(false);
});

test('whatever the order of what is told, the latest departure counts, as long as it is among the last', () => {
  const who = fc.record({
    call: fc.constantFrom('c1', 'c2'),
    user: fc.constantFrom('ann', 'ben', 'cat'),
    sequence: fc.integer({ min: 1, max: 20 }),
  });
  fc.assert(
    fc.property(fc.array(who, { maxLength: 60 }), fc.integer({ min: 1, max: 6 }), (told, most) => {
      const recent = new RecentDepartures(most);
      for (const { call, user, sequence } of told) recent.note(left(call, user, sequence));
      const lastOnes = [...new Set(told.map(({ call, user }) => `${call} ${user}`).reverse())].slice(0, most);
      for (const one of lastOnes) {
        const [call = '', user = ''] = one.split(' ');
        // What was forgotten in between may count no more; what was told since it was last forgotten does.
        const last = told.findLast((event) => event.call === call && event.user === user)?.sequence ?? 0;
        expect(recent.areAfter(granted(call, user, last - 1))).toBe(true);
        expect(recent.areAfter(granted(call, user, 20))).toBe(false);
      }
    }),
  );
});

test('an older departure that is told late does not undo a newer one', () => {
  const recent = new RecentDepartures(10);
  recent.note(left('c1', 'ben', 9));
  recent.note(left('c1', 'ben', 5));
  expect(recent.areAfter(granted('c1', 'ben', 7))).toBe(true);
});

test('of very many, those who left longest ago are forgotten', () => {
  const recent = new RecentDepartures(3);
  for (const user of ['ann', 'ben', 'cat', 'dan']) recent.note(left('c1', user, 5));
  expect(['ann', 'ben', 'cat', 'dan'].map((user) => recent.areAfter(granted('c1', user, 1)))).toEqual([false, true, true, true]);
});
