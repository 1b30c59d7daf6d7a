/*
 * The rules of a call, without a clock, a database or a network.
 */
import { type CallId, type CallState, callLimits, type DeviceId, participantOf } from '@communication-center/contracts';
import { describe, expect, test } from 'vitest';
import type { Command } from './commands.js';
import { findGlare } from './consequences.js';
import { decide } from './decide.js';
import { reachedOnlyBusyCallees } from './dial-outcome.js';
import { alice, at, bob, callId, carol, deviceOf, dialOf, linesOf, rejectionOf, Story } from './story.fixture.js';

describe('dialing', () => {
  test('rings the callee until the ring time is over', () => {
    const { call } = new Story().dial({ ringSeconds: 30 });
    expect(call).toMatchObject({ status: 'ringing', sequence: 1, manyToMany: false });
    expect(participantOf(call as CallState, bob)).toMatchObject({ state: 'ringing', confirmed: false, until: at(30).toISOString() });
    expect(participantOf(call as CallState, alice)).toMatchObject({ state: 'connected', deviceId: 'alice-phone' });
  });

  test.each([
    ['in a call', { activeCall: callId }],
    ['being rung', { rungBy: [callId] }],
  ])('a callee who is %s is busy, told to the caller and put on record as missed', (_why, line) => {
    const story = new Story().dial({}, linesOf({ bob: line }));
    expect(story.types).toEqual(['call.dialed', 'call.busy', 'call.missed', 'call.ended']);
    expect(story.ended.reason).toBe('busy');
    expect(reachedOnlyBusyCallees(story.ended, [bob])).toBe(true);
  });

  test('a callee who is not to be disturbed is not rung, and the caller learns why', () => {
    const story = new Story().dial({}, linesOf({ bob: { doNotDisturb: true } }));
    expect(story.types).toEqual(['call.dialed', 'call.declined', 'call.missed', 'call.ended']);
    expect(story.ended.reason).toBe('do_not_disturb');
    expect(reachedOnlyBusyCallees(story.ended, [bob])).toBe(false);
  });

  test('a busy callee does not keep the others from ringing', () => {
    const { call } = new Story().dial({ callees: [bob, carol] }, linesOf({ bob: { activeCall: callId } }));
    expect(call).toMatchObject({ status: 'ringing', manyToMany: true });
    expect(participantOf(call as CallState, bob)).toMatchObject({ state: 'gone', reason: 'busy' });
    expect(participantOf(call as CallState, carol)).toMatchObject({ state: 'ringing' });
  });

  test('is refused to an initiator in a call, to oneself, and to too many', () => {
    expect(rejectionOf(dialOf(), undefined, linesOf({ alice: { activeCall: callId } }))).toBe('initiator_busy');
    expect(rejectionOf(dialOf({ callees: [alice] }), undefined)).toBe('invalid_request');
    expect(rejectionOf(dialOf({ callees: [bob, carol], maxParticipants: 2 }), undefined)).toBe('too_many_participants');
  });

  test("by a server rings the initiator's devices too, and connects when both have answered", () => {
    const story = new Story().dial({ initiatorDevice: null });
    expect(story.call?.participants.map(({ state }) => state)).toEqual(['ringing', 'ringing']);
    story.answer(bob, 1);
    expect(story.call?.status).toBe('ringing');
    story.answer(alice, 2);
    expect(story.call).toMatchObject({ status: 'connected', answeredAt: at(2).toISOString() });
  });

  test('finds the glare: the callee is dialing the initiator at this moment', () => {
    const { call } = new Story().dial();
    expect(findGlare(bob, [alice], [call as CallState])?.callId).toBe(callId);
    expect(findGlare(bob, [carol], [call as CallState])).toBeUndefined();
    expect(findGlare(bob, [alice, carol], [call as CallState])).toBeUndefined();
  });
});

describe('a ring', () => {
  test('counts as ringing once a device confirmed it, and only once', () => {
    const confirm: Command = { type: 'ConfirmRinging', callId, userAlias: bob, deviceId: deviceOf('bob') };
    expect(new Story().dial().on(confirm, 1).on(confirm, 2).types).toEqual(['call.dialed', 'call.ringing']);
  });

  test('is answered by the first device; the same device may repeat itself, another is too late', () => {
    const { call } = new Story().dial().answer(bob, 5);
    expect(call).toMatchObject({ status: 'connected', answeredAt: at(5).toISOString() });
    expect(decide({ type: 'AnswerCall', callId, userAlias: bob, deviceId: deviceOf('bob') }, call, linesOf(), at(6)).facts).toEqual([]);
    expect(rejectionOf({ type: 'AnswerCall', callId, userAlias: bob, deviceId: 'tablet' as DeviceId }, call)).toBe('already_answered');
  });

  test('cannot be answered by a stranger, nor by somebody in another call', () => {
    const { call } = new Story().dial();
    expect(rejectionOf({ type: 'AnswerCall', callId, userAlias: carol, deviceId: deviceOf('carol') }, call)).toBe('not_a_participant');
    const busy = linesOf({ bob: { activeCall: '01890000-0000-7000-8000-000000000002' as CallId } });
    expect(rejectionOf({ type: 'AnswerCall', callId, userAlias: bob, deviceId: deviceOf('bob') }, call, busy)).toBe('already_in_call');
  });

  test('that is declined ends the call for that reason, with who and where', () => {
    const story = new Story().dial().on({ type: 'DeclineCall', callId, userAlias: bob, deviceId: deviceOf('bob'), reason: 'busy' }, 3);
    expect(story.types).toEqual(['call.dialed', 'call.declined', 'call.ended']);
    expect(story.ended).toMatchObject({ reason: 'declined', answeredAt: null, talkSeconds: 0 });
  });

  test('that is ignored on one device goes on', () => {
    const story = new Story().dial().on({ type: 'IgnoreCall', callId, userAlias: bob, deviceId: deviceOf('bob') }, 3);
    expect(participantOf(story.call as CallState, bob)?.state).toBe('ringing');
  });

  test('is ignored once on each device, on some dozens at most, and anew when it rings again', () => {
    const ignore = (device: string): Command => ({ type: 'IgnoreCall', callId, userAlias: bob, deviceId: deviceOf(device) });
    const story = new Story().dial({ callees: [bob, carol] });
    for (const device of ['desk', 'desk', 'hall', 'desk']) story.on(ignore(device), 3);
    expect(story.types.filter((type) => type === 'call.ignored')).toHaveLength(2);
    for (let device = 0; device < 100; device += 1) story.on(ignore(`made-up-${device}`), 4);
    expect(story.types.filter((type) => type === 'call.ignored')).toHaveLength(callLimits.devicesThatIgnore);
    story.on({ type: 'DeclineCall', callId, userAlias: bob, deviceId: null, reason: 'none' }, 5).answer(carol, 6);
    story.on({ type: 'InviteToCall', callId, by: alice, callees: [bob], again: true, callWaiting: false }, 7).on(ignore('desk'), 8);
    expect(story.types.at(-1)).toBe('call.ignored');
  });

  test('ends without an answer when its time is over, never before', () => {
    const timeOut: Command = { type: 'TimeOutRinging', callId, userAlias: bob };
    const story = new Story().dial({ ringSeconds: 30 }).on(timeOut, 29);
    expect(story.types).toEqual(['call.dialed']);
    expect(story.on(timeOut, 30).types).toEqual(['call.dialed', 'call.missed', 'call.ended']);
    expect(story.ended.reason).toBe('no_answer');
  });

  test('of a second callee goes on when the first one declines', () => {
    const story = new Story()
      .dial({ callees: [bob, carol] })
      .on({ type: 'DeclineCall', callId, userAlias: bob, deviceId: null, reason: 'none' }, 1);
    expect(story.call?.status).toBe('ringing');
    expect(story.answer(carol, 2).call?.status).toBe('connected');
  });

  test('is cancelled by the initiator, on every callee', () => {
    const story = new Story()
      .dial({ callees: [bob, carol] })
      .on({ type: 'HangUp', callId, userAlias: alice, deviceId: deviceOf('alice') }, 4);
    expect(story.types).toEqual(['call.dialed', 'call.hung_up', 'call.missed', 'call.missed', 'call.ended']);
    expect(story.ended.reason).toBe('cancelled');
  });
});

describe('a connected call', () => {
  test('of two ends with the first hang-up, and knows how long they talked', () => {
    const story = new Story()
      .dial()
      .answer(bob, 10)
      .on({ type: 'HangUp', callId, userAlias: bob, deviceId: deviceOf('bob') }, 75);
    expect(story.ended).toMatchObject({ reason: 'hung_up', talkSeconds: 65 });
  });

  test('of many goes on while two are left, and ends with the last but one', () => {
    const story = new Story()
      .dial({ callees: [bob, carol] })
      .answer(bob, 1)
      .answer(carol, 2);
    story.on({ type: 'HangUp', callId, userAlias: alice, deviceId: deviceOf('alice') }, 3);
    expect(story.call?.status).toBe('connected');
    story.on({ type: 'HangUp', callId, userAlias: carol, deviceId: deviceOf('carol') }, 4);
    expect(story.ended.reason).toBe('hung_up');
  });

  test('loses a participant whose device is gone, and nobody else by it', () => {
    const { call } = new Story().dial().answer(bob, 1);
    const lost = (device: string): Command => ({ type: 'LoseConnection', callId, userAlias: bob, deviceId: device as DeviceId });
    expect(decide(lost('tablet'), call, linesOf(), at(9)).facts).toEqual([]);
    const story = new Story().dial().answer(bob, 1).on(lost('bob-phone'), 9);
    expect(story.types.slice(-2)).toEqual(['call.left', 'call.ended']);
    expect(story.ended.reason).toBe('connection_lost');
  });

  test('ends at the longest time, never before', () => {
    const reach: Command = { type: 'ReachMaxDuration', callId };
    const story = new Story().dial({ maxDurationSeconds: 60 }).answer(bob, 10).on(reach, 69);
    expect(story.call?.status).toBe('connected');
    expect(story.on(reach, 70).ended).toMatchObject({ reason: 'max_duration', talkSeconds: 60 });
  });
});
