/*
 * The rules for more than two: inviting, coming back, being put out, waiting calls, and video by consent.
 */
import { type CallState, callLimits, type DeviceId, participantOf } from '@communication-center/contracts';
import { describe, expect, test } from 'vitest';
import type { Command } from './commands.js';
import { decide } from './decide.js';
import { hangUpAndAnswer } from './hang-up-and-answer.js';
import { alice, at, bob, callId, carol, dave, deviceOf, linesOf, otherCallId, rejectionOf, Story } from './story.fixture.js';

const invite = (more: Partial<Command & { type: 'InviteToCall' }> = {}): Command => ({
  type: 'InviteToCall',
  callId,
  by: alice,
  callees: [carol],
  again: false,
  callWaiting: false,
  ...more,
});
const talking = () => new Story().dial().answer(bob, 1);
const talkingOfThree = () =>
  new Story()
    .dial({ callees: [bob, carol] })
    .answer(bob, 1)
    .answer(carol, 2);

describe('inviting', () => {
  test('rings a third person for the ring time, and makes the call one of many', () => {
    const { call } = talking().on(invite({ ringSeconds: 20 }), 10);
    expect(call).toMatchObject({ status: 'connected', manyToMany: true });
    expect(participantOf(call as CallState, carol)).toMatchObject({ state: 'ringing', until: at(30).toISOString() });
  });

  test('tells everyone in the call, and whoever is invited', () => {
    const { facts } = decide(invite(), talking().call, linesOf(), at(5));
    expect(facts?.[0]?.data.audience).toEqual([alice, bob, carol]);
  });

  test('goes on when whoever was invited does not come', () => {
    const story = talking()
      .on(invite({ ringSeconds: 20 }), 10)
      .on({ type: 'TimeOutRinging', callId, userAlias: carol }, 30);
    expect(story.types.slice(-1)).toEqual(['call.missed']);
    expect(story.call?.status).toBe('connected');
  });

  test('rings nobody who is in the call or rings already', () => {
    const story = talking().on(invite({ callees: [bob, carol] }), 5);
    expect(story.on(invite({ callees: [carol] }), 6).types.filter((type) => type === 'call.participant_invited')).toHaveLength(1);
  });

  test('refuses the busy and the undisturbed in the first event, so that no device of theirs rings', () => {
    const lines = linesOf({ carol: { activeCall: otherCallId }, dave: { doNotDisturb: true } });
    const { facts } = decide(invite({ callees: [carol, dave] }), talking().call, lines, at(5));
    expect(facts?.map(({ type, data }) => [type, 'refused' in data ? data.refused : undefined])).toEqual([
      ['call.participant_invited', 'busy'],
      ['call.busy', undefined],
      ['call.missed', undefined],
      ['call.participant_invited', 'do_not_disturb'],
      ['call.declined', undefined],
      ['call.missed', undefined],
    ]);
  });

  test('again is for those who had a part in the call', () => {
    const story = new Story()
      .dial({ callees: [bob, carol] })
      .answer(bob, 1)
      .on({ type: 'DeclineCall', callId, userAlias: carol, deviceId: null, reason: 'none' }, 2);
    expect(participantOf(story.on(invite({ again: true }), 3).call as CallState, carol)?.state).toBe('ringing');
    expect(rejectionOf(invite({ again: true, callees: [dave] }), story.call)).toBe('not_a_participant');
  });

  test('is for those in the call, and within its limits', () => {
    const { call } = new Story().dial({ maxParticipants: 2 }).answer(bob, 1);
    expect(rejectionOf(invite({ by: dave }), call)).toBe('not_a_participant');
    expect(rejectionOf(invite(), call)).toBe('too_many_participants');
    expect(rejectionOf(invite({ by: bob }), new Story().dial().call)).toBe('forbidden');
    const ended = talking().on({ type: 'EndCall', callId }, 3);
    expect(rejectionOf(invite({ by: null }), ended.call)).toBe('already_ended');
  });
});

describe('joining later', () => {
  test('brings back who declined, missed the call or hung up', () => {
    const story = talkingOfThree().on({ type: 'HangUp', callId, userAlias: carol, deviceId: deviceOf('carol') }, 5);
    story.on({ type: 'JoinCall', callId, userAlias: carol, deviceId: deviceOf('carol') }, 6);
    expect(story.types.at(-1)).toBe('call.joined');
    expect(participantOf(story.call as CallState, carol)?.state).toBe('connected');
  });

  test('is answering, where the phone rings still', () => {
    const story = new Story().dial().on({ type: 'JoinCall', callId, userAlias: bob, deviceId: deviceOf('bob') }, 3);
    expect(story.types.at(-1)).toBe('call.answered');
  });

  test('from another device moves the call there, and is nothing new on the one that is in it', () => {
    const tablet = 'bob-tablet' as DeviceId;
    const moving = (deviceId: DeviceId): Command => ({ type: 'JoinCall', callId, userAlias: bob, deviceId });
    const story = talking().on(moving(tablet), 6);
    expect(story.types.at(-1)).toBe('call.joined');
    expect(participantOf(story.call as CallState, bob)).toMatchObject({ state: 'connected', deviceId: tablet });
    const { types } = story;
    story.on(moving(tablet), 7).on({ type: 'LoseConnection', callId, userAlias: bob, deviceId: deviceOf('bob') }, 8);
    expect(story.types, 'the device of before has gone').toEqual(types);
    expect(story.on({ type: 'LoseConnection', callId, userAlias: bob, deviceId: tablet }, 9).ended.reason).toBe('connection_lost');
  });

  test('is not for strangers, for people in another call, nor after the end', () => {
    const joining = (userAlias = carol): Command => ({ type: 'JoinCall', callId, userAlias, deviceId: deviceOf(userAlias) });
    expect(rejectionOf(joining(dave), talkingOfThree().call)).toBe('not_a_participant');
    const left = talkingOfThree().on({ type: 'HangUp', callId, userAlias: carol, deviceId: null }, 5).call;
    expect(rejectionOf(joining(), left, linesOf({ carol: { activeCall: otherCallId } }))).toBe('already_in_call');
    expect(rejectionOf(joining(bob), talking().on({ type: 'EndCall', callId }, 5).call)).toBe('already_ended');
  });
});

describe('being put out', () => {
  const kick = (userAlias = carol, by: typeof alice | null = alice): Command => ({ type: 'Kick', callId, by, userAlias });

  test('leaves the others in the call, and the way back open only to a new ring', () => {
    const story = talkingOfThree().on(kick(), 5);
    expect(story.types.at(-1)).toBe('call.kicked');
    expect(participantOf(story.call as CallState, carol)).toMatchObject({ state: 'gone', reason: 'kicked' });
    expect(rejectionOf({ type: 'JoinCall', callId, userAlias: carol, deviceId: deviceOf('carol') }, story.call)).toBe('forbidden');
    story.on(invite({ again: true }), 6).answer(carol, 7);
    expect(participantOf(story.call as CallState, carol)?.state).toBe('connected');
  });

  test('ends a call that has nobody left to talk to', () => {
    expect(talking().on(kick(bob), 5).ended.reason).toBe('kicked');
  });

  test('is done by the initiator or a server, and to somebody else', () => {
    expect(rejectionOf(kick(carol, bob), talkingOfThree().call)).toBe('forbidden');
    expect(rejectionOf(kick(alice, alice), talkingOfThree().call)).toBe('invalid_request');
    expect(rejectionOf(kick(carol, null), talkingOfThree().call)).toBeUndefined();
  });
});

test('a server ends a call for everyone, and those who ring are told why', () => {
  const story = new Story()
    .dial({ callees: [bob, carol] })
    .answer(bob, 1)
    .on({ type: 'EndCall', callId }, 5);
  expect(story.types.slice(-2)).toEqual(['call.missed', 'call.ended']);
  expect(story.ended.reason).toBe('ended_by_server');
  expect(participantOf(story.ended, carol)).toMatchObject({ reason: 'ended_by_server' });
});

test('a call that the Center cannot carry on ends for everyone, and those who ring are told why', () => {
  const story = new Story()
    .dial({ callees: [bob, carol] })
    .answer(bob, 1)
    .on({ type: 'EndCall', callId, reason: 'error' }, 5);
  expect(story.ended.reason).toBe('error');
  expect(participantOf(story.ended, carol)).toMatchObject({ reason: 'error' });
});

describe('call waiting', () => {
  const busy = linesOf({ bob: { activeCall: otherCallId } });

  test('rings the busy, tells them that they are busy, and the caller too', () => {
    const story = new Story().dial({ callWaiting: true }, busy);
    expect(story.types).toEqual(['call.dialed', 'call.busy']);
    expect(participantOf(story.call as CallState, bob)).toMatchObject({ state: 'ringing', waiting: true });
  });

  test('has room for few calls; the next hears busy', () => {
    const rungBy = Array.from({ length: callLimits.ringsOfOneUser }, () => otherCallId);
    expect(new Story().dial({ callWaiting: true }, linesOf({ bob: { rungBy } })).ended.reason).toBe('busy');
  });

  test('is answered by hanging up the other call: both, or neither', () => {
    const waiting = new Story().dial({ callWaiting: true }, busy).call as CallState;
    const active = {
      ...(new Story().dial({ initiator: carol, initiatorDevice: deviceOf('carol') }).answer(bob, 1).call as CallState),
      callId: otherCallId,
    };
    const answer = { type: 'AnswerCall', callId, userAlias: bob, deviceId: deviceOf('bob') } as const;
    const both = hangUpAndAnswer(answer, { active, waiting, lines: busy }, at(9));
    expect([both.left.facts?.map(({ type }) => type), both.answered.facts?.map(({ type }) => type)]).toEqual([
      ['call.hung_up', 'call.ended'],
      ['call.answered'],
    ]);
    const gone = new Story().dial().on({ type: 'HangUp', callId, userAlias: alice, deviceId: null }, 2).call as CallState;
    const neither = hangUpAndAnswer(answer, { active, waiting: gone, lines: busy }, at(9));
    expect([neither.left.rejected, neither.answered.rejected]).toEqual(['already_ended', 'already_ended']);
  });
});

describe('video by consent', () => {
  const by = (type: 'RequestUpgrade' | 'AcceptUpgrade' | 'RefuseUpgrade', userAlias = bob): Command => ({
    type,
    callId,
    userAlias,
    deviceId: deviceOf(userAlias),
  });
  const audio = () => new Story().dial({ callType: 'audio_upgradable', callees: [bob, carol] }).answer(bob, 1);

  test('comes when everyone connected has consented', () => {
    const story = audio().answer(carol, 2).on(by('RequestUpgrade', alice), 3).on(by('AcceptUpgrade'), 4);
    expect(story.call).toMatchObject({ callType: 'audio_upgradable', upgrade: { requestedBy: alice, accepted: [bob] } });
    story.on(by('AcceptUpgrade', carol), 5);
    expect(story.call?.callType).toBe('audio_video');
    expect(story.call).not.toHaveProperty('upgrade');
  });

  test('does not wait for those who left, and dies with the wish of who left', () => {
    const waiting = () => audio().answer(carol, 2).on(by('RequestUpgrade', alice), 3).on(by('AcceptUpgrade'), 4);
    expect(waiting().on({ type: 'HangUp', callId, userAlias: carol, deviceId: null }, 5).call?.callType).toBe('audio_video');
    const without = waiting().on({ type: 'HangUp', callId, userAlias: alice, deviceId: null }, 5).call;
    expect(without).toMatchObject({ callType: 'audio_upgradable' });
    expect(without).not.toHaveProperty('upgrade');
  });

  test('is refused by one, lapses without an answer, and can be asked for again', () => {
    const refused = audio().on(by('RequestUpgrade', alice), 3).on(by('RefuseUpgrade'), 4);
    expect(refused.call).not.toHaveProperty('upgrade');
    const lapse: Command = { type: 'LapseUpgrade', callId };
    const lapsed = audio().on(by('RequestUpgrade', alice), 3).on(lapse, 32);
    expect(lapsed.call).toHaveProperty('upgrade');
    expect(lapsed.on(lapse, 33).types.at(-1)).toBe('call.upgrade_refused');
    expect(lapsed.on(by('RequestUpgrade', alice), 40).call).toHaveProperty('upgrade');
  });

  test('is asked for five times by one user at most, and is answered no more often', () => {
    const story = audio();
    for (let times = 0; times < callLimits.upgradeRequestsOfOneUser; times += 1) {
      story.on(by('RequestUpgrade', alice), 3).on(by('RefuseUpgrade'), 4);
    }
    expect(rejectionOf(by('RequestUpgrade', alice), story.call)).toBe('too_many_upgrade_requests');
    expect(story.on(by('RequestUpgrade'), 5).call).toHaveProperty('upgrade');
    expect(story.on(by('RequestUpgrade', alice), 6).call?.callType).toBe('audio_video');
  });

  test('is consented to by asking for it as well', () => {
    expect(audio().on(by('RequestUpgrade', alice), 3).on(by('RequestUpgrade'), 3).call?.callType).toBe('audio_video');
  });

  test('is not for every call, nor for everyone', () => {
    expect(rejectionOf(by('RequestUpgrade'), talking().call)).toBe('not_upgradable');
    expect(rejectionOf(by('AcceptUpgrade'), audio().call)).toBe('no_upgrade_requested');
    expect(rejectionOf(by('RequestUpgrade', dave), audio().call)).toBe('not_a_participant');
    expect(rejectionOf(by('RequestUpgrade', carol), audio().call)).toBe('forbidden');
  });
});

describe('deadlines', () => {
  test('a device that never joins its media is taken out, after its time', () => {
    const fail: Command = { type: 'FailMedia', callId, userAlias: bob };
    const story = new Story().dial({ mediaSetupSeconds: 30 }).answer(bob, 10).on(fail, 39);
    expect(story.call?.status).toBe('connected');
    expect(story.on(fail, 40).ended).toMatchObject({ reason: 'media_failed', mediaFailure: 'not_joined' });
  });

  test('a device of which nothing ever came through is taken out, with why; it alone, in the part that it is in now', () => {
    const failed = { deviceId: deviceOf(bob), at: at(25).getTime(), why: 'ice_failed' } as const;
    const fail: Command = { type: 'FailMedia', callId, userAlias: bob, failed };
    const talks = (mediaSetupSeconds = 60) => new Story().dial({ mediaSetupSeconds }).answer(bob, 4);
    const { ended } = talks().on(fail, 25);
    expect(ended).toMatchObject({ reason: 'media_failed', mediaFailure: 'ice_failed' });
    expect(participantOf(ended, bob)).toMatchObject({ reason: 'media_failed', mediaFailure: 'ice_failed' });
    expect(participantOf(ended, alice)).not.toHaveProperty('mediaFailure');
    for (const other of [
      { ...failed, deviceId: deviceOf(alice) },
      { ...failed, at: at(3).getTime() },
    ])
      expect(talks().on({ ...fail, failed: other }, 25).call?.status).toBe('connected');
    expect(talks(0).on(fail, 25).call?.status, 'an app that carries media itself').toBe('connected');
  });
});
