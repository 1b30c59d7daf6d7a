import { z } from 'zod';
import { callIdSchema, deviceIdSchema, recordedAliasSchema, recordingIdSchema } from './ids.js';
import { cursorSchema, text, webAddress } from './text.js';

/** How it stands with a recording. `paused` goes on; `ready` and `failed` are its ends. */
export const recordingStateSchema = z.enum(['starting', 'recording', 'paused', 'processing', 'ready', 'failed']);
export type RecordingState = z.infer<typeof recordingStateSchema>;

/** Why a recording failed. */
export const recordingFaultSchema = z.enum(['nothing_recorded', 'media_refused', 'disk_full', 'processing_failed', 'storage_failed']);
export type RecordingFault = z.infer<typeof recordingFaultSchema>;

const fileFields = {
  name: z.string().describe('its name within the recording: call.mp4, call.m4a, or of one stream'),
  kind: z.enum(['call', 'audio', 'stream']).describe('everyone’s picture and sound; everyone’s sound; what one device sent'),
  contentType: z.string(),
  bytes: z.int().nonnegative(),
  seconds: z.number().nonnegative().describe('how long it plays'),
  userAlias: recordedAliasSchema.optional().describe('of a stream: who sent it, where that is known'),
  deviceId: deviceIdSchema.optional(),
  stream: z.enum(['camera', 'screen']).optional().describe('of a stream: camera with microphone, or a screen with its sound'),
  startsAt: z.number().nonnegative().optional().describe('of a stream: when it begins in call.mp4, in seconds'),
};

/** A file of a recording. */
export const recordingFileSchema = z.object(fileFields);
export type RecordingFile = z.infer<typeof recordingFileSchema>;

const recordingFields = {
  recordingId: recordingIdSchema,
  callId: callIdSchema,
  state: recordingStateSchema,
  fault: recordingFaultSchema.nullable().describe('why it failed'),
  startedAt: z.iso.datetime().describe('since when everyone in the call was shown that it is recorded'),
  stoppedAt: z.iso.datetime().nullable(),
  seconds: z.number().nonnegative().nullable().describe('how long call.mp4 plays: without pauses; null before it is ready'),
};

/** A recording as REST tells it. */
export const recordingViewSchema = z.object({
  ...recordingFields,
  progress: z.number().min(0).max(1).describe('of its processing'),
  expiresAt: z.iso.datetime().nullable().describe('when its files are deleted; null before it is ready'),
  files: z.array(
    recordingFileSchema.extend({
      url: z.string().describe('gives the file, whole or in ranges, without a credential until `urlExpiresAt`: ask again for another'),
      urlExpiresAt: z.iso.datetime(),
    }),
  ),
});
export type RecordingView = z.infer<typeof recordingViewSchema>;

/** Page of recordings, newest first. */
export const recordingListSchema = z.object({
  recordings: z.array(recordingViewSchema),
  nextCursor: z.string().nullable().describe('null on the last page'),
});
export type RecordingList = z.infer<typeof recordingListSchema>;
export const recordingListQuerySchema = z.object({
  limit: z.coerce.number().int().min(1).max(100).default(50),
  cursor: cursorSchema.optional(),
});
export type RecordingListQuery = z.infer<typeof recordingListQuerySchema>;

/** What is told of a recording: everything but where its files are, which is read by who may. */
export const recordingToldSchema = z.object({
  ...recordingFields,
  audience: z.array(recordedAliasSchema).describe('whose media was recorded, as far as that is known by then'),
  files: z.array(recordingFileSchema).describe('none before it is ready'),
});
export type RecordingTold = z.infer<typeof recordingToldSchema>;

/** Body of PUT /v1/recording-storage: where the app has its recordings kept, on a server that speaks S3. */
export const recordingStorageBodySchema = z.object({
  endpoint: webAddress().describe('such as https://s3.eu-central-1.amazonaws.com; must be an address of the public internet'),
  region: text()
    .regex(/^[a-z0-9-]{1,64}$/, 'use a region such as eu-central-1')
    .default('us-east-1'),
  bucket: text().regex(/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/, 'use the name of a bucket'),
  prefix: text()
    .regex(/^([A-Za-z0-9._-]+\/)*$/, 'use folders that end with a slash, such as calls/')
    .max(200)
    .default(''),
  accessKeyId: text().min(1).max(200),
  secretAccessKey: text().min(1).max(200),
  encryption: z.enum(['none', 'AES256', 'aws:kms']).default('AES256').describe('server-side encryption that is asked for with each file'),
  kmsKeyId: text().min(1).max(500).optional().describe('with aws:kms; the bucket’s own key where left out'),
});
export type RecordingStorageBody = z.infer<typeof recordingStorageBodySchema>;
export const recordingStorageViewSchema = recordingStorageBodySchema.omit({ secretAccessKey: true });
export type RecordingStorageView = z.infer<typeof recordingStorageViewSchema>;
