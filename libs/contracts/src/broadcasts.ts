import { z } from 'zod';
import { broadcastIdSchema, callIdSchema } from './ids.js';
import { cursorSchema, text } from './text.js';

/** How it stands with a broadcast. `live`: there is something to be seen; `stopped` and `failed` are its ends. */
export const broadcastStateSchema = z.enum(['starting', 'live', 'stopped', 'failed']);
export type BroadcastState = z.infer<typeof broadcastStateSchema>;

/** Why a broadcast failed. */
export const broadcastFaultSchema = z.enum(['no_capacity', 'too_many', 'media_refused', 'encoder_failed', 'disk_full', 'too_long']);
export type BroadcastFault = z.infer<typeof broadcastFaultSchema>;

/** Why a push ended by itself. `certificate_refused`: the server's is not good for its name, or of nobody who is trusted. */
export const pushFaultSchema = z.enum([
  'address_refused',
  'unreachable',
  'certificate_refused',
  'timed_out',
  'refused',
  'broken',
  'too_slow',
]);
export type PushFault = z.infer<typeof pushFaultSchema>;
const pushStateSchema = z.enum(['connecting', 'live', 'failed']);
export type PushState = z.infer<typeof pushStateSchema>;

const pushViewSchema = z.object({
  server: z.string().describe('where to, without what is secret: rtmps://live.example.com:443'),
  state: pushStateSchema,
  fault: pushFaultSchema.nullable().describe('why it failed; what is watched by HLS goes on. Name it again to try again'),
  since: z.iso.datetime(),
});

const broadcastFields = {
  broadcastId: broadcastIdSchema,
  callId: callIdSchema,
  state: broadcastStateSchema,
  fault: broadcastFaultSchema.nullable().describe('why it failed'),
  startedAt: z.iso.datetime().describe('since when everyone in the call was shown that it is broadcast'),
  liveAt: z.iso.datetime().nullable().describe('when there was something to be seen'),
  stoppedAt: z.iso.datetime().nullable(),
  mostViewers: z.int().nonnegative().describe('how many watched at a time at most'),
  push: pushViewSchema.nullable(),
};

/** A broadcast as REST tells it. */
export const broadcastViewSchema = z.object({
  ...broadcastFields,
  viewers: z
    .int()
    .nonnegative()
    .describe('how many asked for the newest of it in the last ten seconds; beyond some hundreds an estimate within 2 %'),
  latencyMs: z
    .int()
    .nonnegative()
    .nullable()
    .describe('from a picture being composed to its being in the playlist, by the newest segment; what a player keeps ahead comes to it'),
  watchUrl: z.string().describe('a page that plays it; whoever has the link may watch, without a credential, until the broadcast is over'),
  playlistUrl: z.string().describe('the same for players of HLS'),
});
export type BroadcastView = z.infer<typeof broadcastViewSchema>;

/** Page of broadcasts, newest first. */
export const broadcastListSchema = z.object({
  broadcasts: z.array(broadcastViewSchema),
  nextCursor: z.string().nullable().describe('null on the last page'),
});
export type BroadcastList = z.infer<typeof broadcastListSchema>;
export const broadcastListQuerySchema = z.object({
  limit: z.coerce.number().int().min(1).max(100).default(50),
  cursor: cursorSchema.optional(),
});
export type BroadcastListQuery = z.infer<typeof broadcastListQuerySchema>;

/** What is told of a broadcast. */
export const broadcastToldSchema = z.object(broadcastFields);

/** Body of PUT /v1/broadcasts/{broadcastId}/push. */
export const broadcastPushBodySchema = z.object({
  url: text()
    .regex(/^rtmps?:\/\/[^\s/?#@]+\/[^\s?#]{1,200}$/, 'use rtmp://host/app or rtmps://host/app, without a user')
    .max(500)
    .describe('the server and its app, such as rtmps://live.example.com/app; must be an address of the public internet'),
  streamKey: text()
    .regex(/^[\x21-\x7e]{1,500}$/, 'use the stream key as the platform gave it')
    .describe('kept sealed, and told to nobody again'),
});
export type BroadcastPushBody = z.infer<typeof broadcastPushBodySchema>;

/** What a link to a broadcast says of it to whoever watches. */
export const broadcastWatchedSchema = z.object({
  state: broadcastStateSchema,
  viewers: z.int().nonnegative(),
  latencyMs: z.int().nonnegative().nullable(),
  now: z.iso.datetime().describe('by the clock that times in the playlist are of'),
});
export type BroadcastWatched = z.infer<typeof broadcastWatchedSchema>;
