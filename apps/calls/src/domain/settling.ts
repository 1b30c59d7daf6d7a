import {
  type CallState,
  type DeclineReason,
  type EndReason,
  type MediaFailure,
  participantOf,
  type UserAlias,
} from '@communication-center/contracts';
import { type Decision, stated } from './decision.js';
import type { Draft } from './draft.js';

/** What is told of an end beside its reason. */
interface Details {
  /** What was given as reason, where that is `declined`. */
  declineReason?: DeclineReason | undefined;
  /** Why nothing came through, where it is `media_failed`. */
  mediaFailure?: MediaFailure | undefined;
}

export function miss(draft: Draft, userAlias: UserAlias, reason: EndReason): Draft {
  return draft.state({ type: 'call.missed', data: { userAlias, initiator: draft.call.initiator, reason } });
}

/** The initiator of a server's call has nothing to miss: his part just ends. */
export function stopRinging(draft: Draft, userAlias: UserAlias, reason: EndReason): Draft {
  return userAlias === draft.call.initiator
    ? draft.state({ type: 'call.left', data: { userAlias, deviceId: null, reason } })
    : miss(draft, userAlias, reason);
}

/**
 * Ends the call when too few are left: it goes on while somebody is connected (or the initiator still rings) and
 * connected and ringing are at least two. The initiator's leaving before an answer cancels.
 */
export function settle(draft: Draft, why: EndReason, details: Details = {}): Decision {
  const { call } = draft;
  if (call.status === 'ended') return stated(draft);
  const initiator = participantOf(call, call.initiator);
  const connected = call.participants.filter(({ state }) => state === 'connected').length;
  const ringing = call.participants.filter(({ state }) => state === 'ringing').length;
  const led = connected > 0 && !(call.status === 'ringing' && initiator?.state === 'gone');
  const goesOn = (led || initiator?.state === 'ringing') && connected + ringing >= 2;
  return stated(goesOn ? draft : finish(draft, endReason(call, why), details));
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

// A ring that ends with the call was taken back, unless the call's own end says more.
const saysMore: ReadonlySet<EndReason> = new Set(['max_duration', 'ended_by_server', 'error']);

/** Ends every ring that is left, its recording and its broadcast, then the call. */
export function finish(draft: Draft, reason: EndReason, { declineReason, mediaFailure }: Details = {}): Draft {
  for (const { state, userAlias } of draft.call.participants) {
    if (state === 'ringing') stopRinging(draft, userAlias, saysMore.has(reason) ? reason : 'cancelled');
  }
  if (draft.call.recording) {
    const { recordingId } = draft.call.recording;
    draft.state({ type: 'call.recording_stopped', data: { recordingId, by: null, reason: 'call_ended' } });
  }
  if (draft.call.broadcast) {
    const { broadcastId } = draft.call.broadcast;
    draft.state({ type: 'call.broadcast_stopped', data: { broadcastId, by: null, reason: 'call_ended' } });
  }
  const { call } = draft;
  const last = draft.now.getTime();
  const talkSeconds = call.status === 'connected' ? Math.max(0, (last - Date.parse(call.answeredAt)) / 1000) : 0;
  return draft.state({
    type: 'call.ended',
    data: { reason, ...(declineReason && { declineReason }), ...(mediaFailure && { mediaFailure }), talkSeconds },
  });
}
