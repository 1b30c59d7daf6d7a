import { z } from 'zod';
import { type CallState, participantOf } from './call-state.js';
import { declineReasonSchema, endReasonSchema, mediaFailureSchema } from './call-terms.js';
import { type DeviceId, deviceIdSchema, type UserAlias } from './ids.js';
import type { Participant } from './participants.js';

/*
 * How a call went, for each person and on each device. Whoever tells it asks here: gateway, history, and SDK.
 */

/** Why a call, or a ring, is over on one device. */
export const partEndSchema = z.object({
  reason: endReasonSchema,
  byDevice: deviceIdSchema.nullable().describe('the other device of the user that answered or declined, where one did'),
  declineReason: declineReasonSchema.optional().describe('set when it was declined: what was given as reason'),
  mediaFailure: mediaFailureSchema.optional().describe('where `reason` is `media_failed`: why nothing came through, as far as is known'),
});
export type PartEnd = z.infer<typeof partEndSchema>;

/**
 * How a call went for one person. A call that only another device of the person took is `answered_elsewhere` or
 * `declined_elsewhere` for the device that asks.
 */
export const callOutcomeSchema = z.enum([
  'answered',
  'unanswered',
  'missed',
  'declined',
  'busy',
  'answered_elsewhere',
  'declined_elsewhere',
]);
export type CallOutcome = z.infer<typeof callOutcomeSchema>;

/** Why a person's part in a call is over on one of the person's devices; undefined while it goes on there. */
function partEndOn(deviceId: DeviceId, part: Participant, hasDeclined = 'declineReason' in part): PartEnd | undefined {
  if (part.state === 'connected') {
    return part.deviceId === deviceId ? undefined : { reason: 'answered_elsewhere', byDevice: part.deviceId };
  }
  if (part.state !== 'gone') return undefined;
  const { reason, declineReason, mediaFailure } = part;
  const byDevice = part.deviceId === deviceId ? null : part.deviceId;
  if (hasDeclined) return { reason: byDevice ? 'declined_elsewhere' : 'declined', byDevice, ...(declineReason && { declineReason }) };
  // Whoever left did so on the device that was in the call: on the others it was over when that one answered.
  return byDevice ? { reason: 'answered_elsewhere', byDevice } : { reason, byDevice, ...(mediaFailure && { mediaFailure }) };
}

/** @returns why an event ended the ring that a device may be showing; undefined when it did not, or the device itself acted. */
export function ringEndOn(deviceId: DeviceId, before: Participant | undefined, after: Participant | undefined): PartEnd | undefined {
  if (before?.state !== 'ringing' || !after || after.state === 'ringing' || after.deviceId === deviceId) return undefined;
  return partEndOn(deviceId, after);
}

/** @returns why a call is over on one device of a user; undefined while it goes on there. */
export function callEndOn(deviceId: DeviceId, userAlias: UserAlias, call: CallState): PartEnd | undefined {
  const part = participantOf(call, userAlias);
  const end = part && partEndOn(deviceId, part, hasDeclined(call, part));
  if (call.status !== 'ended') return end;
  const { reason, declineReason, mediaFailure } = call;
  const ofCall = { reason, byDevice: null, ...(declineReason && { declineReason }), ...(mediaFailure && { mediaFailure }) };
  // Who was in a call that a decline ended is told what the other gave as reason.
  return !end || (end.reason === reason && !end.declineReason) ? ofCall : end;
}

/** A state that an older Center tells does not say who declined: there the reason must do. */
function hasDeclined(call: CallState, part: Participant): boolean {
  if ('declineReason' in part) return true;
  return part.state === 'gone' && part.reason === 'declined' && !('declineReason' in call);
}

/**
 * How a call has gone for one person, whatever the device.
 * @param before how it had gone before the latest event: who has once talked has answered.
 * @returns null while it is open.
 */
export function outcomeOf(call: CallState, part: Participant, before: CallOutcome | null): CallOutcome | null {
  if (before === 'answered') return before;
  if (call.initiator === part.userAlias) {
    if (call.status === 'connected' && part.state === 'connected') return 'answered';
    return part.state === 'gone' ? 'unanswered' : null;
  }
  if (part.state === 'ringing') return null;
  if (part.state === 'connected') return 'answered';
  return part.reason === 'declined' || part.reason === 'busy' ? part.reason : 'missed';
}

const elsewhere = { answered: 'answered_elsewhere', declined: 'declined_elsewhere' } as const;

/** A person's outcome, and on which device it came about. */
interface OutcomeOfPart {
  role: 'initiator' | 'callee';
  outcome: CallOutcome | null;
  deviceId: DeviceId | null;
}

/** @returns the one device on which a callee's outcome came about, where the others tell it another way; else null. */
export function ownDeviceOf({ role, outcome, deviceId }: OutcomeOfPart): DeviceId | null {
  return role === 'callee' && (outcome === 'answered' || outcome === 'declined') ? deviceId : null;
}

/** @returns a person's outcome as one of the person's devices tells it. */
export function outcomeOn(deviceId: DeviceId, part: OutcomeOfPart): CallOutcome | null {
  const own = ownDeviceOf(part);
  const { outcome } = part;
  return own && own !== deviceId && (outcome === 'answered' || outcome === 'declined') ? elsewhere[outcome] : outcome;
}

/** @returns the outcome that a person had, where `asked` is how another of the person's devices tells it. */
export function outcomeBehind(asked: CallOutcome): { outcome: CallOutcome; isElsewhere: boolean } {
  if (asked === 'answered_elsewhere') return { outcome: 'answered', isElsewhere: true };
  if (asked === 'declined_elsewhere') return { outcome: 'declined', isElsewhere: true };
  return { outcome: asked, isElsewhere: false };
}
