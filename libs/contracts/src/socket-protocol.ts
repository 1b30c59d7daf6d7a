import { z } from 'zod';
import {
  answerSchema,
  callReplySchema,
  declineSchema,
  dialSchema,
  inviteSchema,
  kickSchema,
  lowerHandSchema,
  muteAllSchema,
  muteSchema,
} from './call-commands.js';
import { callEventSchema } from './call-events.js';
import { callStateSchema } from './call-state.js';
import { profileSchema } from './directory.js';
import { partEndSchema } from './how-it-went.js';
import { appIdSchema, callIdSchema, commandIdSchema, deviceIdSchema, platformSchema, sessionIdSchema, userAliasSchema } from './ids.js';
import { presenceLimits, presenceSchema } from './presence.js';
import { problemCodeSchema, problemFieldSchema } from './problems.js';
import { text } from './text.js';

/** WebSocket subprotocol name (RFC 6455 §1.9). */
export const socketSubprotocol = 'communication-center.v1';
/** Pages cannot set header fields of an upgrade: at sockets of other services they offer this, with their token after it, beside the subprotocol they speak. */
export const bearerSubprotocol = 'communication-center.bearer.';
/** A larger frame gets `frame_too_large` and the socket is closed. */
export const maxFrameBytes = 65_536;

/** Names a frame of a client; only such an id is ever told back. */
export const frameIdSchema = z.union([text().max(64), z.int()]).describe('made by the client, returned in the reply');
const id = frameIdSchema;
const onCall = { id, commandId: commandIdSchema, callId: callIdSchema };

export const connectFrameSchema = z.object({
  type: z.literal('connect'),
  id,
  appId: appIdSchema,
  userAlias: userAliasSchema,
  deviceId: deviceIdSchema,
  platform: platformSchema.default('other'),
  token: text()
    .min(1)
    .max(8192)
    .describe(
      "a user token: a JWT signed with the app's secret, or minted by POST /v1/user-tokens; or the ring token of a push, for its call alone",
    ),
});

/** What a client has done to calls: the calls service carries it out. */
export const callFrameSchema = z.discriminatedUnion('type', [
  z.object({ type: z.literal('dial'), id, commandId: commandIdSchema, ...dialSchema.shape }),
  z.object({ type: z.literal('ringing'), ...onCall }),
  z.object({ type: z.literal('answer'), ...onCall, ...answerSchema.shape }),
  z.object({ type: z.literal('decline'), ...onCall, ...declineSchema.shape }),
  z.object({ type: z.literal('ignore'), ...onCall }),
  z.object({ type: z.literal('join'), ...onCall }),
  z.object({ type: z.literal('hang_up'), ...onCall }),
  z.object({ type: z.literal('add'), ...onCall, ...inviteSchema.shape }),
  z.object({ type: z.literal('ring'), ...onCall, ...inviteSchema.shape }),
  z.object({ type: z.literal('kick'), ...onCall, ...kickSchema.shape }),
  z.object({ type: z.literal('mute'), ...onCall, ...muteSchema.shape }),
  z.object({ type: z.literal('allow'), ...onCall, ...muteSchema.shape }),
  z.object({ type: z.literal('mute_all'), ...onCall, ...muteAllSchema.shape }),
  z.object({ type: z.literal('lock'), ...onCall }),
  z.object({ type: z.literal('unlock'), ...onCall }),
  z.object({ type: z.literal('raise_hand'), ...onCall }),
  z.object({ type: z.literal('lower_hand'), ...onCall, ...lowerHandSchema.shape }),
  z.object({ type: z.literal('start_recording'), ...onCall }),
  z.object({ type: z.literal('pause_recording'), ...onCall }),
  z.object({ type: z.literal('resume_recording'), ...onCall }),
  z.object({ type: z.literal('stop_recording'), ...onCall }),
  z.object({ type: z.literal('start_broadcast'), ...onCall }),
  z.object({ type: z.literal('stop_broadcast'), ...onCall }),
  z.object({ type: z.literal('request_upgrade'), ...onCall }),
  z.object({ type: z.literal('accept_upgrade'), ...onCall }),
  z.object({ type: z.literal('refuse_upgrade'), ...onCall }),
  z.object({ type: z.literal('credentials'), id, callId: callIdSchema }),
]);
export type CallFrame = z.infer<typeof callFrameSchema>;

/** What a client may send. The first frame must be `connect`. */
export const clientFrameSchema = z.discriminatedUnion('type', [
  connectFrameSchema,
  ...callFrameSchema.options,
  z
    .object({ type: z.literal('cancel_dial'), id, commandId: commandIdSchema.describe('the dial’s') })
    .describe('gives a dial up that has no reply yet: it is not tried again, and a call that it made all the same is hung up'),
  z
    .object({ type: z.literal('device_ringing'), id, callId: callIdSchema })
    .describe(
      'this device rings as well: sent in place of `ringing` once another device of the user has confirmed the ring; answered by `done`',
    ),
  z.object({ type: z.literal('profiles'), id, userAliases: z.array(userAliasSchema).min(1).max(64) }),
  z
    .object({ type: z.literal('watch'), id, userAliases: z.array(userAliasSchema).min(1).max(presenceLimits.batch) })
    .describe('tells the presence of these users now and whenever it changes, until the socket closes'),
  z.object({ type: z.literal('unwatch'), id, userAliases: z.array(userAliasSchema).min(1).max(presenceLimits.batch) }),
  z.object({ type: z.literal('set_away'), id, away: z.boolean().describe('whether nobody is at the device') }),
  z
    .object({ type: z.literal('refresh'), id, token: connectFrameSchema.shape.token })
    .describe(
      'goes on with another user token of the same user, before or after `token_expiring`; who came by a ring token may do everything from then on; answered by `done`',
    ),
  z.object({ type: z.literal('ping') }),
  z.object({ type: z.literal('sign_out') }),
]);
export type ClientFrame = z.infer<typeof clientFrameSchema>;
export type ClientFrameInput = z.input<typeof clientFrameSchema>;

export const socketErrorSchema = z.object({
  code: problemCodeSchema,
  message: z.string(),
  fields: z.array(problemFieldSchema).optional(),
  callId: z.string().optional(),
  retryAfterSeconds: z.int().optional().describe('set where it is known when another try may fare better'),
  traceId: z.string().optional().describe('the trace in which the log of the Center tells of it'),
});
export type SocketError = z.infer<typeof socketErrorSchema>;

/** What the Center sends. */
export const serverFrameSchema = z.discriminatedUnion('type', [
  z.object({
    type: z.literal('connected'),
    id,
    sessionId: sessionIdSchema,
    heartbeatSeconds: z.number().describe('send ping at least this often; the Center does the same with WebSocket pings'),
    calls: z.array(callStateSchema).describe('under way, or ended in the last five minutes'),
  }),
  z.object({ type: z.literal('reply'), id, result: callReplySchema }),
  z.object({ type: z.literal('profiles'), id, profiles: z.array(profileSchema) }),
  z.object({ type: z.literal('presences'), id, presences: z.array(presenceSchema), unknown: z.array(userAliasSchema) }),
  z.object({ type: z.literal('presence'), presence: presenceSchema }).describe('of a watched user; drop one whose version is not newer'),
  z
    .object({ type: z.literal('unseen'), userAliases: z.array(userAliasSchema) })
    .describe('of these watched users nothing is to be seen for now: forget what was told of them, versions too'),
  z.object({ type: z.literal('done'), id }),
  z.object({ type: z.literal('error'), id: id.optional(), error: socketErrorSchema }),
  z.object({
    type: z.literal('event'),
    event: callEventSchema,
    ringEnded: partEndSchema.optional().describe('set when this event ended the ring on this device'),
  }),
  z
    .object({ type: z.literal('token_expiring'), expiresAt: z.iso.datetime() })
    .describe('send `refresh` until then, or the socket is closed; while the device is in a call it stays open'),
  z.object({ type: z.literal('draining') }).describe('this gateway is stopping: connect anew'),
  z.object({ type: z.literal('pong') }),
]);
export type ServerFrame = z.infer<typeof serverFrameSchema>;
