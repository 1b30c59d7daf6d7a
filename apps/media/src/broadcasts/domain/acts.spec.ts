/* A broadcast is made while its call goes on and somebody wants it, and no longer; who watches is counted once, for ten seconds. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Endings, isActive, nextAct, type Standing, type Wanted } from './next-act.js';
import { SeenViewers } from './seen-viewers.js';

const wanted = fc.constantFrom<Wanted>('live', 'stopped');
const room = fc.constantFrom<Standing>('none', 'there', 'away', 'closed');

test('what nobody wants, or has no call any more, is over; what is too old ends; and Janus is waited for', () => {
  fc.assert(
    fc.property(wanted, room, fc.boolean(), fc.nat(200), (wish, where, isMade, secondsOld) => {
      const act = nextAct(wish, where, isMade, { secondsOld, mostSeconds: 100 });
      expect(act === 'finish').toBe(wish === 'stopped' || where === 'closed');
      if (act === 'finish') return;
      expect(act === 'end_too_long').toBe(secondsOld >= 100);
      if (act === 'end_too_long') return;
      expect(act).toBe(where === 'there' ? 'broadcast' : isMade ? 'hold' : 'wait');
    }),
  );
});

test('what ends again and again is given up, and what ends now and then is begun anew', () => {
  const often = new Endings();
  expect([0, 1, 2, 3, 4].map((second) => often.note(second * 1000))).toEqual([250, 500, 1000, 2000, undefined]);
  const rarely = new Endings();
  for (let minute = 0; minute < 20; minute += 1) expect(rarely.note(minute * 121_000)).toBe(250);
});

test('starting and live go on', () => {
  expect((['starting', 'live', 'stopped', 'failed'] as const).map(isActive)).toEqual([true, true, false, false]);
});

test('each viewer counts once, and until ten seconds after asking last', () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(fc.nat(9), fc.nat(4000)), { maxLength: 60 }), (asked) => {
      const seen = new SeenViewers(10_000);
      const last = new Map<number, number>();
      let now = 0;
      for (const [viewer, after] of asked) {
        now += after;
        seen.note('b', String(viewer), now);
        last.set(viewer, now);
        expect(seen.count('b', now)).toBe([...last.values()].filter((at) => now - at < 10_000).length);
        expect(seen.count('another', now)).toBe(0);
      }
      expect(seen.count('b', now + 10_000)).toBe(0);
    }),
  );
});
