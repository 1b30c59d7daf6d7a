import { z } from 'zod';
import { iceServersSchema } from './call-commands.js';
import { callIdSchema, deviceIdSchema, recordedAliasSchema } from './ids.js';
import { socketErrorSchema } from './socket-protocol.js';
import { text } from './text.js';

/** Subprotocol of the media socket, the second public door. */
export const mediaSubprotocol = 'communication-center-media.v1';

const sdp = text().min(1).max(60_000);
const streamId = text().min(1).max(128);
export const streamKindSchema = z.enum(['camera', 'screen']);
export type StreamKind = z.infer<typeof streamKindSchema>;
const peer = z.enum(['publisher', 'subscriber']);
const candidate = z
  .object({
    candidate: text().max(4096),
    sdpMid: text().max(256).nullish(),
    sdpMLineIndex: z.int().nullish(),
    usernameFragment: text().max(256).nullish(),
  })
  .nullable()
  .describe('null: no more will come (RFC 8838 end-of-candidates)');

/** What a client sends on its media socket. The first frame must be `join`. */
export const mediaClientFrameSchema = z.discriminatedUnion('type', [
  z.object({ type: z.literal('join'), token: text().min(1).max(4096) }),
  z.object({ type: z.literal('publish'), kind: streamKindSchema, sdp }),
  z.object({ type: z.literal('answer'), sdp }),
  z.object({ type: z.literal('candidate'), peer, candidate }),
  z.object({ type: z.literal('ping') }),
]);
export type MediaClientFrame = z.infer<typeof mediaClientFrameSchema>;

export const streamSchema = z.object({ streamId, userAlias: recordedAliasSchema, deviceId: deviceIdSchema, kind: streamKindSchema });
export type Stream = z.infer<typeof streamSchema>;

/** What the media service sends. */
export const mediaServerFrameSchema = z.discriminatedUnion('type', [
  z.object({
    type: z.literal('joined'),
    callId: callIdSchema,
    streams: z.array(streamSchema),
    node: z.string().optional().describe('the media node that carries the call'),
    generation: z.int().optional().describe('rises when the call moves to another media node'),
    iceServers: iceServersSchema.optional().describe('STUN and TURN servers to use, in place of those beside the token'),
  }),
  z.object({ type: z.literal('published'), sdp }),
  z.object({
    type: z.literal('offer'),
    sdp,
    tracks: z.array(z.object({ mid: z.string(), streamId })).describe('which stream each media section of the offer belongs to'),
  }),
  z.object({ type: z.literal('stream_added'), stream: streamSchema }),
  z.object({ type: z.literal('stream_removed'), streamId }),
  z.object({ type: z.literal('error'), error: socketErrorSchema }),
  z.object({ type: z.literal('closed'), reason: z.enum(['call_ended', 'call_left', 'media_lost', 'restarting']) }),
  z.object({ type: z.literal('pong') }),
]);
export type MediaServerFrame = z.infer<typeof mediaServerFrameSchema>;
