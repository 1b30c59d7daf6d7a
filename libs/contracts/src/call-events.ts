import { z } from 'zod';
import {
  callLimits,
  callTypeSchema,
  customDataSchema,
  declineReasonSchema,
  endReasonSchema,
  forbiddableSchema,
  mediaFailureSchema,
} from './call-terms.js';
import { eventSchema } from './envelope.js';
import { broadcastIdSchema, callIdSchema, deviceIdSchema, recordedAliasSchema, recordingIdSchema } from './ids.js';

const audience = z
  .array(recordedAliasSchema)
  .max(callLimits.everParticipants)
  .describe('everyone who ever had a part in the call: those to be told');
const who = { audience, userAlias: recordedAliasSchema };
const whoAndWhere = { ...who, deviceId: deviceIdSchema.nullable().describe('null when the Center or a server acted') };

const by = recordedAliasSchema.nullable().describe('null when a server did it');
const media = z.array(forbiddableSchema).min(1);

const refusalSchema = z.enum(['busy', 'do_not_disturb']);

function callEvent<T extends string, S extends z.ZodRawShape>(type: T, shape: S) {
  return eventSchema(type, z.object(shape)).extend({ callid: callIdSchema });
}

export const callDialedSchema = callEvent('call.dialed', {
  audience,
  initiator: recordedAliasSchema,
  initiatorDevice: deviceIdSchema.nullable().describe('null when a server dialed for the initiator'),
  callees: z.array(recordedAliasSchema).min(1),
  callType: callTypeSchema,
  ringSeconds: z.int(),
  maxParticipants: z.int(),
  maxDurationSeconds: z.int(),
  mediaSetupSeconds: z.int().optional().describe('how long a device may take to join media; 0 or left out: the app carries media itself'),
  customData: customDataSchema.optional(),
  recordingId: recordingIdSchema.optional().describe('of the recording that begins with the first answer'),
  refused: z
    .array(z.object({ userAlias: recordedAliasSchema, reason: refusalSchema }))
    .optional()
    .describe('callees who are not rung at all'),
  waiting: z.array(recordedAliasSchema).optional().describe('callees who are rung although they are busy (call waiting)'),
});
export const callParticipantInvitedSchema = callEvent('call.participant_invited', {
  ...who,
  initiator: recordedAliasSchema,
  invitedBy: recordedAliasSchema.nullable().describe('null when a server invited'),
  callType: callTypeSchema,
  ringSeconds: z.int(),
  refused: refusalSchema.optional().describe('set when the user is not rung at all'),
  waiting: z.boolean().optional().describe('set when the user is rung although busy (call waiting)'),
});
export const callRingingSchema = callEvent('call.ringing', whoAndWhere);
export const callAnsweredSchema = callEvent('call.answered', { ...who, deviceId: deviceIdSchema });
export const callDeclinedSchema = callEvent('call.declined', { ...whoAndWhere, reason: declineReasonSchema });
export const callMissedSchema = callEvent('call.missed', { ...who, initiator: recordedAliasSchema, reason: endReasonSchema });
export const callBusySchema = callEvent('call.busy', {
  ...who,
  waiting: z.boolean().optional().describe('whether the busy user is rung nevertheless (call waiting)'),
});
export const callIgnoredSchema = callEvent('call.ignored', { ...who, deviceId: deviceIdSchema });
export const callJoinedSchema = callEvent('call.joined', { ...who, deviceId: deviceIdSchema });
const mediaFailure = mediaFailureSchema
  .optional()
  .describe('where `reason` is `media_failed`: why nothing came through, as far as is known');
export const callLeftSchema = callEvent('call.left', { ...whoAndWhere, reason: endReasonSchema, mediaFailure });
export const callHungUpSchema = callEvent('call.hung_up', { ...whoAndWhere, reason: endReasonSchema });
export const callKickedSchema = callEvent('call.kicked', { ...who, by });
export const callParticipantMutedSchema = callEvent('call.participant_muted', {
  ...who,
  by,
  media: media.describe('what the participant may not send any more, wherever it joins, until it is allowed again'),
});
export const callParticipantUnmutedSchema = callEvent('call.participant_unmuted', {
  ...who,
  by,
  media: media.describe('what the participant may send again; nothing is switched on by it'),
});
export const callLockedSchema = callEvent('call.locked', { audience, by });
export const callUnlockedSchema = callEvent('call.unlocked', { audience, by });
export const callHandRaisedSchema = callEvent('call.hand_raised', whoAndWhere);
export const callHandLoweredSchema = callEvent('call.hand_lowered', {
  ...who,
  by: by.describe('the participant, or who moderates the call; null when a server did it'),
});
const recording = { audience, recordingId: recordingIdSchema, by: by.describe('null when a server did it, or the app has it so') };
export const callRecordingStartedSchema = callEvent('call.recording_started', recording);
export const callRecordingPausedSchema = callEvent('call.recording_paused', recording);
export const callRecordingResumedSchema = callEvent('call.recording_resumed', recording);
export const callRecordingStoppedSchema = callEvent('call.recording_stopped', {
  ...recording,
  reason: z
    .enum(['stopped', 'call_ended', 'failed'])
    .describe('call_ended: its call ends with it; failed: the Center could not record, or not go on with it'),
});
const broadcast = { audience, broadcastId: broadcastIdSchema, by: by.describe('null when a server did it') };
export const callBroadcastStartedSchema = callEvent('call.broadcast_started', broadcast);
export const callBroadcastStoppedSchema = callEvent('call.broadcast_stopped', {
  ...broadcast,
  reason: z
    .enum(['stopped', 'call_ended', 'failed'])
    .describe('call_ended: its call ends with it; failed: the Center could not broadcast, or not go on with it'),
});
export const callUpgradeRequestedSchema = callEvent('call.upgrade_requested', {
  ...who,
  deviceId: deviceIdSchema,
  until: z.iso.datetime().describe('when a request without an answer lapses'),
});
export const callUpgradeAcceptedSchema = callEvent('call.upgrade_accepted', { ...who, deviceId: deviceIdSchema });
export const callUpgradeRefusedSchema = callEvent('call.upgrade_refused', {
  ...whoAndWhere,
  reason: z.enum(['refused', 'no_answer']).describe('no_answer: nobody in particular refused, the request lapsed'),
});
export const callEndedSchema = callEvent('call.ended', {
  audience,
  reason: endReasonSchema,
  declineReason: declineReasonSchema.optional().describe('set when `reason` is `declined`: what was given for it'),
  mediaFailure,
  talkSeconds: z.number().nonnegative().describe('from the first answer to the end; 0 when nobody answered'),
});

/** Every event of a call, told apart by `type`. */
export const callEventSchema = z.discriminatedUnion('type', [
  callDialedSchema,
  callParticipantInvitedSchema,
  callRingingSchema,
  callAnsweredSchema,
  callDeclinedSchema,
  callMissedSchema,
  callBusySchema,
  callIgnoredSchema,
  callJoinedSchema,
  callLeftSchema,
  callHungUpSchema,
  callKickedSchema,
  callParticipantMutedSchema,
  callParticipantUnmutedSchema,
  callLockedSchema,
  callUnlockedSchema,
  callRecordingStartedSchema,
  callRecordingPausedSchema,
  callRecordingResumedSchema,
  callRecordingStoppedSchema,
  callBroadcastStartedSchema,
  callBroadcastStoppedSchema,
  callHandRaisedSchema,
  callHandLoweredSchema,
  callUpgradeRequestedSchema,
  callUpgradeAcceptedSchema,
  callUpgradeRefusedSchema,
  callEndedSchema,
]);
export type CallEvent = z.infer<typeof callEventSchema>;
export type CallEventType = CallEvent['type'];

/** What the decider says happened: an event before the store gives it an id, a time and a version. */
export type CallFact = { [T in CallEventType]: { type: T; data: Extract<CallEvent, { type: T }>['data'] } }[CallEventType];
