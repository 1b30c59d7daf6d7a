import { z } from 'zod';
import type { CallEvent } from './call-events.js';
import { declineReasonSchema, type EndReason, endReasonSchema } from './call-terms.js';
import { type DeviceId, deviceIdSchema, recordedAliasSchema, type UserAlias } from './ids.js';

const time = z.iso.datetime();

/** One person's part in a call, told apart by `state`. */
export const participantSchema = z.discriminatedUnion('state', [
  z.object({
    state: z.literal('ringing'),
    userAlias: recordedAliasSchema,
    since: time,
    until: time.describe('the end of the ring time'),
    confirmed: z.boolean().describe('whether a device said that it rings'),
    waiting: z.boolean().optional().describe('set while the user is in another call (call waiting)'),
    ignoredBy: z.array(deviceIdSchema).optional().describe('devices on which this ring was silenced'),
  }),
  z.object({ state: z.literal('connected'), userAlias: recordedAliasSchema, since: time, deviceId: deviceIdSchema.nullable() }),
  z.object({
    state: z.literal('gone'),
    userAlias: recordedAliasSchema,
    at: time,
    reason: endReasonSchema,
    deviceId: deviceIdSchema.nullable().describe('the device that declined, or was in the call, where one did'),
    declineReason: declineReasonSchema
      .optional()
      .describe('set when the ring was declined, by the user or a server: what was given as reason'),
  }),
]);
export type Participant = z.infer<typeof participantSchema>;

/**
 * Folds one event into one person's part in its call. What a call, a device's ring and the history make of an event is made here.
 * @param before the part after the earlier events; undefined for who had none.
 * @returns the part after the event; `before` itself when the event changes nothing about it.
 */
export function foldParticipant(before: Participant | undefined, event: CallEvent, userAlias: UserAlias): Participant | undefined {
  if (event.type === 'call.dialed') return dialed(event, userAlias);
  if (event.type === 'call.ended') {
    return before && before.state !== 'gone' ? gone(event, userAlias, event.data.reason, deviceIn(before)) : before;
  }
  return event.data.userAlias === userAlias ? afterOwn(before, event) : before;
}

/** An event about one person. */
export type OwnEvent = Extract<CallEvent, { data: { userAlias: UserAlias } }>;

function afterOwn(before: Participant | undefined, event: OwnEvent): Participant | undefined {
  const { userAlias } = event.data;
  switch (event.type) {
    case 'call.participant_invited': {
      const { refused, ringSeconds, waiting = false } = event.data;
      return refused ? gone(event, userAlias, refused, null) : ringing(event, userAlias, ringSeconds, waiting);
    }
    case 'call.ringing':
      return before?.state === 'ringing' ? { ...before, confirmed: true } : before;
    case 'call.answered':
    case 'call.joined':
      return { state: 'connected', userAlias, since: event.time, deviceId: event.data.deviceId };
    case 'call.ignored':
      return ignored(before, event.data.deviceId);
    case 'call.declined':
      // Whom the Center did not ring at all is gone already: this only puts it on record.
      if (before?.state === 'gone') return before;
      return { ...gone(event, userAlias, 'declined', event.data.deviceId), declineReason: event.data.reason };
    case 'call.busy':
      if (!event.data.waiting) return gone(event, userAlias, 'busy', null);
      return before?.state === 'ringing' ? { ...before, waiting: true } : before;
    case 'call.missed':
      return missed(before, event);
    case 'call.left':
    case 'call.hung_up':
      return gone(event, userAlias, event.data.reason, deviceIn(before) ?? event.data.deviceId);
    case 'call.kicked':
      return gone(event, userAlias, 'kicked', deviceIn(before));
    case 'call.upgrade_requested':
    case 'call.upgrade_accepted':
    case 'call.upgrade_refused':
      return before;
    default:
      return event satisfies never;
  }
}

function dialed(event: CallEvent & { type: 'call.dialed' }, userAlias: UserAlias): Participant | undefined {
  const { initiator, initiatorDevice, callees, refused, waiting, ringSeconds } = event.data;
  if (userAlias !== initiator && !callees.includes(userAlias)) return undefined;
  // A call that a server dialed rings its initiator too; he is connected once a device of his answers.
  if (userAlias === initiator && initiatorDevice) return { state: 'connected', userAlias, since: event.time, deviceId: initiatorDevice };
  const refusal = refused?.find((one) => one.userAlias === userAlias);
  if (refusal) return gone(event, userAlias, refusal.reason, null);
  return ringing(event, userAlias, ringSeconds, waiting?.includes(userAlias) ?? false);
}

function ringing({ time: since }: CallEvent, userAlias: UserAlias, ringSeconds: number, waiting: boolean): Participant {
  const until = new Date(Date.parse(since) + ringSeconds * 1000).toISOString();
  return { state: 'ringing', userAlias, since, until, confirmed: false, ...(waiting && { waiting }) };
}

function ignored(before: Participant | undefined, deviceId: DeviceId): Participant | undefined {
  if (before?.state !== 'ringing' || before.ignoredBy?.includes(deviceId)) return before;
  return { ...before, ignoredBy: [...(before.ignoredBy ?? []), deviceId] };
}

/** A busy or undisturbed callee is already gone for that reason: the missed call is only put on record. */
function missed(before: Participant | undefined, event: CallEvent & { type: 'call.missed' }): Participant {
  const { userAlias, reason } = event.data;
  // Logs from before 2026-11-23 do not name who is not rung in the first event: there the Center's own decline looked like a server's.
  const wasNotRung = before?.state === 'gone' && before.declineReason === 'do_not_disturb' && reason === 'do_not_disturb';
  return before?.state === 'gone' && !wasNotRung ? before : gone(event, userAlias, reason, null);
}

function gone(
  { time: at }: CallEvent,
  userAlias: UserAlias,
  reason: EndReason,
  deviceId: DeviceId | null,
): Participant & { state: 'gone' } {
  return { state: 'gone', userAlias, at, reason, deviceId };
}

function deviceIn(part: Participant | undefined): DeviceId | null {
  return part?.state === 'connected' ? part.deviceId : null;
}
