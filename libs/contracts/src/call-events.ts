import { z } from 'zod';
import { callLimits, callTypeSchema, customDataSchema, declineReasonSchema, endReasonSchema } from './call-terms.js';
import { eventSchema } from './envelope.js';
import { callIdSchema, deviceIdSchema, userAliasSchema } from './ids.js';

const audience = z
  .array(userAliasSchema)
  .max(callLimits.maxParticipants.max + 1)
  .describe('everyone who ever had a part in the call: those to be told');
const who = { audience, userAlias: userAliasSchema };
const whoAndWhere = { ...who, deviceId: deviceIdSchema.nullable().describe('null when the Center or a server acted') };

function callEvent<T extends string, S extends z.ZodRawShape>(type: T, shape: S) {
  return eventSchema(type, z.object(shape)).extend({ callid: callIdSchema });
}

export const callDialedSchema = callEvent('call.dialed', {
  audience,
  initiator: userAliasSchema,
  initiatorDevice: deviceIdSchema.nullable().describe('null when a server dialed for the initiator'),
  callees: z.array(userAliasSchema).min(1),
  callType: callTypeSchema,
  ringSeconds: z.int(),
  maxParticipants: z.int(),
  maxDurationSeconds: z.int(),
  customData: customDataSchema.optional(),
});
export const callRingingSchema = callEvent('call.ringing', whoAndWhere);
export const callAnsweredSchema = callEvent('call.answered', { ...who, deviceId: deviceIdSchema });
export const callDeclinedSchema = callEvent('call.declined', { ...whoAndWhere, reason: declineReasonSchema });
export const callMissedSchema = callEvent('call.missed', { ...who, initiator: userAliasSchema, reason: endReasonSchema });
export const callBusySchema = callEvent('call.busy', who);
export const callIgnoredSchema = callEvent('call.ignored', { ...who, deviceId: deviceIdSchema });
export const callLeftSchema = callEvent('call.left', { ...whoAndWhere, reason: endReasonSchema });
export const callHungUpSchema = callEvent('call.hung_up', { ...whoAndWhere, reason: endReasonSchema });
export const callEndedSchema = callEvent('call.ended', {
  audience,
  reason: endReasonSchema,
  talkSeconds: z.number().nonnegative().describe('from the first answer to the end; 0 when nobody answered'),
});

/** Every event of a call, told apart by `type`. */
export const callEventSchema = z.discriminatedUnion('type', [
  callDialedSchema,
  callRingingSchema,
  callAnsweredSchema,
  callDeclinedSchema,
  callMissedSchema,
  callBusySchema,
  callIgnoredSchema,
  callLeftSchema,
  callHungUpSchema,
  callEndedSchema,
]);
export type CallEvent = z.infer<typeof callEventSchema>;
export type CallEventType = CallEvent['type'];

/** What the decider says happened: an event before the store gives it an id, a time and a version. */
export type CallFact = { [T in CallEventType]: { type: T; data: Extract<CallEvent, { type: T }>['data'] } }[CallEventType];
