import { z } from 'zod';
import { callStateSchema } from './call-state.js';
import { declineReasonSchema, endReasonSchema, mediaFailureSchema } from './call-terms.js';
import { callOutcomeSchema } from './how-it-went.js';
import { deviceIdSchema, recordedAliasSchema, userAliasSchema } from './ids.js';
import { cursorSchema, moment } from './text.js';

/** One person's part in a call, summed up. */
export const callPartSchema = z.object({
  userAlias: recordedAliasSchema,
  role: z.enum(['initiator', 'callee']),
  outcome: callOutcomeSchema.nullable().describe('null while it is open; unanswered: the initiator reached nobody'),
  reason: endReasonSchema.nullable().describe('why the part ended; null while it goes on'),
  declineReason: declineReasonSchema.optional().describe('set when the last ring was declined: what was given as reason'),
  mediaFailure: mediaFailureSchema.optional().describe('where `reason` is `media_failed`: why nothing came through, as far as is known'),
  deviceId: deviceIdSchema.nullable().describe('the device that dialed, answered or declined'),
  ringSeconds: z.number().nonnegative().describe('how long the phone rang, over all rings that have ended'),
  talkSeconds: z.number().nonnegative().describe('how long the person talked, over all stays that have ended'),
});
export type CallPart = z.infer<typeof callPartSchema>;

/** A call with everyone's outcome. */
export const callRecordSchema = callStateSchema.and(z.object({ parts: z.array(callPartSchema) }));
export type CallRecord = z.infer<typeof callRecordSchema>;

/** Query of GET /v1/calls. */
export const callListQuerySchema = z
  .object({
    userAlias: userAliasSchema.optional().describe('whose calls; a user token sees its own alone'),
    deviceId: deviceIdSchema.optional().describe('outcomes as this device of the user saw them'),
    status: z.enum(['ringing', 'connected', 'ended']).optional(),
    outcome: callOutcomeSchema.optional().describe('of the user; without one, of anybody'),
    from: moment().optional().describe('dialed then or later'),
    to: moment().optional().describe('dialed before'),
    limit: z.coerce.number().int().min(1).max(200).default(50),
    cursor: cursorSchema.optional().describe('the nextCursor of the page before'),
  })
  .strict();
export type CallListQuery = z.infer<typeof callListQuerySchema>;

/** A page of calls, newest first. */
export const callListSchema = z.object({ calls: z.array(callRecordSchema), nextCursor: z.string().nullable() });
export type CallList = z.infer<typeof callListSchema>;
