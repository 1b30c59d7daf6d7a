import { z } from 'zod';
import { iceServersSchema } from './call-commands.js';
import { callIdSchema, deviceIdSchema, recordedAliasSchema } from './ids.js';
import { qualityFrameSchema } from './quality.js';
import { socketErrorSchema } from './socket-protocol.js';
import { text } from './text.js';

/** Subprotocol of the media socket, the second public door. */
export const mediaSubprotocol = 'communication-center-media.v1';

/** With this code a device closes a media socket that is no good to it, and means to go on with its connections: as if it had broken. */
export const mediaGivenUpCode = 4010;

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

/** `off`: muted, or the camera is switched off; `none`: there is no such device, or it may not be used. */
const sendingStateSchema = z.enum(['on', 'off', 'none']);
export const sendingSchema = z.object({ audio: sendingStateSchema, video: sendingStateSchema });
export type Sending = z.infer<typeof sendingSchema>;

/** The sizes in which a camera is sent at once, in the order of an offer's `a=simulcast:send h;m;l` (RFC 8853): all of it, half, a quarter. */
export const layerNames = ['h', 'm', 'l'] as const;
const layersSchema = z
  .array(z.object({ rid: z.enum(layerNames), height: z.int().min(1).max(8192) }))
  .max(layerNames.length)
  .describe('in which sizes the picture is sent at once, in pixels; left out where it is sent in one');
export type Layer = z.infer<typeof layersSchema>[number];
/** What the media door knows beyond the frames of its first release, in the words of `joined.knows`. */
export const mediaDoorKnows = [
  'sending',
  'ping.nextWithinMs',
  'publish.again',
  'screen',
  'unwatched',
  'quality',
  'resume',
  'ice.restart',
  'layers',
] as const;
/** What a client says at the join that it knows beyond the frames of the first release. */
export const mediaClientKnows = ['moved', 'speaking'] as const;

/** What a client sends on its media socket. The first frame must be `join`. */
export const mediaClientFrameSchema = z.discriminatedUnion('type', [
  z.object({
    type: z.literal('join'),
    token: text().min(1).max(4096),
    resume: text()
      .max(64)
      .optional()
      .describe('`joined.resume` of a media socket of this device that broke: its connections go on where they are still held'),
    knows: z
      .array(text().max(64))
      .max(16)
      .optional()
      .describe('frames that this client takes beyond those of the first release: `moved`, `speaking`'),
  }),
  z
    .object({
      type: z.literal('publish'),
      kind: streamKindSchema,
      sdp,
      screen: z
        .array(text().min(1).max(64))
        .max(2)
        .optional()
        .describe('the media sections of the offer (`mid`) that carry a screen and its sound; where `joined.knows` has `screen`'),
    })
    .describe('an offer of all that this device sends; where `joined.knows` has `publish.again`, a later one adds to the same connection'),
  z.object({ type: z.literal('answer'), sdp }),
  z
    .object({ type: z.literal('restart') })
    .describe('asks for an offer with which ICE begins anew in what this device receives; where `joined.knows` has `ice.restart`'),
  z.object({ type: z.literal('candidate'), peer, candidate }),
  z
    .object({
      type: z.literal('sending'),
      ...sendingSchema.shape,
      screen: sendingSchema
        .optional()
        .describe('set while a screen is shared: a stream of its own to the others; where `joined.knows` has `screen`'),
      layers: layersSchema.optional(),
    })
    .describe('tells the others what this device sends, before it publishes and whenever it changes; where `joined.knows` has `sending`'),
  z
    .object({
      type: z.literal('sizes'),
      sizes: z.array(z.object({ streamId, height: z.int().min(1).max(8192) })).max(64),
    })
    .describe(
      'how high these streams are shown here, in pixels: of a picture that is sent in several sizes the smallest comes that is as high; of streams that are not named, and of pictures in one size, all; where `joined.knows` has `layers`',
    ),
  z
    .object({ type: z.literal('unwatched'), streamIds: z.array(streamId).max(64) })
    .describe(
      'the pictures of these streams are not wanted now, those of all others are; sound always comes; where `joined.knows` has `unwatched`',
    ),
  qualityFrameSchema,
  z.object({
    type: z.literal('ping'),
    nextWithinMs: z
      .int()
      .min(500)
      .max(60_000)
      .optional()
      .describe(
        'when the next ping comes: without it, others are told that this device is quiet; where `joined.knows` has `ping.nextWithinMs`',
      ),
  }),
]);
export type MediaClientFrame = z.infer<typeof mediaClientFrameSchema>;

export const streamSchema = z.object({
  streamId,
  userAlias: recordedAliasSchema,
  deviceId: deviceIdSchema,
  kind: streamKindSchema,
  sending: sendingSchema.optional().describe('what comes in it now; left out by clients that do not say'),
  layers: layersSchema.optional(),
  quiet: z.boolean().optional().describe('set while nothing is heard of the device: its network is away'),
});
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
    resume: z.string().optional().describe('what to show at a later join, to go on with these connections when this socket breaks'),
    resumed: z
      .literal(true)
      .optional()
      .describe('set where the connections of the socket that broke go on; `streams` are those that are there now'),
    knows: z.array(z.string()).optional().describe('frames and fields that this door takes beyond those of the first release'),
  }),
  z.object({ type: z.literal('published'), sdp }),
  z.object({
    type: z.literal('offer'),
    sdp,
    tracks: z.array(z.object({ mid: z.string(), streamId })).describe('which stream each media section of the offer belongs to'),
  }),
  z.object({ type: z.literal('stream_added'), stream: streamSchema }),
  z
    .object({ type: z.literal('stream_changed'), stream: streamSchema })
    .describe('somebody sends something else, is quiet, or is heard of again'),
  z.object({ type: z.literal('stream_removed'), streamId }),
  z
    .object({ type: z.literal('speaking'), streamIds: z.array(streamId) })
    .describe('in these streams of others somebody speaks now, in no other; three times a second at most; to clients that know it'),
  z
    .object({ type: z.literal('moved') })
    .describe('join anew, with new credentials, and leave this socket when media comes over the new one; to clients that know it'),
  z
    .object({ type: z.literal('refused'), what: streamKindSchema, error: socketErrorSchema })
    .describe('what this device said that it sends does not reach the others: the call carries as many as it may (`too_many_streams`)'),
  z.object({ type: z.literal('error'), error: socketErrorSchema }),
  z.object({ type: z.literal('closed'), reason: z.enum(['call_ended', 'call_left', 'media_lost', 'media_failed', 'restarting']) }),
  z.object({ type: z.literal('pong') }),
]);
export type MediaServerFrame = z.infer<typeof mediaServerFrameSchema>;
