import { z } from 'zod';
import { callIdSchema, deviceIdSchema, recordedAliasSchema } from './ids.js';
import { text } from './text.js';

/** Bounds of what devices say of how their media comes and goes. */
export const qualityLimits = {
  /** Streams one sample tells of: sound and picture of a screen and camera of one's own, and of ten others. */
  streams: 44,
  /** Samples that a reading of a call gives of one device. */
  points: { default: 120, max: 500 },
} as const;

const counted = (what: string) => z.int().min(0).max(Number.MAX_SAFE_INTEGER).describe(what);
const measured = (most: number, what: string) => z.number().min(0).max(most).describe(what);

/** A minute of delay is no call any more. */
const mostMs = 60_000;

/** What counts from the beginning of a connection on: of two samples the difference says what was in between, whatever was lost of others. */
const counters = {
  bytes: counted('of media, since the connection began'),
  packets: counted('since the connection began'),
  lost: counted('packets that did not arrive, since the connection began'),
  frames: counted('pictures that were sent, or decoded, since the connection began').optional(),
  freezes: counted('how often a received picture stood still, since the connection began').optional(),
  frozenMs: counted('for how long it stood still in all').optional(),
};

/** What is so at the moment of a sample. */
const gauges = {
  roundTripMs: measured(mostMs, 'as reports of what is sent tell it').optional(),
  jitterMs: measured(mostMs, 'of arrivals').optional(),
  bufferMs: measured(mostMs, 'for how long what is received waits until it is played').optional(),
  width: z.int().min(0).max(32_768).optional(),
  height: z.int().min(0).max(32_768).optional(),
};

const mediumSchema = z.enum(['audio', 'video']);
const wayOfSample = z.enum(['sent', 'received']);

/** One stream of a device, sound or picture, as a device counts it. */
const sampledStreamSchema = z.object({
  way: wayOfSample,
  streamId: text().min(1).max(128).optional().describe('of what is received, as the Center names it'),
  screen: z.literal(true).optional().describe('of what is sent: set where it is of a screen'),
  media: mediumSchema,
  ...counters,
  ...gauges,
});

/** By which way media goes: the word of ICE for this end of the pair of candidates in use (RFC 8445 §5.1). */
const candidateTypeSchema = z.enum(['host', 'srflx', 'prflx', 'relay']);

/** What a device says, each few seconds, of how its media comes and goes. */
export const qualityFrameSchema = z
  .object({
    type: z.literal('quality'),
    roundTripMs: measured(mostMs, 'to Janus and back, by checks of the connection').optional(),
    candidateType: candidateTypeSchema.optional(),
    protocol: z.enum(['udp', 'tcp', 'tls']).optional().describe('of a relay: by which it is reached'),
    streams: z.array(sampledStreamSchema).max(qualityLimits.streams),
  })
  .describe('how media comes and goes here, as WebRTC counts it; answered by nothing; where `joined.knows` has `quality`');
export type QualityFrame = z.infer<typeof qualityFrameSchema>;
export type SampledStream = z.infer<typeof sampledStreamSchema>;

/** How a score comes about: the E-model of ITU-T G.107, simplified as docs/decisions/0091 says. */
export const qualityModel = 'g107-simplified';

const score = z
  .number()
  .min(1)
  .max(4.5)
  .nullable()
  .describe('mean opinion score of the sound that was received, 1 to 4.5, by `model`; null where none came');

/** How the media of one participant went, in all. */
const participantQualitySchema = z.object({
  userAlias: recordedAliasSchema,
  score,
  lowestScore: score.describe('of the worst sample'),
  samples: z.int().min(0),
  roundTripMs: z.number().nullable().describe('the median'),
  lossPercent: z.number().nullable().describe('of the packets that were to come'),
  jitterMs: z.number().nullable().describe('the median, of sound'),
  freezes: z.int().min(0).describe('how often received pictures stood still'),
  frozenMs: z.int().min(0),
  candidateType: z.string().nullable().describe('host, srflx, prflx or relay, as of the last sample'),
  failed: z
    .string()
    .nullable()
    .describe('why nothing ever came through: no_candidates, ice_failed, dtls_failed or no_frames; null where something did'),
});
export type ParticipantQuality = z.infer<typeof participantQualitySchema>;

/** What is told of a call when it is over. */
export const callQualitySchema = z.object({
  callId: callIdSchema,
  audience: z.array(recordedAliasSchema).describe('those of whom there are samples'),
  model: z.string().describe('how the scores come about'),
  participants: z.array(participantQualitySchema),
});
export type CallQuality = z.infer<typeof callQualitySchema>;

const pointSchema = z.object({
  at: z.iso.datetime(),
  kbps: z.number().nullable().describe('since the point before; null for the first of a connection'),
  lossPercent: z.number().nullable().describe('since the point before'),
  framesPerSecond: z.number().nullable(),
  freezes: z.int().min(0).describe('since the point before'),
  frozenMs: z.int().min(0).describe('since the point before'),
  roundTripMs: z.number().nullable(),
  jitterMs: z.number().nullable(),
  width: z.int().nullable(),
  height: z.int().nullable(),
});
export type QualityPoint = z.infer<typeof pointSchema>;

const seriesSchema = z.object({
  deviceId: deviceIdSchema,
  way: wayOfSample,
  from: recordedAliasSchema.describe('who sends it'),
  kind: z.enum(['camera', 'screen']),
  media: mediumSchema,
  points: z.array(pointSchema),
});
export type QualitySeries = z.infer<typeof seriesSchema>;

const seenByJanusSchema = z.object({
  deviceId: deviceIdSchema,
  at: z.iso.datetime(),
  up: z.boolean().describe('whether its connection to send was up'),
  receiving: z.array(mediumSchema).describe('what came of the device then'),
  slowUp: counted('packets of the device that Janus missed in seconds in which it missed many, since the connection began'),
  slowDown: counted('packets that the device missed of what Janus sent, likewise'),
});
export type SeenByJanus = z.infer<typeof seenByJanusSchema>;

/** Answer of GET /v1/calls/{callId}/quality. */
export const qualityViewSchema = z.object({
  callId: callIdSchema,
  model: z.string(),
  isOver: z.boolean().describe('whether the call has ended, and `call.quality` was told'),
  participants: z.array(
    participantQualitySchema.extend({
      streams: z.array(seriesSchema),
      janus: z.array(seenByJanusSchema).describe('what Janus says of the same devices, at the same times'),
    }),
  ),
});
export type QualityView = z.infer<typeof qualityViewSchema>;

export const qualityQuerySchema = z.object({
  points: z.coerce
    .number()
    .int()
    .min(2)
    .max(qualityLimits.points.max)
    .default(qualityLimits.points.default)
    .describe('of each stream at most, spread over the call'),
});
export type QualityQuery = z.infer<typeof qualityQuerySchema>;
