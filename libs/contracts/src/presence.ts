import { z } from 'zod';
import { callIdSchema, deviceIdSchema, platformSchema, userAliasSchema } from './ids.js';

export const presenceStatusSchema = z.enum(['offline', 'online', 'busy']);
export type PresenceStatus = z.infer<typeof presenceStatusSchema>;

/** Where a user is: aggregated over all devices, and each device by itself. */
export const presenceSchema = z.object({
  userAlias: userAliasSchema,
  status: presenceStatusSchema,
  version: z.int().nonnegative().describe('never goes back: of two readings the higher is the newer'),
  calls: z
    .array(
      z.object({
        callId: callIdSchema,
        state: z.enum(['dialing', 'ringing', 'connected']),
        with: z.array(userAliasSchema),
        deviceId: deviceIdSchema.nullable().describe('the device in the call; null while it rings'),
      }),
    )
    .describe('what makes the user busy'),
  devices: z.array(
    z.object({
      deviceId: deviceIdSchema,
      platform: platformSchema,
      status: presenceStatusSchema,
      since: z.iso.datetime(),
    }),
  ),
  lastSeenAt: z.iso.datetime().nullable(),
});
export type Presence = z.infer<typeof presenceSchema>;
