import { z } from 'zod';
import type { CallEvent } from './call-events.js';
import { declineReasonSchema, type EndReason, endReasonSchema, type Forbiddable, mediaFailureSchema } from './call-terms.js';
import { type DeviceId, deviceIdSchema, recordedAliasSchema, type UserAlias } from './ids.js';

const time = z.iso.datetime();

const ban = z.object({ by: recordedAliasSchema.nullable().describe('who forbade it; null: a server'), since: time });
const forbidden = z
  .object({ audio: ban.optional(), video: ban.optional() })
  .optional()
  .describe('what this person may not send until a moderator allows it again; left out while everything is allowed');

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
    forbidden,
  }),
  z.object({
    state: z.literal('connected'),
    userAlias: recordedAliasSchema,
    since: time,
    deviceId: deviceIdSchema.nullable(),
    handRaised: time.optional().describe('since when the hand is up; left out while it is down'),
    forbidden,
  }),
  z.object({
    state: z.literal('gone'),
    userAlias: recordedAliasSchema,
    at: time,
    reason: endReasonSchema,
    deviceId: deviceIdSchema.nullable().describe('the device that declined, or was in the call, where one did'),
    declineReason: declineReasonSchema
      .optional()
      .describe('set when the ring was declined, by the user or a server: what was given as reason'),
    mediaFailure: mediaFailureSchema
      .optional()
      .describe('where `reason` is `media_failed`: why nothing of this person came through, as far as is known'),
    forbidden,
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
    if (!before || before.state === 'gone') return before;
    return stillForbidden(before, gone(event, userAlias, event.data.reason, deviceIn(before)));
  }
  if (!('userAlias' in event.data) || event.data.userAlias !== userAlias) return before;
  const after = afterOwn(before, event as OwnEvent);
  return event.type === 'call.participant_unmuted' ? after : stillForbidden(before, after);
}

/** What was forbidden stays so, whether its person leaves, comes back or is rung again. */
function stillForbidden(before: Participant | undefined, after: Participant | undefined): Participant | undefined {
  if (!before?.forbidden || !after || after.forbidden) return after;
  return { ...after, forbidden: before.forbidden };
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
    case 'call.joined': {
      const { handRaised } = before?.state === 'connected' ? before : {};
      return { state: 'connected', userAlias, since: event.time, deviceId: event.data.deviceId, ...(handRaised && { handRaised }) };
    }
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
    case 'call.left': {
      const { mediaFailure } = event.data;
      return {
        ...gone(event, userAlias, event.data.reason, deviceIn(before) ?? event.data.deviceId),
        ...(mediaFailure && { mediaFailure }),
      };
    }
    case 'call.hung_up':
      return gone(event, userAlias, event.data.reason, deviceIn(before) ?? event.data.deviceId);
    case 'call.kicked':
      return gone(event, userAlias, 'kicked', deviceIn(before));
    case 'call.participant_muted':
      return before && { ...before, forbidden: { ...before.forbidden, ...bansOf(event) } };
    case 'call.participant_unmuted':
      return before && allowed(before, event.data.media);
    case 'call.hand_raised':
      return before?.state === 'connected' && !before.handRaised ? { ...before, handRaised: event.time } : before;
    case 'call.hand_lowered':
      return before?.state === 'connected' ? withoutHand(before) : before;
    case 'call.upgrade_requested':
    case 'call.upgrade_accepted':
    case 'call.upgrade_refused':
      return before;
    default:
      return event satisfies never;
  }
}

function bansOf({ data: { media, by }, time: since }: CallEvent & { type: 'call.participant_muted' }): Participant['forbidden'] {
  return Object.fromEntries(media.map((one) => [one, { by, since }]));
}

/** @returns the part without those bans; where none is left it has no field for them, so that equal parts are equal. */
function allowed({ forbidden: bans = {}, ...part }: Participant, media: readonly Forbiddable[]): Participant {
  const left = Object.entries(bans).filter(([one]) => !media.includes(one as Forbiddable));
  return left.length === 0 ? (part as Participant) : ({ ...part, forbidden: Object.fromEntries(left) } as Participant);
}

function withoutHand({ handRaised: _, ...part }: Participant & { state: 'connected' }): Participant {
  return part;
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
