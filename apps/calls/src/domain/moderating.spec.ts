/*
 * Who keeps order in a call: the initiator, while in it, and servers. What they forbid one person stays forbidden until one of them allows
 * it, whatever that person does; nobody comes into a call that is locked but who was in it; and nobody but they, and hands, are heard.
 */
import { type CallState, type Forbiddable, participantOf, type UserAlias } from '@communication-center/contracts';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Command } from './commands.js';
import { decide } from './decide.js';
import { alice, at, bob, callId, carol, dave, deviceOf, linesOf, rejectionOf, Story } from './story.fixture.js';

type By = UserAlias | null;
const talkingOfThree = () =>
  new Story()
    .dial({ callees: [bob, carol] })
    .answer(bob, 1)
    .answer(carol, 2);
const mute = (userAlias = bob, by: By = alice, media: Forbiddable[] = ['audio']): Command => ({
  ...{ type: 'MuteParticipant', callId, by, userAlias, media },
});
const allow = (userAlias = bob, by: By = alice, media: Forbiddable[] = ['audio']): Command => ({
  ...{ type: 'AllowParticipant', callId, by, userAlias, media },
});
const muteAll = (by: By = alice, media: Forbiddable[] = ['audio']): Command => ({ type: 'MuteAll', callId, by, media });
const lock = (by: By = alice): Command => ({ type: 'LockCall', callId, by });
const unlock = (by: By = alice): Command => ({ type: 'UnlockCall', callId, by });
const raise = (userAlias = bob): Command => ({ type: 'RaiseHand', callId, userAlias, deviceId: deviceOf(userAlias) });
const lower = (userAlias = bob, by: By = userAlias): Command => ({ type: 'LowerHand', callId, by, userAlias });
const join = (userAlias = bob): Command => ({ type: 'JoinCall', callId, userAlias, deviceId: deviceOf(userAlias) });
const hangUp = (userAlias = bob): Command => ({ type: 'HangUp', callId, userAlias, deviceId: deviceOf(userAlias) });
const invite = (callees: UserAlias[], by: By = alice): Command => ({
  ...{ type: 'InviteToCall', callId, by, callees, again: false, callWaiting: false },
});
const decline = (userAlias = carol): Command => ({ type: 'DeclineCall', callId, userAlias, deviceId: null, reason: 'none' });
const partOf = ({ call }: Story, userAlias = bob) => participantOf(call as CallState, userAlias);
const bansOf = (story: Story, userAlias = bob) => partOf(story, userAlias)?.forbidden;
const lastOf = ({ types }: Story) => types.at(-1);

describe('forbidding somebody to send', () => {
  test('is told with what, and by whom; what is forbidden already is not told again', () => {
    const story = talkingOfThree().on(mute(bob, alice, ['audio', 'audio']), 5);
    expect(lastOf(story)).toBe('call.participant_muted');
    expect(bansOf(story)).toEqual({ audio: { by: alice, since: at(5).toISOString() } });
    const { facts } = decide(mute(bob, null, ['audio', 'video']), story.call, linesOf(), at(6));
    expect(facts).toMatchObject([{ data: { userAlias: bob, by: null, media: ['video'], audience: [alice, bob, carol] } }]);
    expect(decide(mute(), story.call, linesOf(), at(6)).facts).toEqual([]);
  });

  test('holds for whoever is rung, leaves, comes back, moves, or is put out and rung again', () => {
    const story = new Story().dial({ callees: [bob, carol] }).on(mute(), 1);
    const bans = { audio: { by: alice, since: at(1).toISOString() } };
    const steps: Command[] = [
      { type: 'AnswerCall', callId, userAlias: bob, deviceId: deviceOf('bob') },
      { type: 'JoinCall', callId, userAlias: bob, deviceId: deviceOf('bob-tablet') },
      { type: 'LoseConnection', callId, userAlias: bob, deviceId: deviceOf('bob-tablet') },
      join(),
      { type: 'Kick', callId, by: alice, userAlias: bob },
      invite([bob]),
      decline(bob),
    ];
    for (const step of steps) expect(bansOf(story.on(step, 2)), step.type).toEqual(bans);
    expect(bansOf(story.on(mute(bob, null, ['video']), 3)), 'of who is out').toMatchObject({ ...bans, video: { by: null } });
    expect(bansOf(story.on({ type: 'EndCall', callId }, 4))).toMatchObject(bans);
  });

  test('ends when a moderator allows it, whoever forbade it, and leaves no trace in the state', () => {
    const story = talkingOfThree();
    const before = partOf(story);
    story.on(mute(bob, null, ['audio', 'video']), 5).on(allow(bob, alice, ['audio']), 6);
    expect(bansOf(story)).toEqual({ video: { by: null, since: at(5).toISOString() } });
    story.on(allow(bob, alice, ['audio', 'video']), 7);
    expect([lastOf(story), partOf(story)]).toEqual(['call.participant_unmuted', before]);
    expect(decide(allow(), story.call, linesOf(), at(8)).facts).toEqual([]);
  });

  test('of all concerns whoever is in the call or rung, but not who does it, nor who has left', () => {
    const story = new Story().dial({ callees: [bob, carol, dave] }).answer(bob, 1);
    story.on(decline(dave), 2).on(muteAll(), 3);
    expect([alice, bob, carol, dave].filter((user) => bansOf(story, user))).toEqual([bob, carol]);
    story.on(muteAll(null, ['audio', 'video']), 4);
    expect(bansOf(story, alice)).toMatchObject({ audio: { by: null }, video: { by: null } });
    expect(bansOf(story, bob)).toMatchObject({ audio: { by: alice }, video: { by: null } });
  });

  test('is for the initiator while in the call, and for servers; never for oneself', () => {
    const { call } = talkingOfThree();
    for (const command of [mute(carol, bob), allow(carol, bob), muteAll(bob), lock(bob), unlock(bob), lower(carol, bob)])
      expect(rejectionOf(command, call), command.type).toBe('forbidden');
    for (const command of [mute(carol, dave), mute(dave), allow(dave, null), muteAll(dave), lock(dave), raise(dave), lower(dave, alice)])
      expect(rejectionOf(command, call), command.type).toBe('not_a_participant');
    const left = talkingOfThree().on(hangUp(alice), 5).call;
    for (const command of [mute(), allow(), muteAll(), lock(), unlock(), lower(carol, alice)])
      expect(rejectionOf(command, left), command.type).toBe('forbidden');
    const ofServer = talkingOfThree().on(mute(alice, null), 5).call;
    expect([rejectionOf(mute(alice), ofServer), rejectionOf(allow(alice), ofServer)]).toEqual(['forbidden', 'forbidden']);
    const ended = talkingOfThree().on({ type: 'EndCall', callId }, 5).call;
    for (const command of [mute(), allow(), muteAll(null), lock(null), unlock(), raise(), lower()])
      expect(rejectionOf(command, ended), command.type).toBe('already_ended');
  });
});

describe('a call that is locked', () => {
  test('lets nobody more in: nobody is invited, and who had no part in it does not come', () => {
    const story = new Story()
      .dial({ callees: [bob, carol] })
      .answer(bob, 1)
      .on(decline(), 3)
      .on(lock(), 4);
    expect(lastOf(story)).toBe('call.locked');
    expect(story.call?.lock).toEqual({ by: alice, since: at(4).toISOString(), members: [alice, bob] });
    expect(rejectionOf(invite([dave]), story.call)).toBe('call_locked');
    expect(rejectionOf(invite([carol], null), story.call)).toBe('call_locked');
    expect(rejectionOf(join(carol), story.call)).toBe('call_locked');
    expect(decide(lock(null), story.call, linesOf(), at(5)).facts).toEqual([]);
    story.on(unlock(null), 6).on(join(carol), 7);
    expect([story.call?.lock, lastOf(story)]).toEqual([undefined, 'call.joined']);
    expect(decide(unlock(), story.call, linesOf(), at(8)).facts).toEqual([]);
  });

  test('lets back whoever was in it, also who was rung and answered since', () => {
    const story = new Story()
      .dial({ callees: [bob, carol, dave] })
      .answer(bob, 1)
      .on(lock(), 2)
      .answer(carol, 3);
    for (const user of [bob, carol]) expect(lastOf(story.on(hangUp(user), 4).on(join(user), 5))).toBe('call.joined');
    story.on(decline(dave), 6);
    expect(rejectionOf(join(dave), story.call)).toBe('call_locked');
  });
});

describe('a hand', () => {
  test('goes up once, stays up on another device, and comes down by its owner, a moderator, or with the leaving', () => {
    const story = talkingOfThree().on(raise(), 5);
    expect([lastOf(story), partOf(story)]).toMatchObject(['call.hand_raised', { handRaised: at(5).toISOString() }]);
    expect(decide(raise(), story.call, linesOf(), at(6)).facts).toEqual([]);
    story.on({ type: 'JoinCall', callId, userAlias: bob, deviceId: deviceOf('bob-tablet') }, 6);
    expect(partOf(story)).toMatchObject({ handRaised: at(5).toISOString() });
    expect(partOf(story.on(lower(), 7))).not.toHaveProperty('handRaised');
    expect(decide(lower(), story.call, linesOf(), at(8)).facts).toEqual([]);
    for (const by of [alice, null]) expect(partOf(story.on(raise(), 8).on(lower(bob, by), 9))).not.toHaveProperty('handRaised');
    story.on(raise(), 10).on(hangUp(), 11).on(join(), 12);
    expect(partOf(story)).not.toHaveProperty('handRaised');
  });

  test('is only raised by who is in the call', () => {
    expect(rejectionOf(raise(), new Story().dial().call)).toBe('forbidden');
    expect(rejectionOf(raise(), talkingOfThree().on(hangUp(), 5).call)).toBe('already_ended');
  });
});

const user = fc.constantFrom(alice, bob, carol, dave);
const by = fc.option(user, { freq: 4 });
const media = fc.subarray<Forbiddable>(['audio', 'video'], { minLength: 1 });
const command: fc.Arbitrary<Command> = fc.oneof(
  { weight: 4, arbitrary: fc.tuple(user, by, media).map((told) => mute(...told)) },
  { weight: 3, arbitrary: fc.tuple(user, by, media).map((told) => allow(...told)) },
  fc.tuple(by, media).map((told) => muteAll(...told)),
  { weight: 2, arbitrary: by.map(lock) },
  by.map(unlock),
  user.map(raise),
  fc.tuple(user, by).map((told) => lower(...told)),
  user.map(hangUp),
  { weight: 5, arbitrary: user.map(join) },
  { weight: 2, arbitrary: fc.tuple(fc.uniqueArray(user, { minLength: 1, maxLength: 2 }), by).map((told) => invite(...told)) },
  user.map(decline),
  fc.tuple(by, user).map(([who, userAlias]): Command => ({ type: 'Kick', callId, by: who, userAlias })),
);
const stateOf = (call: CallState, userAlias: UserAlias) => participantOf(call, userAlias)?.state ?? 'gone';

test('whatever is tried, only moderators moderate, nobody unforbids themselves, and nobody comes into a locked call who was not in it', () => {
  let [moderated, unforbidden, lockedOut] = [0, 0, 0];
  fc.assert(
    fc.property(fc.array(command, { minLength: 5, maxLength: 40, size: 'max' }), (commands) => {
      const story = new Story().dial({ callees: [bob, carol] }).answer(bob, 1);
      /** Who may come back, as the test sees it. */
      let inside = new Set<UserAlias>();
      for (const [index, one] of commands.entries()) {
        const before = story.call as CallState;
        const decision = decide(one, before, linesOf(), at(2 + index));
        if (decision.rejected) {
          lockedOut += Number(decision.rejected === 'call_locked');
          continue;
        }
        story.on(one, 2 + index);
        const after = story.call as CallState;
        const moderator = 'by' in one && one.type !== 'InviteToCall' ? one.by : undefined;
        const isOwnHand = one.type === 'LowerHand' && one.by === one.userAlias;
        if (moderator && !isOwnHand) {
          expect([moderator, stateOf(before, moderator)], one.type).toEqual([alice, 'connected']);
          moderated += 1;
        }
        for (const { userAlias, forbidden = {} } of before.participants) {
          const still = participantOf(after, userAlias)?.forbidden ?? {};
          const freed = Object.keys(forbidden).filter((kind) => !(kind in still));
          if (freed.length === 0) continue;
          expect([one.type, 'userAlias' in one && one.userAlias]).toEqual(['AllowParticipant', userAlias]);
          expect(moderator).not.toBe(userAlias);
          unforbidden += 1;
        }
        const came = after.participants.filter(({ userAlias, state }) => state !== 'gone' && stateOf(before, userAlias) === 'gone');
        if (before.lock) for (const { userAlias, state } of came) expect([state, inside.has(userAlias)]).toEqual(['connected', true]);
        const connected = after.participants.filter(({ state }) => state === 'connected').map(({ userAlias }) => userAlias);
        inside = new Set(before.lock ? [...inside, ...connected] : connected);
        for (const part of after.participants) if (part.state !== 'connected') expect(part).not.toHaveProperty('handRaised');
      }
    }),
    { numRuns: 400 },
  );
  expect(Math.min(moderated, unforbidden, lockedOut), 'each was tried').toBeGreaterThan(20);
});
