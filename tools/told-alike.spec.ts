/*
 * How a call went is told alike by everybody who tells it. Whatever happens in a call, for each person and device:
 *  - the gateway's `ringEnded` is what the SDK says about the end, on the very event that ended the ring;
 *  - a client that meets the ended call in a snapshot reads what one that heard every event read;
 *  - the history has the reason, and what was given as reason, of the call's state;
 *  - the history's outcome, as a device sees it, is of the same word;
 *  - what a webhook is told (the event itself) is what the state has.
 */
import {
  type CallEvent,
  type CallId,
  type CallRecord,
  type CallState,
  type DeviceId,
  declineReasonSchema,
  foldCallEvent,
  type UserAlias,
} from '@communication-center/contracts';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Command } from '../apps/calls/src/domain/commands.js';
import { decide } from '../apps/calls/src/domain/decide.js';
import { provisional } from '../apps/calls/src/domain/draft.js';
import { asSeenBy, foldRecord } from '../apps/calls/src/domain/parts.js';
import { CallSequences } from '../apps/gateway/src/domain/call-sequences.js';
import { Call } from '../libs/client/src/call.js';
import type { CallOffice } from '../libs/client/src/call-office.js';

const users = ['alice', 'bob', 'carol'] as UserAlias[];
const devices = ['phone', 'tablet'] as DeviceId[];
const callId = '01890000-0000-7000-8000-000000000001' as CallId;
const start = Date.parse('2026-01-01T00:00:00.000Z');

const user = fc.constantFrom(...users);
const onCall = { callId: fc.constant(callId), userAlias: user };
const onDevice = { ...onCall, deviceId: fc.constantFrom(...devices) };
const ofServerToo = { ...onCall, deviceId: fc.option(fc.constantFrom(...devices), { freq: 2 }) };
const of = (type: Command['type'], rest: Record<string, fc.Arbitrary<unknown>>) =>
  fc.record({ type: fc.constant(type), ...rest }) as unknown as fc.Arbitrary<Command>;

const dial = fc
  .record({
    initiatorDevice: fc.option(fc.constant(devices[0] ?? null), { freq: 4 }),
    callees: fc.subarray(users.slice(1), { minLength: 1 }),
  })
  .map(({ initiatorDevice, callees }): Command => {
    const limits = { ringSeconds: 20, maxDurationSeconds: 300, maxParticipants: 8, mediaSetupSeconds: 0, callWaiting: false };
    return { type: 'DialCall', callId, initiator: users[0] as UserAlias, initiatorDevice, callees, callType: 'audio_video', ...limits };
  });
const command = fc.oneof(
  { weight: 3, arbitrary: of('AnswerCall', onDevice) },
  { weight: 3, arbitrary: of('DeclineCall', { ...ofServerToo, reason: fc.constantFrom(...declineReasonSchema.options) }) },
  of('JoinCall', onDevice),
  of('HangUp', ofServerToo),
  of('Kick', { ...onCall, by: fc.constant(null) }),
  of('EndCall', { callId: fc.constant(callId) }),
  of('TimeOutRinging', onCall),
  of('LoseConnection', onDevice),
  of('InviteToCall', {
    callId: fc.constant(callId),
    by: fc.constant(null),
    callees: fc.subarray(users.slice(1), { minLength: 1 }),
    again: fc.boolean(),
    callWaiting: fc.constant(false),
  }),
);
const story = fc.record({
  dial,
  unreachable: fc.option(fc.record({ userAlias: user, how: fc.constantFrom('busy', 'do_not_disturb') }), { freq: 2 }),
  steps: fc.array(fc.tuple(command, fc.constantFrom(1, 1, 30)), { minLength: 2, maxLength: 14 }),
});

type Story = typeof story extends fc.Arbitrary<infer S> ? S : never;

/** @returns the events of a call to which all this was asked in turn; what was refused left nothing. */
function eventsOf({ dial, unreachable, steps }: Story): CallEvent[] {
  const events: CallEvent[] = [];
  let call: CallState | undefined;
  let now = start;
  const line = (userAlias: UserAlias) => ({
    activeCall: unreachable?.userAlias === userAlias && unreachable.how === 'busy' ? ('another' as CallId) : null,
    rungBy: [],
    doNotDisturb: unreachable?.userAlias === userAlias && unreachable.how === 'do_not_disturb',
  });
  const lines = new Map(users.slice(1).map((userAlias) => [userAlias, line(userAlias)]));
  for (const [asked, seconds] of [[dial, 0] as const, ...steps]) {
    now += seconds * 1000;
    for (const fact of decide(asked, call, lines, new Date(now)).facts ?? []) {
      const event = provisional(fact, callId, (call?.sequence ?? 0) + 1, new Date(now));
      call = foldCallEvent(call, event);
      events.push(event);
    }
  }
  return events;
}

/** One device: what its gateway and its SDK say. */
class Device {
  readonly #sequences: CallSequences;
  sdk: Call | undefined;

  constructor(
    readonly userAlias: UserAlias,
    readonly deviceId: DeviceId,
  ) {
    this.#sequences = new CallSequences(this, [], new Date(start).toISOString());
  }

  callOf(state: CallState): Call {
    return new Call({ userAlias: this.userAlias, deviceId: this.deviceId, usesMedia: false } as unknown as CallOffice, state);
  }

  hear(event: CallEvent, state: CallState): void {
    const rang = this.sdk?.phase === 'ringing';
    if (this.sdk) this.sdk.update(state);
    else this.sdk = this.callOf(state);
    const { ringEnded } = this.#sequences.take(event) ?? {};
    const actedItself = 'deviceId' in event.data && event.data.deviceId === this.deviceId && event.data.userAlias === this.userAlias;
    if (ringEnded) expect([rang, this.sdk.end], event.type).toEqual([true, ringEnded]);
    else
      expect(rang && this.sdk.phase !== 'ringing' && !actedItself, `${event.type} ended a ring, and the gateway said nothing`).toBe(false);
  }
}

function expectOneWord(events: readonly CallEvent[], seen: Set<string>): void {
  const told = users.flatMap((userAlias) => devices.map((deviceId) => new Device(userAlias, deviceId)));
  let call: CallState | undefined;
  let record: CallRecord | undefined;
  const cameBack = new Set<string>();
  for (const event of events) {
    const before = call;
    call = foldCallEvent(call, event);
    record = foldRecord(record, event);
    expectHistoryToTell(call, record);
    expectEventToTell(event, before, call);
    for (const device of told) device.hear(event, call);
    for (const { userAlias, state } of call.participants) {
      if (state !== 'gone' && partOf(before, userAlias)?.state === 'gone') cameBack.add(userAlias);
    }
  }
  if (call?.status !== 'ended' || !record) return;
  // Who is rung again, or comes back, has several ends; a snapshot has the last one.
  for (const device of told) if (!cameBack.has(device.userAlias)) expectSnapshotToTell(device, call, record, seen);
}

const partOf = (call: CallState | undefined, userAlias: string) => call?.participants.find((one) => one.userAlias === userAlias);

function expectHistoryToTell(call: CallState, record: CallRecord): void {
  for (const part of record.parts) {
    const gone = partOf(call, part.userAlias);
    const { reason = null, declineReason } = gone?.state === 'gone' ? gone : {};
    expect([part.reason, part.declineReason]).toEqual([reason, declineReason]);
    if (part.role === 'callee' && part.outcome !== 'answered') expect(part.outcome === 'declined').toBe(reason === 'declined');
  }
}

function expectEventToTell(event: CallEvent, before: CallState | undefined, call: CallState): void {
  if (event.type === 'call.declined' && partOf(before, event.data.userAlias)?.state === 'ringing') {
    expect(partOf(call, event.data.userAlias)).toMatchObject({ reason: 'declined', declineReason: event.data.reason });
  }
  if (event.type === 'call.ended' && call.status === 'ended') {
    const { reason, declineReason } = event.data;
    expect({ reason: call.reason, declineReason: call.declineReason }).toEqual({ reason, declineReason });
    expect(declineReason !== undefined, 'a call that a decline ended says which').toBe(reason === 'declined');
  }
}

function expectSnapshotToTell(device: Device, call: CallState, record: CallRecord, seen: Set<string>): void {
  const { sdk, userAlias, deviceId } = device;
  expect(device.callOf(call).end).toEqual(sdk?.end);
  const part = asSeenBy(record, userAlias, deviceId).parts.find((one) => one.userAlias === userAlias);
  if (part?.role !== 'callee') return;
  const reason = sdk?.end?.reason ?? '';
  if (part.outcome !== 'answered') seen.add(`${part.outcome} ${reason} ${part.declineReason ?? ''}`);
  expect(part.outcome === reason || !['answered_elsewhere', 'declined_elsewhere', 'declined', 'busy'].includes(part.outcome ?? '')).toBe(
    true,
  );
  expect(['answered_elsewhere', 'declined_elsewhere'].includes(reason) && part.outcome !== reason).toBe(false);
}

test('state, history, gateway, SDK and events tell of each call by the same words', () => {
  const seen = new Set<string>();
  fc.assert(
    fc.property(story, (told) => expectOneWord(eventsOf(told), seen)),
    { numRuns: 2000 },
  );
  expect([...seen], 'the stories have every way in them').toEqual(
    expect.arrayContaining([
      'answered_elsewhere answered_elsewhere ',
      'declined declined do_not_disturb',
      'declined_elsewhere declined_elsewhere busy',
      'missed do_not_disturb ',
      'missed no_answer ',
      'missed cancelled ',
      'missed kicked ',
      'missed ended_by_server ',
      'busy busy ',
    ]),
  );
}, 60_000);
