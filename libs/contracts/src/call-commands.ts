import { z } from 'zod';
import { callStateSchema } from './call-state.js';
import { callLimits, callTypeSchema, customDataSchema, declineReasonSchema, forbiddableSchema } from './call-terms.js';
import { callIdSchema, commandIdSchema, deviceIdSchema, userAliasSchema } from './ids.js';

const inviteFields = {
  callees: z
    .array(userAliasSchema)
    .min(1)
    .max(callLimits.maxParticipants.max - 1)
    .refine((callees) => new Set(callees).size === callees.length, { message: 'name each callee once' }),
  ringSeconds: z.int().min(callLimits.ringSeconds.min).max(callLimits.ringSeconds.max).optional(),
};

const dialFields = {
  ...inviteFields,
  callType: callTypeSchema.default('audio_video'),
  maxDurationSeconds: z.int().min(callLimits.maxDurationSeconds.min).max(callLimits.maxDurationSeconds.max).optional(),
  customData: customDataSchema.optional(),
  record: z
    .boolean()
    .optional()
    .describe('whether it is recorded from the first answer: servers may ask for it, and users where the app lets them (usersMayRecord)'),
};

export const dialSchema = z.object(dialFields);
export type Dial = z.infer<typeof dialSchema>;
export const inviteSchema = z.object(inviteFields);
export const answerSchema = z.object({
  hangUpOther: z.boolean().optional().describe('whether to leave the call the user is in, in the same act'),
});
export const kickSchema = z.object({ participant: userAliasSchema.describe('who is put out') });
const mediaField = {
  media: z.array(forbiddableSchema).min(1).max(8).default(['audio']).describe('audio: the microphone; video: the picture'),
};
export const muteSchema = z.object({ participant: userAliasSchema.describe('whose'), ...mediaField });
export const muteAllSchema = z.object(mediaField);
export const lowerHandSchema = z.object({ participant: userAliasSchema.optional().describe('whose, where it is not one’s own') });
export const declineSchema = z.object({ reason: declineReasonSchema.default('none') });

const actor = {
  commandId: commandIdSchema.optional().describe('a repeat with the same id gets the first reply'),
  userAlias: userAliasSchema.optional().describe('for whom an API key acts; a user token acts for its own user'),
  deviceId: deviceIdSchema.optional().describe('the device that acts'),
};

/** Body of POST /v1/calls. With an API key, `userAlias` names the initiator, whose devices ring too unless `deviceId` is given. */
export const createCallBodySchema = z.object({ ...actor, ...dialFields });
/** Body of POST /v1/calls/{callId}/ringing, /ignore, /join, /hang-up, /end, /lock, /unlock, /raise-hand, /start-, /pause-, /resume- and /stop-recording, /start- and /stop-broadcast, /credentials, and /request-, /accept- and /refuse-upgrade. */
export const callActionBodySchema = z.object(actor);
/** Body of POST /v1/calls/{callId}/answer. */
export const answerCallBodySchema = z.object({ ...actor, ...answerSchema.shape });
/** Body of POST /v1/calls/{callId}/add and /ring. Without `userAlias`, an API key invites in the server's own name. */
export const inviteBodySchema = z.object({ ...actor, ...inviteFields });
/** Body of POST /v1/calls/{callId}/kick. Without `userAlias`, an API key kicks in the server's own name. */
export const kickBodySchema = z.object({ ...actor, ...kickSchema.shape });
/** Body of POST /v1/calls/{callId}/mute and /allow. Without `userAlias`, an API key does it in the server's own name. */
export const muteBodySchema = z.object({ ...actor, ...muteSchema.shape });
/** Body of POST /v1/calls/{callId}/mute-all. Without `userAlias`, an API key does it in the server's own name. */
export const muteAllBodySchema = z.object({ ...actor, ...muteAllSchema.shape });
/** Body of POST /v1/calls/{callId}/lower-hand. Without `userAlias`, an API key does it in the server's own name. */
export const lowerHandBodySchema = z.object({ ...actor, ...lowerHandSchema.shape });
/** Body of POST /v1/calls/{callId}/decline. */
export const declineCallBodySchema = z.object({ ...actor, ...declineSchema.shape });

export const iceServersSchema = z.array(
  z.object({ urls: z.array(z.string()), username: z.string().optional(), credential: z.string().optional() }),
);

export const mediaCredentialsSchema = z.object({
  url: z.string().describe('the media socket to open'),
  token: z.string().describe('opens it for this call, user and device until `expiresAt`'),
  expiresAt: z.iso.datetime(),
  generation: z.int().describe('always 1, for clients of earlier releases: what the join of the media socket is answered tells it'),
  iceServers: iceServersSchema.describe('for clients of earlier releases: those that the join of the media socket is answered count'),
});
export type MediaCredentials = z.infer<typeof mediaCredentialsSchema>;

/** What every accepted command about a call returns. */
export const callReplySchema = z.object({
  callId: callIdSchema,
  sequence: z.int(),
  call: callStateSchema,
  media: mediaCredentialsSchema.nullable().optional().describe('for the dialing and the answering device; null: ask for it again'),
});
export type CallReply = z.infer<typeof callReplySchema>;

export const timelineSchema = z.object({
  callId: callIdSchema,
  events: z.array(z.object({ sequence: z.int(), type: z.string(), time: z.iso.datetime(), data: z.record(z.string(), z.unknown()) })),
});
export type Timeline = z.infer<typeof timelineSchema>;

/** What a connecting device must know: calls under way and calls that ended a short while ago. */
export const callSnapshotSchema = z.object({ takenAt: z.iso.datetime(), calls: z.array(callStateSchema) });
export type CallSnapshot = z.infer<typeof callSnapshotSchema>;
