/*
 * What somebody may not send is what the last event of the call about it says, be it heard, told by its owner, or in the grant; and in
 * whatever order, and however often, any of that comes.
 */
import type { CallId, Forbiddable, UserAlias } from '@communication-center/contracts';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Bans } from './bans.js';
import { type Happening, happeningOf } from './happenings.js';
import { KnownCalls } from './known-calls.js';

const callId = '019b7777-0000-7000-8000-000000000001' as CallId;
const ben = 'ben' as UserAlias;
const moderated = (sequence: number, media: Forbiddable[], isForbidden: boolean, userAlias = ben): Happening => ({
  ...{ callId, sequence, moderated: { userAlias, media, isForbidden } },
});
const forbiddenTo = (known: KnownCalls, sequence: number, forbidden: Forbiddable[] = [], userAlias = ben) =>
  [...known.bansOf({ callId, userAlias, sequence, forbidden }).forbidden].sort();

test.each([
  ['call.participant_muted', true],
  ['call.participant_unmuted', false],
] as const)('%s of the log says so', (type, isForbidden) => {
  const data = { audience: ['ann', 'ben'], userAlias: ben, by: null, media: ['video'] };
  const attributes = { specversion: '1.0', id: 'e', source: '/calls', time: '2026-01-01T00:00:00.000Z', appid: 'demo', dataversion: 1 };
  const event = { ...attributes, type, subject: callId, callid: callId, sequence: 4, data };
  expect(happeningOf(event as never)).toEqual(moderated(4, ['video'], isForbidden));
});

test('a grant says what was forbidden by then, and what was heard since says the rest, of its bearer alone', () => {
  const known = new KnownCalls(10);
  expect(forbiddenTo(known, 3, ['audio'])).toEqual(['audio']);
  known.note(moderated(4, ['video'], true));
  known.note(moderated(5, ['audio'], false));
  expect([3, 4, 5].map((sequence) => forbiddenTo(known, sequence, ['audio']))).toEqual([['video'], [], ['audio']]);
  expect(forbiddenTo(known, 3, ['audio'], 'ann' as UserAlias)).toEqual(['audio']);
});

const moderation = fc.record({
  media: fc.constantFrom<Forbiddable[]>(['audio'], ['video'], ['audio', 'video']),
  isForbidden: fc.boolean(),
});

test('whatever is repeated, told twice or late, the grant and all that came after it come to the same', () => {
  const plan = fc.record({
    story: fc.array(moderation, { minLength: 1, maxLength: 8 }),
    granted: fc.nat(8),
    repeats: fc.array(fc.nat(7), { maxLength: 8 }),
    isTold: fc.boolean(),
  });
  fc.assert(
    fc.property(plan, ({ story, granted, repeats, isTold }) => {
      const happenings = story.map(({ media, isForbidden }, index) => moderated(index + 1, media, isForbidden));
      const after = (events: readonly Happening[]) => {
        const forbidden = new Set<Forbiddable>();
        for (const { moderated: one } of events)
          for (const media of one?.media ?? []) one?.isForbidden ? forbidden.add(media) : forbidden.delete(media);
        return [...forbidden].sort();
      };
      const sequence = Math.min(granted, happenings.length);
      const grant = { sequence, forbidden: after(happenings.slice(0, sequence)) };
      const known = new KnownCalls(10);
      if (isTold) known.noteAll(callId, sequence, happenings.slice(sequence));
      else for (const one of happenings) known.note(one);
      for (const index of repeats) known.note(happenings[index % happenings.length] as Happening);
      expect(forbiddenTo(known, sequence, grant.forbidden)).toEqual(after(happenings));
      // A socket that was let in takes each as it comes.
      const bans = Bans.in(grant);
      for (const one of [...happenings, ...repeats.map((index) => happenings[index % happenings.length] as Happening)].sort(
        (a, b) => a.sequence - b.sequence,
      ))
        if (one.moderated) bans.take(one.sequence, one.moderated);
      expect([...bans.forbidden].sort()).toEqual(after(happenings));
    }),
  );
});
