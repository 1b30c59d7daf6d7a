/*
 * The rules of a call, without a clock, a database or a network.
 */
import {
  type CallEvent,
  type CallFact,
  type CallId,
  type CallState,
  type DeviceId,
  foldCallEvent,
  participantOf,
  type UserAlias,
} from '@communication-center/contracts';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Command, DialCall, Line } from './commands.js';
import { consequencesOf, findGlare } from './consequences.js';
import { decide } from './decide.js';
import { reachedOnlyBusyCallees } from './dial-outcome.js';

const callId = '01890000-0000-7000-8000-000000000001' as CallId;
const alice = 'alice' as UserAlias;
const bob = 'bob' as UserAlias;
const carol = 'carol' as UserAlias;
const deviceOf = (user: string) => `${user}-phone` as DeviceId;
const start = Date.parse('2026-01-01T00:00:00.000Z');
const at = (seconds: number) => new Date(start + seconds * 1000);

const free: Line = { activeCall: null, rungBy: [], doNotDisturb: false };
const linesOf = (lines: Record<string, Partial<Line>> = {}) =>
  new Map(Object.entries(lines).map(([user, line]) => [user as UserAlias, { ...free, ...line }]));

const dialOf = (more: Partial<DialCall> = {}): DialCall => ({
  type: 'DialCall',
  callId,
  initiator: alice,
  initiatorDevice: deviceOf('alice'),
  callees: [bob],
  callType: 'audio_video',
  ringSeconds: 60,
  maxDurationSeconds: 3600,
  maxParticipants: 8,
  ...more,
});

function fold(call: CallState | undefined, facts: readonly CallFact[], now: Date): CallState | undefined {
  let state = call;
  for (const fact of facts) {
    const sequence = (state?.sequence ?? 0) + 1;
    const attributes = {
      specversion: '1.0',
      id: String(sequence),
      source: '/calls',
      time: now.toISOString(),
      subject: callId,
      callid: callId,
      appid: 'demo',
      dataversion: 1,
    };
    state = foldCallEvent(state, { ...fact, ...attributes, sequence } as unknown as CallEvent);
  }
  return state;
}

/** A call that lives through commands; each must be accepted. */
class Story {
  call: CallState | undefined;
  readonly types: string[] = [];

  on(command: Command, seconds: number, lines = linesOf()): this {
    const { facts, rejected } = decide(command, this.call, lines, at(seconds));
    if (rejected) throw new Error(`rejected: ${rejected}`);
    this.call = fold(this.call, facts, at(seconds));
    this.types.push(...facts.map(({ type }) => type));
    return this;
  }

  dial(more: Partial<DialCall> = {}, lines = linesOf()): this {
    return this.on(dialOf(more), 0, lines);
  }

  answer(user: UserAlias, seconds: number): this {
    return this.on({ type: 'AnswerCall', callId, userAlias: user, deviceId: deviceOf(user) }, seconds);
  }

  get ended() {
    if (this.call?.status !== 'ended') throw new Error('the call has not ended');
    return this.call;
  }
}

const rejectionOf = (command: Command, call: CallState | undefined, lines = linesOf()) => decide(command, call, lines, at(1)).rejected;

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
    expect(reachedOnlyBusyCallees(story.ended)).toBe(true);
  });

  test('a callee who is not to be disturbed is not rung, and the caller learns why', () => {
    const story = new Story().dial({}, linesOf({ bob: { doNotDisturb: true } }));
    expect(story.types).toEqual(['call.dialed', 'call.declined', 'call.missed', 'call.ended']);
    expect(story.ended.reason).toBe('do_not_disturb');
    expect(reachedOnlyBusyCallees(story.ended)).toBe(false);
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

describe('whatever is asked of a call, in whatever order', () => {
  const users = [alice, bob, carol, 'dave' as UserAlias];
  const user = fc.constantFrom(...users);
  const device = fc.constantFrom('phone', 'tablet').map((name) => name as DeviceId);
  const command: fc.Arbitrary<Command> = fc.oneof(
    fc.record({ type: fc.constant('ConfirmRinging' as const), callId: fc.constant(callId), userAlias: user, deviceId: device }),
    fc.record({ type: fc.constant('AnswerCall' as const), callId: fc.constant(callId), userAlias: user, deviceId: device }),
    fc.record({
      type: fc.constant('DeclineCall' as const),
      callId: fc.constant(callId),
      userAlias: user,
      deviceId: device,
      reason: fc.constant('none' as const),
    }),
    fc.record({ type: fc.constant('IgnoreCall' as const), callId: fc.constant(callId), userAlias: user, deviceId: device }),
    fc.record({ type: fc.constant('HangUp' as const), callId: fc.constant(callId), userAlias: user, deviceId: device }),
    fc.record({ type: fc.constant('TimeOutRinging' as const), callId: fc.constant(callId), userAlias: user }),
    fc.record({ type: fc.constant('LoseConnection' as const), callId: fc.constant(callId), userAlias: user, deviceId: device }),
    fc.record({ type: fc.constant('ReachMaxDuration' as const), callId: fc.constant(callId) }),
  );
  const line = fc.record({ activeCall: fc.constantFrom(null, null, null, callId), rungBy: fc.constant([]), doNotDisturb: fc.boolean() });

  test('it ends exactly once, nothing follows the end, and its occupancies equal the fold', () => {
    const story = fc.record({
      callees: fc.uniqueArray(fc.constantFrom(bob, carol), { minLength: 1 }),
      byServer: fc.boolean(),
      lines: fc.record({ bob: line, carol: line }),
      steps: fc.array(fc.tuple(command, fc.integer({ min: 0, max: 40 })), { maxLength: 30 }),
    });
    fc.assert(
      fc.property(story, ({ callees, byServer, lines, steps }) => {
        let now = 0;
        let ends = 0;
        let call: CallState | undefined;
        let occupied = new Set<string>();
        let ringing = new Set<string>();
        const take = (asked: Command) => {
          const before = call;
          const { facts } = decide(asked, call, asked.type === 'DialCall' ? linesOf(lines) : linesOf(), at(now));
          if (!facts?.length) return;
          expect(before?.status).not.toBe('ended');
          call = fold(call, facts, at(now)) as CallState;
          ends += facts.filter(({ type }) => type === 'call.ended').length;
          const { claim, free: freed, startRinging, stopRinging } = consequencesOf(before, call);
          occupied = new Set([...occupied, ...claim].filter((name) => !freed.includes(name as UserAlias)));
          ringing = new Set([...ringing, ...startRinging].filter((name) => !stopRinging.includes(name as UserAlias)));
        };
        take(dialOf({ callees, ringSeconds: 20, maxDurationSeconds: 60, initiatorDevice: byServer ? null : ('phone' as DeviceId) }));
        for (const [asked, pause] of steps) {
          now += pause;
          take(asked);
        }
        const inState = (state: string) =>
          new Set(call?.participants.filter((one) => one.state === state).map(({ userAlias }) => userAlias as string));
        expect(occupied).toEqual(inState('connected'));
        expect(ringing).toEqual(inState('ringing'));
        // Left to its deadlines, every call ends and leaves nobody ringing or busy.
        now += 200;
        for (const name of users) take({ type: 'TimeOutRinging', callId, userAlias: name });
        take({ type: 'ReachMaxDuration', callId });
        expect(call?.status).toBe('ended');
        expect(ends).toBe(1);
        expect(occupied.size + ringing.size).toBe(0);
      }),
      { numRuns: 1000 },
    );
  });
});
