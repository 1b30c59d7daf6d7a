import {
  type CallEvent,
  type CallFact,
  type CallId,
  type CallState,
  type DeviceId,
  foldCallEvent,
  type UserAlias,
} from '@communication-center/contracts';
import type { Command, DialCall, Line } from './commands.js';
import { decide } from './decide.js';

export const callId = '01890000-0000-7000-8000-000000000001' as CallId;
export const otherCallId = '01890000-0000-7000-8000-000000000002' as CallId;
export const alice = 'alice' as UserAlias;
export const bob = 'bob' as UserAlias;
export const carol = 'carol' as UserAlias;
export const dave = 'dave' as UserAlias;
export const deviceOf = (user: string) => `${user}-phone` as DeviceId;
const start = Date.parse('2026-01-01T00:00:00.000Z');
export const at = (seconds: number) => new Date(start + seconds * 1000);

const free: Line = { activeCall: null, rungBy: [], doNotDisturb: false };
export const linesOf = (lines: Record<string, Partial<Line>> = {}) =>
  new Map(Object.entries(lines).map(([user, line]) => [user as UserAlias, { ...free, ...line }]));

export const dialOf = (more: Partial<DialCall> = {}): DialCall => ({
  type: 'DialCall',
  callId,
  initiator: alice,
  initiatorDevice: deviceOf('alice'),
  callees: [bob],
  callType: 'audio_video',
  ringSeconds: 60,
  maxDurationSeconds: 3600,
  maxParticipants: 8,
  mediaSetupSeconds: 0,
  callWaiting: false,
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
export class Story {
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

export const rejectionOf = (command: Command, call: CallState | undefined, lines = linesOf()) =>
  decide(command, call, lines, at(1)).rejected;
