import { z } from 'zod';
import type { CallEvent } from './call-events.js';
import { callTypeSchema, customDataSchema, type EndReason, endReasonSchema } from './call-terms.js';
import { callIdSchema, type DeviceId, deviceIdSchema, recordedAliasSchema, type UserAlias } from './ids.js';

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
    deviceId: deviceIdSchema.nullable().describe('the device that declined or left, where one did'),
  }),
]);
export type Participant = z.infer<typeof participantSchema>;

const known = {
  callId: callIdSchema,
  sequence: z.int().positive().describe('the last event folded into this'),
  callType: callTypeSchema,
  initiator: recordedAliasSchema,
  participants: z.array(participantSchema),
  manyToMany: z.boolean().describe('whether a third person was ever invited'),
  dialedAt: time,
  maxParticipants: z.int(),
  maxDurationSeconds: z.int(),
  ringSeconds: z.int(),
  mediaSetupSeconds: z.int().optional(),
  customData: customDataSchema.optional(),
  upgrade: z
    .object({
      requestedBy: recordedAliasSchema,
      until: time,
      accepted: z.array(recordedAliasSchema).describe('who has consented; the call is upgraded once everyone connected has'),
    })
    .optional()
    .describe('a wish for video that waits for consent'),
  upgradeRequests: z
    .array(z.object({ userAlias: recordedAliasSchema, times: z.int().positive() }))
    .optional()
    .describe('how often each user has asked for video'),
};

/** A call as the fold of its events, told apart by `status`. */
export const callStateSchema = z.discriminatedUnion('status', [
  z.object({ ...known, status: z.literal('ringing') }),
  z.object({ ...known, status: z.literal('connected'), answeredAt: time }),
  z.object({
    ...known,
    status: z.literal('ended'),
    answeredAt: time.nullable(),
    endedAt: time,
    reason: endReasonSchema,
    talkSeconds: z.number(),
  }),
]);
export type CallState = z.infer<typeof callStateSchema>;

/**
 * Raised whenever {@link foldCallEvent} makes something else of the same events: states that were kept beside their events by
 * another version are folded anew.
 */
export const foldVersion = 1;

/** @returns that person's part in the call, or undefined for a stranger. */
export function participantOf(call: CallState, userAlias: UserAlias): Participant | undefined {
  return call.participants.find((participant) => participant.userAlias === userAlias);
}

function withParticipant(call: CallState, next: Participant): CallState {
  const known = call.participants.some((participant) => participant.userAlias === next.userAlias);
  const participants = known
    ? call.participants.map((participant) => (participant.userAlias === next.userAlias ? next : participant))
    : [...call.participants, next];
  return { ...call, participants };
}

function dialed(event: Extract<CallEvent, { type: 'call.dialed' }>): CallState {
  const { data, time: at } = event;
  const until = new Date(Date.parse(at) + data.ringSeconds * 1000).toISOString();
  const ringing = (userAlias: UserAlias): Participant => {
    const refused = data.refused?.find((one) => one.userAlias === userAlias);
    if (refused) return { state: 'gone', userAlias, at, reason: refused.reason, deviceId: null };
    return { state: 'ringing', userAlias, since: at, until, confirmed: false, ...(data.waiting?.includes(userAlias) && { waiting: true }) };
  };
  // A call that a server dialed rings its initiator too; he is connected once a device of his answers.
  const initiator: Participant =
    data.initiatorDevice === null
      ? ringing(data.initiator)
      : { state: 'connected', userAlias: data.initiator, since: at, deviceId: data.initiatorDevice };
  return {
    status: 'ringing',
    callId: event.callid,
    sequence: event.sequence,
    callType: data.callType,
    initiator: data.initiator,
    participants: [initiator, ...data.callees.map(ringing)],
    manyToMany: data.callees.length > 1,
    dialedAt: at,
    maxParticipants: data.maxParticipants,
    maxDurationSeconds: data.maxDurationSeconds,
    ringSeconds: data.ringSeconds,
    ...(data.mediaSetupSeconds && { mediaSetupSeconds: data.mediaSetupSeconds }),
    ...(data.customData && { customData: data.customData }),
  };
}

function invited(call: CallState, event: Extract<CallEvent, { type: 'call.participant_invited' }>): CallState {
  const { userAlias, ringSeconds, refused, waiting } = event.data;
  const until = new Date(Date.parse(event.time) + ringSeconds * 1000).toISOString();
  const next = withParticipant(
    call,
    refused
      ? { state: 'gone', userAlias, at: event.time, reason: refused, deviceId: null }
      : { state: 'ringing', userAlias, since: event.time, until, confirmed: false, ...(waiting && { waiting }) },
  );
  return { ...next, manyToMany: next.participants.length > 2 };
}

function connected(call: CallState, event: Extract<CallEvent, { type: 'call.answered' | 'call.joined' }>): CallState {
  const { userAlias, deviceId } = event.data;
  const next = withParticipant(call, { state: 'connected', userAlias, since: event.time, deviceId });
  const talking = next.participants.filter((participant) => participant.state === 'connected').length >= 2;
  return next.status === 'ringing' && talking ? { ...next, status: 'connected', answeredAt: event.time } : next;
}

/**
 * Folds one event into a call: what the Center, its gateways and every client mean by "the call".
 * @param call what the earlier events fold to; undefined before the first.
 * @returns the call after the event. An event that is not newer than `call` changes nothing.
 * @throws Error when the first event is not `call.dialed`: the history is incomplete.
 */
export function foldCallEvent(call: CallState | undefined, event: CallEvent): CallState {
  if (event.type === 'call.dialed') return call ?? dialed(event);
  if (!call) throw new Error(`${event.type} of call ${event.callid} came before its call.dialed`);
  if (event.sequence <= call.sequence) return call;
  return { ...settleUpgrade(applyEvent(call, event)), sequence: event.sequence };
}

/**
 * A wish for video is fulfilled once everyone connected has consented, and void when whoever wished it has left, or
 * nobody is left to consent.
 */
function settleUpgrade(call: CallState): CallState {
  if (!call.upgrade) return call;
  const { upgrade, ...rest } = call;
  const others = call.participants.filter(({ state, userAlias }) => state === 'connected' && userAlias !== upgrade.requestedBy);
  if (participantOf(call, upgrade.requestedBy)?.state !== 'connected' || others.length === 0) return rest;
  return others.every(({ userAlias }) => upgrade.accepted.includes(userAlias)) ? { ...rest, callType: 'audio_video' } : call;
}

function withoutUpgrade({ upgrade: _, ...call }: CallState): CallState {
  return call;
}

function upgradeRequested(call: CallState, { userAlias, until }: { userAlias: UserAlias; until: string }): CallState {
  const others = call.upgradeRequests?.filter((one) => one.userAlias !== userAlias) ?? [];
  const times = upgradeRequestsOf(call, userAlias) + 1;
  return { ...call, upgrade: { requestedBy: userAlias, until, accepted: [] }, upgradeRequests: [...others, { userAlias, times }] };
}

/** @returns how often that person has asked for video in this call. */
export function upgradeRequestsOf(call: CallState, userAlias: UserAlias): number {
  return call.upgradeRequests?.find((one) => one.userAlias === userAlias)?.times ?? 0;
}

function applyEvent(call: CallState, event: Exclude<CallEvent, { type: 'call.dialed' }>): CallState {
  const gone = (userAlias: UserAlias, reason: EndReason, deviceId: DeviceId | null) =>
    withParticipant(call, { state: 'gone', userAlias, at: event.time, reason, deviceId });
  switch (event.type) {
    case 'call.ringing': {
      const ringing = participantOf(call, event.data.userAlias);
      return ringing?.state === 'ringing' ? withParticipant(call, { ...ringing, confirmed: true }) : call;
    }
    case 'call.participant_invited':
      return invited(call, event);
    case 'call.answered':
    case 'call.joined':
      return connected(call, event);
    case 'call.ignored': {
      const { userAlias, deviceId } = event.data;
      const ringing = participantOf(call, userAlias);
      if (ringing?.state !== 'ringing' || ringing.ignoredBy?.includes(deviceId)) return call;
      return withParticipant(call, { ...ringing, ignoredBy: [...(ringing.ignoredBy ?? []), deviceId] });
    }
    case 'call.declined':
      return gone(
        event.data.userAlias, // Without a device the Center itself honoured the user's wish; a person's reason is in the event.
        event.data.deviceId === null && event.data.reason === 'do_not_disturb' ? 'do_not_disturb' : 'declined',
        event.data.deviceId,
      );
    case 'call.busy': {
      const ringing = participantOf(call, event.data.userAlias);
      if (!event.data.waiting) return gone(event.data.userAlias, 'busy', null);
      return ringing?.state === 'ringing' ? withParticipant(call, { ...ringing, waiting: true }) : call;
    }
    case 'call.missed': {
      // A busy or undisturbed callee is already gone for that reason: the missed call is only put on record.
      const before = participantOf(call, event.data.userAlias);
      return before?.state === 'gone' ? call : gone(event.data.userAlias, event.data.reason, null);
    }
    case 'call.left':
    case 'call.hung_up':
      return gone(event.data.userAlias, event.data.reason, event.data.deviceId);
    case 'call.kicked':
      return gone(event.data.userAlias, 'kicked', null);
    case 'call.upgrade_requested':
      return upgradeRequested(call, event.data);
    case 'call.upgrade_accepted':
      return call.upgrade ? { ...call, upgrade: { ...call.upgrade, accepted: [...call.upgrade.accepted, event.data.userAlias] } } : call;
    case 'call.upgrade_refused':
      return withoutUpgrade(call);
    case 'call.ended': {
      const { upgradeRequests: _, ...rest } = withoutUpgrade(call);
      return {
        ...rest,
        participants: call.participants.map((participant) =>
          participant.state === 'gone'
            ? participant
            : {
                state: 'gone',
                userAlias: participant.userAlias,
                at: event.time,
                reason: event.data.reason,
                deviceId: participant.state === 'connected' ? participant.deviceId : null,
              },
        ),
        status: 'ended',
        answeredAt: call.status === 'ringing' ? null : call.answeredAt,
        endedAt: event.time,
        reason: event.data.reason,
        talkSeconds: event.data.talkSeconds,
      };
    }
    default:
      return event satisfies never;
  }
}
