import {
  type CallFact,
  type CallState,
  type EndReason,
  type Participant,
  participantOf,
  type UserAlias,
} from '@communication-center/contracts';
import type { Command, DialCall, Lines, Rejection } from './commands.js';
import { Draft } from './draft.js';

export type Decision = { facts: CallFact[]; rejected?: never } | { rejected: Rejection; detail?: string; facts?: never };

const nothing: Decision = { facts: [] };
const reject = (rejected: Rejection, detail?: string): Decision => ({ rejected, ...(detail && { detail }) });

/**
 * Decides what a command makes happen to a call. Pure: the same arguments give the same facts.
 * @param call what the call's events fold to; undefined before it was dialed.
 * @param lines of everyone the command concerns.
 * @returns the facts in order (none when a late timer or a repeat finds nothing to do), or why not.
 */
export function decide(command: Command, call: CallState | undefined, lines: Lines, now: Date): Decision {
  if (command.type === 'DialCall') return call ? nothing : dial(command, lines, now);
  if (!call) return reject('call_not_found');
  switch (command.type) {
    case 'ConfirmRinging':
      return confirmRinging(command, call, now);
    case 'AnswerCall':
      return answer(command, call, lines, now);
    case 'DeclineCall':
      return decline(command, call, now);
    case 'IgnoreCall':
      return ignore(command, call, now);
    case 'HangUp':
      return hangUp(command, call, now);
    case 'TimeOutRinging':
      return timeOutRinging(command, call, now);
    case 'LoseConnection':
      return loseConnection(command, call, now);
    case 'ReachMaxDuration':
      return reachMaxDuration(call, now);
    default:
      return command satisfies never;
  }
}

function dial(command: DialCall, lines: Lines, now: Date): Decision {
  const { type: _, callId, ...terms } = command;
  if (terms.callees.includes(terms.initiator)) return reject('invalid_request', 'callees: leave the initiator out');
  if (terms.callees.length + 1 > terms.maxParticipants) {
    return reject('too_many_participants', `This call may have ${terms.maxParticipants} participants`);
  }
  if (lines.get(terms.initiator)?.activeCall) return reject('initiator_busy');
  const draft = new Draft(callId, undefined, now).state({ type: 'call.dialed', data: terms });
  for (const callee of terms.callees) refuseIfUnavailable(draft, callee, lines);
  return settle(draft, 'busy');
}

function refuseIfUnavailable(draft: Draft, userAlias: UserAlias, lines: Lines): void {
  const line = lines.get(userAlias);
  if (line?.doNotDisturb) {
    draft.state({ type: 'call.declined', data: { userAlias, deviceId: null, reason: 'do_not_disturb' } });
    miss(draft, userAlias, 'do_not_disturb');
  } else if (line?.activeCall || line?.rungBy.length) {
    draft.state({ type: 'call.busy', data: { userAlias } });
    miss(draft, userAlias, 'busy');
  }
}

function confirmRinging({ userAlias, deviceId }: Command & { type: 'ConfirmRinging' }, call: CallState, now: Date): Decision {
  const participant = participantOf(call, userAlias);
  if (!participant) return reject('not_a_participant');
  if (participant.state !== 'ringing' || participant.confirmed) return nothing;
  return { facts: new Draft(call.callId, call, now).state({ type: 'call.ringing', data: { userAlias, deviceId } }).facts };
}

function answer({ userAlias, deviceId }: Command & { type: 'AnswerCall' }, call: CallState, lines: Lines, now: Date): Decision {
  const participant = participantOf(call, userAlias);
  if (!participant) return reject('not_a_participant');
  if (participant.state === 'connected') return participant.deviceId === deviceId ? nothing : reject('already_answered');
  if (participant.state === 'gone') return reject('already_ended');
  if (lines.get(userAlias)?.activeCall) return reject('already_in_call');
  return { facts: new Draft(call.callId, call, now).state({ type: 'call.answered', data: { userAlias, deviceId } }).facts };
}

function decline({ userAlias, deviceId, reason }: Command & { type: 'DeclineCall' }, call: CallState, now: Date): Decision {
  const participant = participantOf(call, userAlias);
  if (!participant) return reject('not_a_participant');
  if (participant.state === 'connected') return reject('already_answered');
  if (participant.state === 'gone') return reject('already_ended');
  const draft = new Draft(call.callId, call, now).state({ type: 'call.declined', data: { userAlias, deviceId, reason } });
  return settle(draft, 'declined');
}

function ignore({ userAlias, deviceId }: Command & { type: 'IgnoreCall' }, call: CallState, now: Date): Decision {
  const participant = participantOf(call, userAlias);
  if (!participant) return reject('not_a_participant');
  if (participant.state !== 'ringing') return reject('already_ended');
  return { facts: new Draft(call.callId, call, now).state({ type: 'call.ignored', data: { userAlias, deviceId } }).facts };
}

function hangUp(command: Command & { type: 'HangUp' }, call: CallState, now: Date): Decision {
  const { userAlias, deviceId } = command;
  const participant = participantOf(call, userAlias);
  if (!participant) return reject('not_a_participant');
  if (participant.state === 'gone') return reject('already_ended');
  // Hanging up a phone that rings is declining it.
  if (participant.state === 'ringing') return decline({ ...command, type: 'DeclineCall', reason: 'none' }, call, now);
  const reason = cancels(call, participant) ? 'cancelled' : 'hung_up';
  const draft = new Draft(call.callId, call, now).state({ type: 'call.hung_up', data: { userAlias, deviceId, reason } });
  return settle(draft, reason);
}

function timeOutRinging({ userAlias }: Command & { type: 'TimeOutRinging' }, call: CallState, now: Date): Decision {
  const participant = participantOf(call, userAlias);
  if (participant?.state !== 'ringing' || Date.parse(participant.until) > now.getTime()) return nothing;
  const draft = new Draft(call.callId, call, now);
  return settle(stopRinging(draft, userAlias, 'no_answer'), 'no_answer');
}

function loseConnection({ userAlias, deviceId }: Command & { type: 'LoseConnection' }, call: CallState, now: Date): Decision {
  const participant = participantOf(call, userAlias);
  if (participant?.state !== 'connected' || participant.deviceId !== deviceId) return nothing;
  const draft = new Draft(call.callId, call, now).state({ type: 'call.left', data: { userAlias, deviceId, reason: 'connection_lost' } });
  return settle(draft, 'connection_lost');
}

function reachMaxDuration(call: CallState, now: Date): Decision {
  if (call.status !== 'connected') return nothing;
  if (Date.parse(call.answeredAt) + call.maxDurationSeconds * 1000 > now.getTime()) return nothing;
  return { facts: end(new Draft(call.callId, call, now), 'max_duration').facts };
}

/** Whether this person's leaving takes the call back before anyone answered it. */
function cancels(call: CallState, participant: Participant): boolean {
  return call.status === 'ringing' && participant.userAlias === call.initiator;
}

function miss(draft: Draft, userAlias: UserAlias, reason: EndReason): Draft {
  return draft.state({ type: 'call.missed', data: { userAlias, initiator: draft.call.initiator, reason } });
}

/** The initiator of a server's call has nothing to miss: his part just ends. */
function stopRinging(draft: Draft, userAlias: UserAlias, reason: EndReason): Draft {
  return userAlias === draft.call.initiator
    ? draft.state({ type: 'call.left', data: { userAlias, deviceId: null, reason } })
    : miss(draft, userAlias, reason);
}

/**
 * Ends the call when too few are left: it goes on while somebody is connected (or the initiator still rings) and
 * connected and ringing are at least two. The initiator's leaving before an answer cancels.
 */
function settle(draft: Draft, why: EndReason): Decision {
  const { call } = draft;
  if (call.status === 'ended') return { facts: draft.facts };
  const initiator = participantOf(call, call.initiator);
  const connected = call.participants.filter(({ state }) => state === 'connected').length;
  const ringing = call.participants.filter(({ state }) => state === 'ringing').length;
  const led = connected > 0 && !(call.status === 'ringing' && initiator?.state === 'gone');
  const goesOn = (led || initiator?.state === 'ringing') && connected + ringing >= 2;
  return { facts: goesOn ? draft.facts : end(draft, endReason(call, why)).facts };
}

/** A dial that rang nobody ends for what its callees have in common; busy, where they differ. */
function endReason(call: CallState, why: EndReason): EndReason {
  if (why !== 'busy') return why;
  const reasons = new Set(
    call.participants.flatMap((participant) =>
      participant.state === 'gone' && participant.userAlias !== call.initiator ? [participant.reason] : [],
    ),
  );
  return reasons.size === 1 && reasons.has('do_not_disturb') ? 'do_not_disturb' : 'busy';
}

/** Ends every ring that is left, then the call. */
function end(draft: Draft, reason: EndReason): Draft {
  for (const { state, userAlias } of draft.call.participants) {
    if (state === 'ringing') stopRinging(draft, userAlias, reason === 'max_duration' ? 'max_duration' : 'cancelled');
  }
  const { call } = draft;
  const last = draft.now.getTime();
  const talkSeconds = call.status === 'connected' ? Math.max(0, (last - Date.parse(call.answeredAt)) / 1000) : 0;
  return draft.state({ type: 'call.ended', data: { reason, talkSeconds } });
}
