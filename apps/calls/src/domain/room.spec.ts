/*
 * Of dials that are decided together no more make calls than there is room for; what answers another dial needs none; and whatever else
 * speaks against a dial is said first.
 */
import type { CallId, UserAlias } from '@communication-center/contracts';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { DialCall, Line } from './commands.js';
import { InTurn } from './in-turn.js';

const people = Array.from({ length: 8 }, (_, index) => `user-${index}` as UserAlias);
const now = new Date('2026-01-01T00:00:00.000Z');
const free = (): Line => ({ activeCall: null, rungBy: [], doNotDisturb: false });

function dial(number: number, from: UserAlias, to: UserAlias): DialCall {
  return {
    type: 'DialCall',
    callId: `0189000${number.toString(16)}-0000-7000-8000-000000000000` as CallId,
    initiator: from,
    initiatorDevice: `${from}-phone` as never,
    callees: [to],
    callType: 'audio_video',
    ringSeconds: 60,
    maxDurationSeconds: 3600,
    maxParticipants: 8,
    mediaSetupSeconds: 0,
    callWaiting: false,
  };
}

const inTurn = (room: number) => new InTurn([], new Map(people.map((name) => [name, free()])), now, room);

test('whatever is dialed, calls that go on are no more than there was room for, and one is refused only for lack of it', () => {
  const pairs = fc.array(fc.tuple(fc.constantFrom(...people), fc.constantFrom(...people)), { maxLength: 15 });
  fc.assert(
    fc.property(pairs, fc.nat(4), (dials, room) => {
      const turns = inTurn(room);
      const outcomes = dials.flatMap(([from, to], number) => (from === to ? [] : [turns.take(dial(number, from, to), undefined)]));
      const going = turns.changes.filter(({ after }) => after.status !== 'ended').length;
      expect(going).toBeLessThanOrEqual(room);
      if (outcomes.some(({ decision }) => decision.rejected === 'too_many_calls')) expect(going).toBe(room);
    }),
  );
});

test('a dial back is an answer where there is no room, and who is in a call hears that', () => {
  const [ann, bob, cat] = people as [UserAlias, UserAlias, UserAlias];
  const turns = inTurn(1);
  const first = turns.take(dial(1, ann, bob), undefined);
  expect(turns.take(dial(2, bob, ann), undefined)).toMatchObject({ callId: first.callId, call: { status: 'connected' } });
  expect(turns.take(dial(3, ann, cat), undefined).decision.rejected).toBe('initiator_busy');
  expect(turns.take(dial(4, cat, people[3] as UserAlias), undefined).decision.rejected).toBe('too_many_calls');
});
