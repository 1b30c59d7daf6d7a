import { z } from 'zod';
import { eventSchema } from './envelope.js';
import { callIdSchema, deviceIdSchema, recordedAliasSchema, sessionIdSchema } from './ids.js';

const mediaSession = {
  mediaSessionId: sessionIdSchema,
  callId: callIdSchema,
  userAlias: recordedAliasSchema,
  deviceId: deviceIdSchema,
};

export const mediaJoinedSchema = eventSchema('media.joined', z.object(mediaSession));
export const mediaLeftSchema = eventSchema(
  'media.left',
  z.object({
    ...mediaSession,
    failed: z
      .string()
      .optional()
      .describe(
        'set where nothing ever came through, over all sockets of the device, and it says that it sends: why, in the words of `mediaFailure`',
      ),
  }),
);

/** A device's media socket joined or left its call. Key: the media session. */
export const mediaEventSchema = z.discriminatedUnion('type', [mediaJoinedSchema, mediaLeftSchema]);
export type MediaEvent = z.infer<typeof mediaEventSchema>;
