import { z } from 'zod';
import type { CallEvent } from './call-events.js';
import { callTypeSchema, customDataSchema, declineReasonSchema, endReasonSchema, mediaFailureSchema } from './call-terms.js';
import { broadcastIdSchema, callIdSchema, recordedAliasSchema, recordingIdSchema, type UserAlias } from './ids.js';
import { foldParticipant, type OwnEvent, type Participant, participantSchema } from './participants.js';

const time = z.iso.datetime();

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
  lock: z
    .object({
      by: recordedAliasSchema.nullable().describe('null: a server'),
      since: time,
      members: z.array(recordedAliasSchema).describe('who is in the call, or was since it was locked: they may come back'),
    })
    .optional()
    .describe('set while nobody more may be invited or come; who rings may answer'),
  recordsFromAnswer: recordingIdSchema.optional().describe('of the recording that begins with the first answer'),
  recording: z
    .object({
      recordingId: recordingIdSchema,
      by: recordedAliasSchema.nullable().describe('who began it; null: a server, or the app has it so'),
      since: time,
      paused: z.boolean(),
    })
    .optional()
    .describe('set while the call is recorded, or will be as soon as anything can be'),
  recordings: z.int().positive().optional().describe('how many recordings of it were begun'),
  broadcast: z
    .object({
      broadcastId: broadcastIdSchema,
      by: recordedAliasSchema.nullable().describe('who began it; null: a server'),
      since: time,
    })
    .optional()
    .describe('set while the call is broadcast to people who are not in it, or will be as soon as it can be'),
  broadcasts: z.int().positive().optional().describe('how many broadcasts of it were begun'),
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
    declineReason: declineReasonSchema.optional().describe('set when `reason` is `declined`: what was given for it'),
    mediaFailure: mediaFailureSchema.optional().describe('where `reason` is `media_failed`: why nothing came through of whoever left last'),
    talkSeconds: z.number(),
  }),
]);
export type CallState = z.infer<typeof callStateSchema>;

/**
 * Raised whenever {@link foldCallEvent} makes something else of the same events: states that were kept beside their events by
 * another version are folded anew. Also where a state has got what a release before would leave out of it, as bans and the lock (3), why
 * media failed, and recordings (4), broadcasts (5).
 */
export const foldVersion = 5;

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
  const { data, time: dialedAt } = event;
  return {
    status: 'ringing',
    callId: event.callid,
    sequence: event.sequence,
    callType: data.callType,
    initiator: data.initiator,
    participants: [data.initiator, ...data.callees].flatMap((userAlias) => foldParticipant(undefined, event, userAlias) ?? []),
    manyToMany: data.callees.length > 1,
    dialedAt,
    maxParticipants: data.maxParticipants,
    maxDurationSeconds: data.maxDurationSeconds,
    ringSeconds: data.ringSeconds,
    ...(data.mediaSetupSeconds && { mediaSetupSeconds: data.mediaSetupSeconds }),
    ...(data.customData && { customData: data.customData }),
    ...(data.recordingId && { recordsFromAnswer: data.recordingId }),
  };
}

/** Folds into the call what an event did to the part of whom it is about. */
function withPartOf(call: CallState, event: OwnEvent): CallState {
  const { userAlias } = event.data;
  const before = participantOf(call, userAlias);
  const after = foldParticipant(before, event, userAlias);
  return after && after !== before ? withParticipant(call, after) : call;
}

function talking(call: CallState, at: string): CallState {
  const connected = call.participants.filter(({ state }) => state === 'connected').length;
  return call.status === 'ringing' && connected >= 2 ? { ...call, status: 'connected', answeredAt: at } : call;
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

function locked(call: CallState, { data: { by }, time: since }: Extract<CallEvent, { type: 'call.locked' }>): CallState {
  const members = call.participants.flatMap(({ state, userAlias }) => (state === 'connected' ? [userAlias] : []));
  return call.lock ? call : { ...call, lock: { by, since, members } };
}

function withoutLock({ lock: _, ...call }: CallState): CallState {
  return call;
}

/** Whoever comes into a call that is locked had been rung before: from now on they may come back. */
function withMember(call: CallState, userAlias: UserAlias): CallState {
  if (!call.lock || call.lock.members.includes(userAlias)) return call;
  return { ...call, lock: { ...call.lock, members: [...call.lock.members, userAlias] } };
}

function recorded(call: CallState, { data: { recordingId, by }, time: since }: CallEvent & { type: 'call.recording_started' }): CallState {
  const { recordsFromAnswer: _, ...rest } = call;
  return { ...rest, recording: { recordingId, by, since, paused: false }, recordings: (call.recordings ?? 0) + 1 };
}

function pausedOrNot(call: CallState, paused: boolean): CallState {
  return call.recording ? { ...call, recording: { ...call.recording, paused } } : call;
}

function withoutRecording({ recording: _, ...call }: CallState): CallState {
  return call;
}

function broadcast(call: CallState, { data: { broadcastId, by }, time: since }: CallEvent & { type: 'call.broadcast_started' }): CallState {
  return { ...call, broadcast: { broadcastId, by, since }, broadcasts: (call.broadcasts ?? 0) + 1 };
}

function withoutBroadcast({ broadcast: _, ...call }: CallState): CallState {
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
  switch (event.type) {
    case 'call.participant_invited': {
      const next = withPartOf(call, event);
      return { ...next, manyToMany: next.participants.length > 2 };
    }
    case 'call.answered':
    case 'call.joined':
      return talking(withMember(withPartOf(call, event), event.data.userAlias), event.time);
    case 'call.ringing':
    case 'call.ignored':
    case 'call.declined':
    case 'call.busy':
    case 'call.missed':
    case 'call.left':
    case 'call.hung_up':
    case 'call.kicked':
    case 'call.participant_muted':
    case 'call.participant_unmuted':
    case 'call.hand_raised':
    case 'call.hand_lowered':
      return withPartOf(call, event);
    case 'call.locked':
      return locked(call, event);
    case 'call.unlocked':
      return withoutLock(call);
    case 'call.recording_started':
      return recorded(call, event);
    case 'call.recording_paused':
      return pausedOrNot(call, true);
    case 'call.recording_resumed':
      return pausedOrNot(call, false);
    case 'call.recording_stopped':
      return withoutRecording(call);
    case 'call.broadcast_started':
      return broadcast(call, event);
    case 'call.broadcast_stopped':
      return withoutBroadcast(call);
    case 'call.upgrade_requested':
      return upgradeRequested(call, event.data);
    case 'call.upgrade_accepted':
      return call.upgrade ? { ...call, upgrade: { ...call.upgrade, accepted: [...call.upgrade.accepted, event.data.userAlias] } } : call;
    case 'call.upgrade_refused':
      return withoutUpgrade(call);
    case 'call.ended':
      return ended(call, event);
    default:
      return event satisfies never;
  }
}

function ended(call: CallState, event: Extract<CallEvent, { type: 'call.ended' }>): CallState {
  const { upgradeRequests: _, recordsFromAnswer: __, ...rest } = withoutBroadcast(withoutRecording(withoutLock(withoutUpgrade(call))));
  const { reason, declineReason, mediaFailure, talkSeconds } = event.data;
  return {
    ...rest,
    participants: call.participants.map((participant) => foldParticipant(participant, event, participant.userAlias) ?? participant),
    status: 'ended',
    answeredAt: call.status === 'ringing' ? null : call.answeredAt,
    endedAt: event.time,
    reason,
    ...(declineReason && { declineReason }),
    ...(mediaFailure && { mediaFailure }),
    talkSeconds,
  };
}
