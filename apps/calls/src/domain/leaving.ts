import { type CallState, type EndReason, type MediaFailure, type Participant, participantOf } from '@communication-center/contracts';
import type { Command } from './commands.js';
import { mediaDueAt } from './consequences.js';
import { type Decision, nothing, reject, stated } from './decision.js';
import { Draft } from './draft.js';
import { decline } from './ringing.js';
import { finish, settle } from './settling.js';

type Of<T extends Command['type']> = Command & { type: T };

export function hangUp(command: Of<'HangUp'>, call: CallState, now: Date): Decision {
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

/** Whether this person's leaving takes the call back before anyone answered it. */
function cancels(call: CallState, participant: Participant): boolean {
  return call.status === 'ringing' && participant.userAlias === call.initiator;
}

/** The initiator, or a server, puts somebody out: out of the call, or out of being rung. */
export function kick({ by, userAlias }: Of<'Kick'>, call: CallState, now: Date): Decision {
  const participant = participantOf(call, userAlias);
  if ((by && !participantOf(call, by)) || !participant) return reject('not_a_participant');
  if (call.status === 'ended' || participant.state === 'gone') return reject('already_ended');
  if (by === userAlias) return reject('invalid_request', 'userAlias: hang up to leave the call yourself');
  if (by && (by !== call.initiator || participantOf(call, by)?.state !== 'connected')) {
    return reject('forbidden', 'Only the initiator, while in the call, and a server may kick');
  }
  return settle(new Draft(call.callId, call, now).state({ type: 'call.kicked', data: { userAlias, by } }), 'kicked');
}

/** Whoever is in the call hangs up, as if by itself; whoever is rung is put out, since nobody declined. */
export function takeOut({ callId, userAlias }: Of<'TakeOut'>, call: CallState, now: Date): Decision {
  const participant = participantOf(call, userAlias);
  if (call.status === 'ended' || !participant || participant.state === 'gone') return nothing;
  if (participant.state === 'ringing') return kick({ type: 'Kick', callId, by: null, userAlias }, call, now);
  return hangUp({ type: 'HangUp', callId, userAlias, deviceId: participant.deviceId }, call, now);
}

export function end(call: CallState, now: Date, reason: EndReason): Decision {
  if (call.status === 'ended') return reject('already_ended');
  return stated(finish(new Draft(call.callId, call, now), reason));
}

export function loseConnection({ userAlias, deviceId }: Of<'LoseConnection'>, call: CallState, now: Date): Decision {
  const participant = participantOf(call, userAlias);
  if (participant?.state !== 'connected' || participant.deviceId !== deviceId) return nothing;
  return leave(call, participant, { reason: 'connection_lost' }, now);
}

/**
 * The device never joined its media, or nothing of them ever came through. What is told of a part that is over, or of another device, or from
 * before this part began, ends nothing; nor does anything where the app carries media itself.
 */
export function failMedia({ userAlias, failed }: Of<'FailMedia'>, call: CallState, now: Date): Decision {
  const participant = participantOf(call, userAlias);
  const dueAt = participant && mediaDueAt(call, participant);
  if (participant?.state !== 'connected' || !dueAt) return nothing;
  if (failed) {
    const isOfThis = participant.deviceId === failed.deviceId && Date.parse(participant.since) < failed.at;
    return isOfThis ? leave(call, participant, { reason: 'media_failed', mediaFailure: failed.why }, now) : nothing;
  }
  if (Date.parse(dueAt) > now.getTime()) return nothing;
  return leave(call, participant, { reason: 'media_failed', mediaFailure: 'not_joined' }, now);
}

function leave(
  call: CallState,
  { userAlias, deviceId }: Participant & { state: 'connected' },
  { reason, mediaFailure }: { reason: EndReason; mediaFailure?: MediaFailure | undefined },
  now: Date,
): Decision {
  const data = { userAlias, deviceId, reason, ...(mediaFailure && { mediaFailure }) };
  return settle(new Draft(call.callId, call, now).state({ type: 'call.left', data }), reason, { mediaFailure });
}

export function reachMaxDuration(call: CallState, now: Date): Decision {
  if (call.status !== 'connected') return nothing;
  if (Date.parse(call.answeredAt) + call.maxDurationSeconds * 1000 > now.getTime()) return nothing;
  return stated(finish(new Draft(call.callId, call, now), 'max_duration'));
}
