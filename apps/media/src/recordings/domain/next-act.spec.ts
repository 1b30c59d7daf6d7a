/* Nothing is recorded that nobody wants recorded, nor in a room that is closed; and every recording that is wanted no longer comes to its end. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { nextAct, stateAfter } from './next-act.js';

const wanted = fc.constantFrom('recording' as const, 'paused' as const, 'stopped' as const);
const room = fc.constantFrom('none' as const, 'there' as const, 'away' as const, 'closed' as const);

test('is recorded only where that is wanted, in a room that is there', () => {
  fc.assert(
    fc.property(wanted, room, fc.nat(120_000), (what, where, ms) => {
      if (nextAct(what, where, ms) === 'record') expect([what, where]).toEqual(['recording', 'there']);
      if (nextAct(what, where, ms) === 'pause') expect([what, where]).toEqual(['paused', 'there']);
      if (what === 'stopped' && ms >= 30_000) expect(nextAct(what, where, ms)).toBe('finish');
    }),
  );
});

test('a Janus that is away is waited for, half a minute after the end', () => {
  expect([nextAct('stopped', 'away', 100), nextAct('stopped', 'away', 30_000)]).toEqual(['wait', 'finish']);
  expect([nextAct('recording', 'none', 0), nextAct('recording', 'away', 0), nextAct('paused', 'closed', 0)]).toEqual([
    'wait',
    'wait',
    'finish',
  ]);
});

test('counts as recording once somebody sends, and then until it is paused', () => {
  expect(stateAfter('record', 'starting', false)).toBe('starting');
  expect(stateAfter('record', 'starting', true)).toBe('recording');
  expect(stateAfter('record', 'recording', false)).toBe('recording');
  expect(stateAfter('pause', 'recording', true)).toBe('paused');
  expect(stateAfter('record', 'paused', false)).toBe('recording');
  expect(stateAfter('wait', 'starting', true)).toBe('starting');
});
