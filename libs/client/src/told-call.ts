import {
  type CallEvent,
  type CallReply,
  type CallState,
  callEndOn,
  type DeclineReason,
  type DeviceId,
  type EndReason,
  foldCallEvent,
  type MediaFailure,
  type PartEnd,
  type Participant,
  type Told,
  type UserAlias,
} from '@communication-center/contracts';
import type { Ban } from './center-error.js';
import type { MediaKind } from './local-media.js';

/** A call as the Center tells it, whatever its release. */
export type ToldCall = Told<CallState>;
export type ToldParticipant = Told<Participant>;
export type ToldEvent = Told<CallEvent>;
export type ToldReply = Told<CallReply>;
export type ToldEndReason = Told<EndReason>;
export type ToldDeclineReason = Told<DeclineReason>;
export type ToldMediaFailure = Told<MediaFailure>;
type KnownEvent = Exclude<ToldEvent, { type: 'unknown' }>;

/**
 * Folds an event this release knows. What is new inside it (a reason, a person's state) is carried along: the fold hands
 * names on and decides nothing by one it does not know.
 */
export function foldTold(call: ToldCall | undefined, event: KnownEvent): ToldCall {
  const folded: ToldCall = foldCallEvent(call as CallState | undefined, event as CallEvent);
  // A status this release does not know has no answeredAt of its own.
  return folded.status === 'ended' ? { ...folded, answeredAt: folded.answeredAt ?? null } : folded;
}

/** @returns that person's part in the call, or undefined for a stranger. */
export function partOf(call: ToldCall, userAlias: UserAlias): ToldParticipant | undefined {
  return call.participants.find((participant) => participant.userAlias === userAlias);
}

/** @returns what somebody may not send, and who forbade it. */
export function bansOf(participant: ToldParticipant | undefined): Partial<Record<MediaKind, Ban>> {
  const { audio, video } = participant?.forbidden ?? {};
  return { ...(audio && { audio }), ...(video && { video }) };
}

/** @returns why a call is over on a device, read as {@link foldTold} reads: names it does not know are handed on. */
export function endOf(call: ToldCall, userAlias: UserAlias, deviceId: DeviceId): Told<PartEnd> | undefined {
  return callEndOn(deviceId, userAlias, call as CallState);
}

/** @returns whether people talk. Of a status this release does not know, all that is sure is who is in the call. */
export function isUp(call: ToldCall): boolean {
  if (call.status !== 'unknown') return call.status === 'connected';
  return call.participants.filter(({ state }) => state === 'connected').length >= 2;
}
