import { z } from 'zod';
import { iceServersSchema } from './call-commands.js';
import { text } from './text.js';

/** Bounds of a test before a call. */
export const mediaTestLimits = {
  /** For so long Janus sends back what comes, in seconds. */
  seconds: 15,
  /** And so much at most, in kilobits a second. */
  kbps: 2500,
} as const;

/** Body of POST /v1/media/test. */
export const mediaTestBodySchema = z.object({
  sdp: text()
    .min(1)
    .max(60_000)
    .optional()
    .describe('an offer with all of its candidates: what is sent comes back; without it only the servers are told'),
});
export type MediaTestBody = z.infer<typeof mediaTestBodySchema>;

/** Answer of POST /v1/media/test. */
export const mediaTestSchema = z.object({
  iceServers: iceServersSchema.describe('STUN and TURN servers as a call would use them now'),
  kbps: z.int().describe('what comes back at most, in kilobits a second'),
  sdp: z.string().optional().describe('the answer to the offer, with all candidates of Janus; it ends at `endsAt`'),
  endsAt: z.iso.datetime().optional(),
  node: z.string().optional().describe('the media node that answers'),
});
export type MediaTest = z.infer<typeof mediaTestSchema>;
