import { type CallState, callLimits, participantOf, type UserAlias, upgradeRequestsOf } from '@communication-center/contracts';
import type { Command } from './commands.js';
import { type Decision, nothing, reject, stated } from './decision.js';
import { Draft } from './draft.js';

type Of<T extends Command['type']> = Command & { type: T };

/** Why this user may have no say in an upgrade; undefined when he may. */
function refusalOf(userAlias: UserAlias, call: CallState): Decision | undefined {
  const participant = participantOf(call, userAlias);
  if (!participant) return reject('not_a_participant');
  if (call.status === 'ended' || participant.state === 'gone') return reject('already_ended');
  if (call.status !== 'connected' || participant.state !== 'connected') return reject('forbidden', 'Only those who talk may ask for video');
  return undefined;
}

/** Asks everyone connected for video. Who asks while another waits for consent has consented. */
export function requestUpgrade(command: Of<'RequestUpgrade'>, call: CallState, now: Date): Decision {
  const { userAlias, deviceId } = command;
  const refusal = refusalOf(userAlias, call);
  if (refusal) return refusal;
  if (call.callType !== 'audio_upgradable') return reject('not_upgradable');
  if (call.upgrade) return acceptUpgrade({ ...command, type: 'AcceptUpgrade' }, call, now);
  if (upgradeRequestsOf(call, userAlias) >= callLimits.upgradeRequestsOfOneUser) return reject('too_many_upgrade_requests');
  const until = new Date(now.getTime() + callLimits.upgradeSeconds * 1000).toISOString();
  return stated(new Draft(call.callId, call, now).state({ type: 'call.upgrade_requested', data: { userAlias, deviceId, until } }));
}

export function acceptUpgrade({ userAlias, deviceId }: Of<'AcceptUpgrade'>, call: CallState, now: Date): Decision {
  const refusal = refusalOf(userAlias, call);
  if (refusal) return refusal;
  if (!call.upgrade) return reject('no_upgrade_requested');
  if (call.upgrade.requestedBy === userAlias || call.upgrade.accepted.includes(userAlias)) return nothing;
  return stated(new Draft(call.callId, call, now).state({ type: 'call.upgrade_accepted', data: { userAlias, deviceId } }));
}

/** Refuses; whoever asked may take the wish back in the same way. */
export function refuseUpgrade({ userAlias, deviceId }: Of<'RefuseUpgrade'>, call: CallState, now: Date): Decision {
  const refusal = refusalOf(userAlias, call);
  if (refusal) return refusal;
  if (!call.upgrade) return reject('no_upgrade_requested');
  const data = { userAlias, deviceId, reason: 'refused' } as const;
  return stated(new Draft(call.callId, call, now).state({ type: 'call.upgrade_refused', data }));
}

export function lapseUpgrade(call: CallState, now: Date): Decision {
  if (call.status === 'ended' || !call.upgrade || Date.parse(call.upgrade.until) > now.getTime()) return nothing;
  const data = { userAlias: call.upgrade.requestedBy, deviceId: null, reason: 'no_answer' } as const;
  return stated(new Draft(call.callId, call, now).state({ type: 'call.upgrade_refused', data }));
}
