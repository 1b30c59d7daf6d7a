import { type CallState, callLimits, participantOf, type UserAlias } from '@communication-center/contracts';
import type { Command, DialCall, Lines } from './commands.js';
import { type Decision, nothing, reject, stated } from './decision.js';
import { Draft } from './draft.js';
import { miss, settle } from './settling.js';

type Reachability = { refused: 'busy' | 'do_not_disturb' } | { refused?: never; waiting: boolean };

/** Whether a user may be rung now, and whether as a waiting call. */
function reachabilityOf(userAlias: UserAlias, lines: Lines, callWaiting: boolean): Reachability {
  const line = lines.get(userAlias);
  if (line?.doNotDisturb) return { refused: 'do_not_disturb' };
  const busy = Boolean(line?.activeCall || line?.rungBy.length);
  const mayWait = callWaiting && (line?.rungBy.length ?? 0) < callLimits.ringsOfOneUser;
  return busy && !mayWait ? { refused: 'busy' } : { waiting: busy };
}

export function dial(command: DialCall, lines: Lines, now: Date): Decision {
  const { type: _, callId, callWaiting, ...terms } = command;
  if (terms.callees.includes(terms.initiator)) return reject('invalid_request', 'callees: leave the initiator out');
  if (terms.callees.length + 1 > terms.maxParticipants) {
    return reject('too_many_participants', `This call may have ${terms.maxParticipants} participants`);
  }
  if (lines.get(terms.initiator)?.activeCall) return reject('initiator_busy');
  const found = terms.callees.map((userAlias) => ({ userAlias, ...reachabilityOf(userAlias, lines, callWaiting) }));
  const refused = found.flatMap(({ userAlias, refused: reason }) => (reason ? [{ userAlias, reason }] : []));
  const waiting = found.flatMap((one) => (!one.refused && one.waiting ? [one.userAlias] : []));
  const data = { ...terms, ...(refused.length > 0 && { refused }), ...(waiting.length > 0 && { waiting }) };
  const draft = new Draft(callId, undefined, now).state({ type: 'call.dialed', data });
  for (const { userAlias, ...reachability } of found) putOnRecord(draft, userAlias, reachability);
  return settle(draft, 'busy');
}

/** Somebody in the call, or a server, rings more people, or some of its people again. Who is in it or rings already is left alone. */
export function invite(command: Command & { type: 'InviteToCall' }, call: CallState, lines: Lines, now: Date): Decision {
  const { by, again, callWaiting, ringSeconds = call.ringSeconds } = command;
  if (by && !participantOf(call, by)) return reject('not_a_participant');
  if (call.status === 'ended') return reject('already_ended');
  if (by && participantOf(call, by)?.state !== 'connected') return reject('forbidden', 'Only those who are in the call may invite to it');
  if (call.lock) return reject('call_locked');
  const stranger = again && command.callees.find((userAlias) => !participantOf(call, userAlias));
  if (stranger) return reject('not_a_participant', `${stranger} never had a part in this call: add them instead`);
  const callees = command.callees.filter((userAlias) => (participantOf(call, userAlias)?.state ?? 'gone') === 'gone');
  if (callees.length === 0) return nothing;
  const present = call.participants.filter(({ state }) => state !== 'gone').length;
  const ever = new Set([...call.participants.map(({ userAlias }) => userAlias), ...callees]).size;
  if (present + callees.length > call.maxParticipants || ever > callLimits.everParticipants) {
    return reject('too_many_participants', `This call may have ${call.maxParticipants} participants`);
  }
  const draft = new Draft(call.callId, call, now);
  for (const userAlias of callees) {
    const reachability = reachabilityOf(userAlias, lines, callWaiting);
    const { initiator, callType } = call;
    const how = reachability.refused ? { refused: reachability.refused } : reachability.waiting ? { waiting: true } : {};
    draft.state({ type: 'call.participant_invited', data: { userAlias, initiator, invitedBy: by, callType, ringSeconds, ...how } });
    putOnRecord(draft, userAlias, reachability);
  }
  return stated(draft);
}

/** Tells the busy and the undisturbed that somebody called; a missed call stays where nobody rang. */
function putOnRecord(draft: Draft, userAlias: UserAlias, reachability: Reachability): void {
  if (reachability.refused === 'do_not_disturb') {
    draft.state({ type: 'call.declined', data: { userAlias, deviceId: null, reason: 'do_not_disturb' } });
    miss(draft, userAlias, 'do_not_disturb');
  } else if (reachability.refused === 'busy') {
    draft.state({ type: 'call.busy', data: { userAlias } });
    miss(draft, userAlias, 'busy');
  } else if (!reachability.refused && reachability.waiting) {
    draft.state({ type: 'call.busy', data: { userAlias, waiting: true } });
  }
}
