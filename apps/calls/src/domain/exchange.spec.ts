/*
 * Invariants of a whole exchange: whatever is asked of many calls by the same few users, in whatever order,
 *  - a user is in at most one call;
 *  - a call ends exactly once, and nothing follows its end;
 *  - lines and rings, kept by differences, equal what the log folds to;
 *  - every ring comes to an end, and left to its deadlines every call does;
 *  - commands that are decided together leave what they leave one after the other.
 */

import {
  type CallEvent,
  type CallId,
  type CallState,
  callEventSchema,
  type DeviceId,
  foldCallEvent,
  type Participant,
  type UserAlias,
} from '@communication-center/contracts';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Command, Line } from './commands.js';
import { consequencesOf } from './consequences.js';
import { type CallChange, InTurn } from './in-turn.js';

const users = ['alice', 'bob', 'carol', 'dave'] as UserAlias[];
const start = Date.parse('2026-01-01T00:00:00.000Z');
const isoAt = (seconds: number) => new Date(start + seconds * 1000).toISOString();

/** Whom a command mostly concerns. */
const aims: Partial<Record<Command['type'], Participant['state']>> = {
  ConfirmRinging: 'ringing',
  AnswerCall: 'ringing',
  DeclineCall: 'ringing',
  IgnoreCall: 'ringing',
  JoinCall: 'gone',
  HangUp: 'connected',
  Kick: 'connected',
  RequestUpgrade: 'connected',
  AcceptUpgrade: 'connected',
  RefuseUpgrade: 'connected',
  LoseConnection: 'connected',
};

/** The store in small: the log, and the tables beside it, kept by the same differences. */
class Exchange {
  now = 0;
  readonly log: CallEvent[] = [];
  readonly calls = new Map<CallId, CallState>();
  readonly active = new Map<UserAlias, CallId>();
  readonly rings = new Map<UserAlias, Set<CallId>>(users.map((user) => [user, new Set()]));
  readonly deadlines = new Map<string, { due: number; command: Command }>();
  readonly slots = new Map<CallId, CallId>();
  readonly undisturbed = new Set<UserAlias>();

  get lines(): Map<UserAlias, Line> {
    return new Map(
      users.map((user) => [
        user,
        {
          activeCall: this.active.get(user) ?? null,
          rungBy: [...(this.rings.get(user) ?? [])],
          doNotDisturb: this.undisturbed.has(user),
        },
      ]),
    );
  }

  /** Takes a command of a story, which names its call by a slot. @returns the command that was meant. */
  ask(command: Command, aim: number | null): Command {
    if (command.type === 'DialCall') this.slots.set(command.callId, `${command.callId}${this.calls.size}` as CallId);
    const meant = { ...command, callId: this.slots.get(command.callId) ?? command.callId };
    const aimed = aim === null ? meant : this.#aimed(meant, aim);
    this.takeTogether([aimed]);
    return aimed;
  }

  /** Picks somebody of whom the command may well be asked: by chance alone, stories would be mostly refusals. */
  #aimed(command: Command, aim: number): Command {
    const state = aims[command.type];
    const apt = this.calls.get(command.callId)?.participants.filter((one) => one.state === state) ?? [];
    const chosen = apt[aim % Math.max(1, apt.length)];
    return chosen ? ({ ...command, userAlias: chosen.userAlias } as Command) : command;
  }

  /** Decides commands in turn, and keeps what is different after the last of them, as the store does. */
  takeTogether(commands: readonly Command[]): void {
    const inTurn = new InTurn<undefined>(this.calls.values(), this.lines, new Date(start + this.now * 1000));
    for (const command of commands) inTurn.take(command, undefined);
    for (const change of inTurn.changes) this.#keep(change);
    for (const { userAlias, activeCall } of inTurn.movedLines) {
      if (activeCall) this.active.set(userAlias, activeCall);
      else this.active.delete(userAlias);
    }
  }

  #keep({ callId, before, after, facts }: CallChange<undefined>): void {
    let state = before;
    for (const { fact } of facts) {
      expect(state?.status, 'nothing follows the end of a call').not.toBe('ended');
      const sequence = (state?.sequence ?? 0) + 1;
      const event = { ...fact, callid: callId, sequence, time: isoAt(this.now) } as unknown as CallEvent;
      this.log.push(event);
      state = foldCallEvent(state, event);
    }
    expect(after).toEqual(state);
    this.calls.set(callId, after);
    const difference = consequencesOf(before, after);
    for (const user of difference.stopRinging) this.rings.get(user)?.delete(callId);
    for (const user of difference.startRinging) this.rings.get(user)?.add(callId);
    for (const { kind, userAlias } of difference.clearDeadlines) this.deadlines.delete(`${callId} ${kind} ${userAlias}`);
    for (const { kind, userAlias, dueAt } of difference.setDeadlines) {
      this.deadlines.set(`${callId} ${kind} ${userAlias}`, {
        due: (Date.parse(dueAt) - start) / 1000,
        command: commandOf(kind, callId, userAlias as UserAlias),
      });
    }
  }

  /** Lets time pass, firing what falls due on the way. */
  pass(seconds: number): void {
    const until = this.now + seconds;
    for (;;) {
      // Of one moment, in the order of their names: which was set first may differ where commands were decided together.
      const [next] = [...this.deadlines].sort(([name, one], [otherName, other]) => one.due - other.due || (name < otherName ? -1 : 1));
      if (!next || next[1].due > until) break;
      this.now = Math.max(this.now, next[1].due);
      this.takeTogether([next[1].command]);
      this.deadlines.delete(next[0]);
    }
    this.now = until;
  }
}

function commandOf(kind: string, callId: CallId, userAlias: UserAlias): Command {
  if (kind === 'ring') return { type: 'TimeOutRinging', callId, userAlias };
  if (kind === 'media') return { type: 'FailMedia', callId, userAlias };
  return kind === 'upgrade' ? { type: 'LapseUpgrade', callId } : { type: 'ReachMaxDuration', callId };
}

// Stories name calls by a few slots, so that most commands meet a call that goes on; a dial fills its slot anew.
const callId = fc.constantFrom('a', 'b', 'c').map((slot) => slot as CallId);
const user = fc.constantFrom(...users);
const deviceId = fc.constantFrom('phone', 'tablet').map((name) => name as DeviceId);
const userOnCall = { callId, userAlias: user };
const deviceOnCall = { ...userOnCall, deviceId };
const media = fc.constantFrom(['audio'], ['audio', 'video']);
const some = fc.uniqueArray(user, { minLength: 1, maxLength: 3 });
const of = <T extends Command['type'], R extends object>(type: T, rest: { [K in keyof R]: fc.Arbitrary<R[K]> }) =>
  fc.record({ type: fc.constant(type), ...rest }) as unknown as fc.Arbitrary<Command>;

const dial = of('DialCall', {
  callId,
  initiator: user,
  initiatorDevice: fc.option(deviceId, { freq: 5 }),
  callees: some,
  callType: fc.constantFrom('audio_only', 'audio_upgradable', 'audio_upgradable', 'audio_video'),
  ringSeconds: fc.constantFrom(5, 20),
  maxDurationSeconds: fc.constantFrom(30, 300),
  maxParticipants: fc.constantFrom(2, 3, 8),
  mediaSetupSeconds: fc.constantFrom(0, 15),
  callWaiting: fc.boolean(),
}).filter((asked) => asked.type === 'DialCall' && !asked.callees.includes(asked.initiator));

const command = fc.oneof(
  { weight: 4, arbitrary: dial },
  { weight: 6, arbitrary: of('AnswerCall', { ...deviceOnCall, hangUpOther: fc.boolean() }) },
  of('InviteToCall', { callId, by: fc.option(user), callees: some, again: fc.boolean(), callWaiting: fc.boolean() }),
  of('ConfirmRinging', deviceOnCall),
  of('DeclineCall', { ...deviceOnCall, reason: fc.constant('none') }),
  of('IgnoreCall', deviceOnCall),
  of('JoinCall', deviceOnCall),
  of('HangUp', deviceOnCall),
  of('Kick', { callId, by: fc.option(user), userAlias: user }),
  of('MuteParticipant', { callId, by: fc.option(user), userAlias: user, media }),
  { weight: 3, arbitrary: of('AllowParticipant', { callId, by: fc.option(user), userAlias: user, media }) },
  of('MuteAll', { callId, by: fc.option(user), media }),
  { weight: 2, arbitrary: of('LockCall', { callId, by: fc.option(user) }) },
  {
    weight: 3,
    arbitrary: of('StartRecording', { callId, by: fc.option(user, { freq: 1 }), recordingId: fc.uuid(), usersMayRecord: fc.boolean() }),
  },
  { weight: 2, arbitrary: of('PauseRecording', { callId, by: fc.option(user, { freq: 1 }) }) },
  { weight: 2, arbitrary: of('ResumeRecording', { callId, by: fc.option(user, { freq: 1 }) }) },
  { weight: 2, arbitrary: of('StopRecording', { callId, by: fc.option(user, { freq: 1 }) }) },
  {
    weight: 2,
    arbitrary: of('StartBroadcast', { callId, by: fc.option(user, { freq: 1 }), broadcastId: fc.uuid(), usersMayBroadcast: fc.boolean() }),
  },
  { weight: 2, arbitrary: of('StopBroadcast', { callId, by: fc.option(user, { freq: 1 }) }) },
  { weight: 5, arbitrary: of('UnlockCall', { callId, by: fc.option(user, { freq: 1 }) }) },
  of('RaiseHand', deviceOnCall),
  { weight: 3, arbitrary: of('LowerHand', { callId, by: fc.option(user), userAlias: user }) },
  of('EndCall', { callId }),
  { weight: 3, arbitrary: of('RequestUpgrade', deviceOnCall) },
  { weight: 3, arbitrary: of('AcceptUpgrade', deviceOnCall) },
  { weight: 3, arbitrary: of('RefuseUpgrade', deviceOnCall) },
  of('LapseUpgrade', { callId }),
  of('TimeOutRinging', userOnCall),
  of('LoseConnection', deviceOnCall),
  of('FailMedia', userOnCall),
  of('ReachMaxDuration', { callId }),
);

/** Half of the stories begin in the middle of a conversation of three, who may want video, or the word, whose recording is paused, and who are broadcast. */
function converse(exchange: Exchange): void {
  const callId = 'a' as CallId;
  const [alice, bob, carol] = users as [UserAlias, UserAlias, UserAlias];
  const deviceId = 'phone' as DeviceId;
  const limits = { ringSeconds: 20, maxDurationSeconds: 300, maxParticipants: 4, mediaSetupSeconds: 60, callWaiting: false };
  const terms = { ...limits, callType: 'audio_upgradable', initiator: alice, initiatorDevice: deviceId, callees: [bob, carol] } as const;
  exchange.ask({ type: 'DialCall', callId, ...terms, callees: [bob, carol] }, null);
  for (const userAlias of [bob, carol]) exchange.ask({ type: 'AnswerCall', callId, userAlias, deviceId }, null);
  exchange.ask({ type: 'RequestUpgrade', callId, userAlias: bob, deviceId }, null);
  exchange.ask({ type: 'MuteParticipant', callId, by: null, userAlias: bob, media: ['audio'] }, null);
  exchange.ask({ type: 'RaiseHand', callId, userAlias: carol, deviceId }, null);
  exchange.ask({ type: 'StartRecording', callId, by: null, recordingId: callId as never, usersMayRecord: false }, null);
  exchange.ask({ type: 'PauseRecording', callId, by: null }, null);
  exchange.ask({ type: 'StartBroadcast', callId, by: null, broadcastId: callId as never, usersMayBroadcast: false }, null);
}

const story = fc.record({
  conversing: fc.boolean(),
  undisturbed: fc.subarray(users, { maxLength: 1 }),
  steps: fc.array(fc.tuple(command, fc.option(fc.nat(9), { freq: 2 }), fc.constantFrom(0, 0, 0, 1, 6, 25)), {
    minLength: 10,
    maxLength: 60,
    size: 'max',
  }),
});

test('invariants of the exchange hold, whatever is asked of it', () => {
  const happened = new Set<string>();
  fc.assert(
    fc.property(story, ({ conversing, undisturbed, steps }) => {
      const exchange = new Exchange();
      if (conversing) converse(exchange);
      for (const one of undisturbed) exchange.undisturbed.add(one);
      for (const [asked, aim, seconds] of steps) {
        exchange.ask(asked, aim);
        expectTablesToEqualTheLog(exchange);
        exchange.pass(seconds);
      }
      exchange.pass(1000);
      expectTablesToEqualTheLog(exchange);
      expectEveryCallToBeOver(exchange);
      for (const { type } of exchange.log) happened.add(type);
    }),
    { numRuns: 1000 },
  );
  expect([...happened].sort(), 'the stories have everything in them').toEqual(
    callEventSchema.options.map(({ shape }) => shape.type.value).sort(),
  );
}, 60_000);

test('commands that are decided together leave the same calls, lines, rings and deadlines as one after the other', () => {
  let together = 0;
  fc.assert(
    fc.property(story, ({ conversing, undisturbed, steps }) => {
      const [one, group] = [new Exchange(), new Exchange()];
      for (const exchange of [one, group]) {
        if (conversing) converse(exchange);
        for (const user of undisturbed) exchange.undisturbed.add(user);
      }
      let waiting: Command[] = [];
      for (const [asked, aim, seconds] of [...steps, ...last]) {
        waiting.push(one.ask(asked, aim));
        if (seconds === 0) continue;
        group.takeTogether(waiting);
        together = Math.max(together, waiting.length);
        waiting = [];
        expect(tablesOf(group)).toEqual(tablesOf(one));
        for (const exchange of [one, group]) exchange.pass(seconds);
      }
    }),
    { numRuns: 300 },
  );
  expect(together, 'many were decided together').toBeGreaterThan(5);
}, 60_000);

/** Ends a story, so that nothing of it waits. */
const last: [Command, null, number][] = [[{ type: 'EndCall', callId: 'nobody' as CallId }, null, 1]];

function tablesOf({ calls, active, rings, deadlines }: Exchange) {
  return { calls, active, rings, deadlines };
}

function expectTablesToEqualTheLog({ log, active, rings }: Exchange): void {
  const states = [...Map.groupBy(log, (event) => event.callid).values()].map(
    (events) => events.reduce<CallState | undefined>(foldCallEvent, undefined) as CallState,
  );
  const inState = (state: string) =>
    states.flatMap((call) => call.participants.filter((one) => one.state === state).map((one) => `${one.userAlias} ${call.callId}`));
  expect([...active].map(([name, id]) => `${name} ${id}`).sort()).toEqual(inState('connected').sort());
  expect([...rings].flatMap(([name, ids]) => [...ids].map((id) => `${name} ${id}`)).sort()).toEqual(inState('ringing').sort());
}

function expectEveryCallToBeOver({ calls, log, deadlines }: Exchange): void {
  for (const call of calls.values()) {
    expect(call.status).toBe('ended');
    expect(call.participants.every(({ state }) => state === 'gone')).toBe(true);
    const ends = log.filter((event) => event.callid === call.callId && event.type === 'call.ended');
    expect(ends).toHaveLength(1);
  }
  expect([...deadlines.keys()]).toEqual([]);
}
