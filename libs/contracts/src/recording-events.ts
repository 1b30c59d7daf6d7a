import { z } from 'zod';
import { eventSchema } from './envelope.js';
import { recordingToldSchema } from './recordings.js';

const told = <T extends string>(type: T) => eventSchema(type, recordingToldSchema);

export const recordingStartingSchema = told('recording.starting');
export const recordingStartedSchema = told('recording.started');
export const recordingProcessingSchema = told('recording.processing');
export const recordingReadySchema = told('recording.ready');
export const recordingFailedSchema = told('recording.failed');
export const recordingDeletedSchema = told('recording.deleted');

/** What becomes of a recording, each in the transaction that makes it so. Key: the recording. */
export const recordingEventSchema = z.discriminatedUnion('type', [
  recordingStartingSchema,
  recordingStartedSchema,
  recordingProcessingSchema,
  recordingReadySchema,
  recordingFailedSchema,
  recordingDeletedSchema,
]);
export type RecordingEvent = z.infer<typeof recordingEventSchema>;
