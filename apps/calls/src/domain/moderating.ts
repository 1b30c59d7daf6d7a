import { type CallState, type Forbiddable, type Participant, participantOf, type UserAlias } from '@communication-center/contracts';
import type { Command } from './commands.js';
import { type Decision, nothing, reject, stated } from './decision.js';
import { Draft } from './draft.js';

type Of<T extends Command['type']> = Command & { type: T };

/** Why this user, or server (null), may not moderate the call; undefined where they may: the initiator, while in it, and servers. */
export function refusalOf(by: UserAlias | null, call: CallState): Decision | undefined {
  if (by && !participantOf(call, by)) return reject('not_a_participant');
  if (call.status === 'ended') return reject('already_ended');
  if (by && (by !== call.initiator || participantOf(call, by)?.state !== 'connected')) {
    return reject('forbidden', 'Only the initiator, while in the call, and a server may moderate it');
  }
  return undefined;
}

/** As {@link refusalOf}, of what is done to one person: nobody forbids, or allows, themselves. */
function refusalAbout({ by, userAlias }: { by: UserAlias | null; userAlias: UserAlias }, call: CallState): Decision | undefined {
  if (!participantOf(call, userAlias)) return reject('not_a_participant');
  const refusal = refusalOf(by, call);
  if (refusal) return refusal;
  return by === userAlias ? reject('forbidden', 'Nobody moderates themselves: switch off what you send on your device') : undefined;
}

function isForbidden(participant: Participant, media: Forbiddable): boolean {
  return participant.forbidden?.[media] !== undefined;
}

/** @returns those of the media, each once, that are allowed (or forbidden) by now. */
function among(media: readonly Forbiddable[], participant: Participant, forbidden: boolean): Forbiddable[] {
  return [...new Set(media)].filter((one) => isForbidden(participant, one) === forbidden);
}

/** Forbids one person to send: also who is out of the call, and may come back. What is forbidden already stays as it was forbidden. */
export function muteParticipant(command: Of<'MuteParticipant'>, call: CallState, now: Date): Decision {
  const refusal = refusalAbout(command, call);
  if (refusal) return refusal;
  return stated(mute(new Draft(call.callId, call, now), command));
}

function mute(draft: Draft, { by, userAlias, media }: Pick<Of<'MuteParticipant'>, 'by' | 'userAlias' | 'media'>): Draft {
  const participant = participantOf(draft.call, userAlias);
  const more = participant ? among(media, participant, false) : [];
  return more.length === 0 ? draft : draft.state({ type: 'call.participant_muted', data: { userAlias, by, media: more } });
}

/** Allows again what was forbidden, whoever of the moderators forbade it. It switches nothing on. */
export function allowParticipant(command: Of<'AllowParticipant'>, call: CallState, now: Date): Decision {
  const refusal = refusalAbout(command, call);
  if (refusal) return refusal;
  const { by, userAlias } = command;
  const participant = participantOf(call, userAlias);
  const media = participant ? among(command.media, participant, true) : [];
  if (media.length === 0) return nothing;
  return stated(new Draft(call.callId, call, now).state({ type: 'call.participant_unmuted', data: { userAlias, by, media } }));
}

/** Forbids everyone who is in the call, or is rung, to send, but whoever does it. */
export function muteAll({ by, media }: Of<'MuteAll'>, call: CallState, now: Date): Decision {
  const refusal = refusalOf(by, call);
  if (refusal) return refusal;
  const draft = new Draft(call.callId, call, now);
  for (const { state, userAlias } of call.participants) if (state !== 'gone' && userAlias !== by) mute(draft, { by, userAlias, media });
  return stated(draft);
}

export function lockCall({ by }: Of<'LockCall'>, call: CallState, now: Date): Decision {
  const refusal = refusalOf(by, call);
  if (refusal) return refusal;
  return call.lock ? nothing : stated(new Draft(call.callId, call, now).state({ type: 'call.locked', data: { by } }));
}

export function unlockCall({ by }: Of<'UnlockCall'>, call: CallState, now: Date): Decision {
  const refusal = refusalOf(by, call);
  if (refusal) return refusal;
  return call.lock ? stated(new Draft(call.callId, call, now).state({ type: 'call.unlocked', data: { by } })) : nothing;
}

export function raiseHand({ userAlias, deviceId }: Of<'RaiseHand'>, call: CallState, now: Date): Decision {
  const participant = participantOf(call, userAlias);
  if (!participant) return reject('not_a_participant');
  if (call.status === 'ended' || participant.state === 'gone') return reject('already_ended');
  if (participant.state !== 'connected') return reject('forbidden', 'Only those who are in the call may raise a hand');
  if (participant.handRaised) return nothing;
  return stated(new Draft(call.callId, call, now).state({ type: 'call.hand_raised', data: { userAlias, deviceId } }));
}

export function lowerHand({ by, userAlias }: Of<'LowerHand'>, call: CallState, now: Date): Decision {
  const participant = participantOf(call, userAlias);
  if (!participant) return reject('not_a_participant');
  const refusal = by === userAlias ? undefined : refusalOf(by, call);
  if (refusal) return refusal;
  if (call.status === 'ended') return reject('already_ended');
  if (participant.state !== 'connected' || !participant.handRaised) return nothing;
  return stated(new Draft(call.callId, call, now).state({ type: 'call.hand_lowered', data: { userAlias, by } }));
}
