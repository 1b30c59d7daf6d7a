import { type CallState, callLimits, type DeviceId, participantOf, type UserAlias } from '@communication-center/contracts';
import type { Command, Lines } from './commands.js';
import { type Decision, nothing, reject, stated } from './decision.js';
import { Draft } from './draft.js';
import { recordFromAnswer } from './recording.js';
import { settle, stopRinging } from './settling.js';

type Of<T extends Command['type']> = Command & { type: T };

export function confirmRinging({ userAlias, deviceId }: Of<'ConfirmRinging'>, call: CallState, now: Date): Decision {
  const participant = participantOf(call, userAlias);
  if (!participant) return reject('not_a_participant');
  if (participant.state !== 'ringing' || participant.confirmed) return nothing;
  return stated(new Draft(call.callId, call, now).state({ type: 'call.ringing', data: { userAlias, deviceId } }));
}

export function answer({ userAlias, deviceId }: Of<'AnswerCall'>, call: CallState, lines: Lines, now: Date): Decision {
  const participant = participantOf(call, userAlias);
  if (!participant) return reject('not_a_participant');
  if (participant.state === 'connected') return participant.deviceId === deviceId ? nothing : reject('already_answered');
  if (participant.state === 'gone') return reject('already_ended');
  if (lines.get(userAlias)?.activeCall) return reject('already_in_call');
  return stated(recordFromAnswer(new Draft(call.callId, call, now).state({ type: 'call.answered', data: { userAlias, deviceId } })));
}

/**
 * Comes (back) into a call that goes on: after a decline, a miss, a hang-up or a lost connection, but not after a kick. Who is in it on
 * another device moves it to this one. While the call is locked, only who was in it since then.
 */
export function join({ userAlias, deviceId }: Of<'JoinCall'>, call: CallState, lines: Lines, now: Date): Decision {
  const participant = participantOf(call, userAlias);
  if (!participant) return reject('not_a_participant');
  if (call.status === 'ended') return reject('already_ended');
  if (participant.state === 'connected' && participant.deviceId !== deviceId) return joined(call, userAlias, deviceId, now);
  if (participant.state !== 'gone') return answer({ type: 'AnswerCall', callId: call.callId, userAlias, deviceId }, call, lines, now);
  if (participant.reason === 'kicked') return reject('forbidden', 'Whoever was kicked comes back only when rung again');
  if (call.lock && !call.lock.members.includes(userAlias)) return reject('call_locked');
  if (lines.get(userAlias)?.activeCall) return reject('already_in_call');
  if (call.participants.filter(({ state }) => state !== 'gone').length >= call.maxParticipants) {
    return reject('too_many_participants', `This call may have ${call.maxParticipants} participants`);
  }
  return joined(call, userAlias, deviceId, now);
}

function joined(call: CallState, userAlias: UserAlias, deviceId: DeviceId, now: Date): Decision {
  return stated(recordFromAnswer(new Draft(call.callId, call, now).state({ type: 'call.joined', data: { userAlias, deviceId } })));
}

export function decline({ userAlias, deviceId, reason }: Of<'DeclineCall'>, call: CallState, now: Date): Decision {
  const participant = participantOf(call, userAlias);
  if (!participant) return reject('not_a_participant');
  if (participant.state === 'connected') return reject('already_answered');
  if (participant.state === 'gone') return reject('already_ended');
  const draft = new Draft(call.callId, call, now).state({ type: 'call.declined', data: { userAlias, deviceId, reason } });
  return settle(draft, 'declined', { declineReason: reason });
}

/** Silences one device: once, however often it says so. */
export function ignore({ userAlias, deviceId }: Of<'IgnoreCall'>, call: CallState, now: Date): Decision {
  const participant = participantOf(call, userAlias);
  if (!participant) return reject('not_a_participant');
  if (participant.state !== 'ringing') return reject('already_ended');
  const { ignoredBy = [] } = participant;
  if (ignoredBy.includes(deviceId) || ignoredBy.length >= callLimits.devicesThatIgnore) return nothing;
  return stated(new Draft(call.callId, call, now).state({ type: 'call.ignored', data: { userAlias, deviceId } }));
}

export function timeOutRinging({ userAlias }: Of<'TimeOutRinging'>, call: CallState, now: Date): Decision {
  const participant = participantOf(call, userAlias);
  if (participant?.state !== 'ringing' || Date.parse(participant.until) > now.getTime()) return nothing;
  return settle(stopRinging(new Draft(call.callId, call, now), userAlias, 'no_answer'), 'no_answer');
}
