import { z } from 'zod';
import { eventSchema } from './envelope.js';
import { callIdSchema, deviceIdSchema, platformSchema, recordedAliasSchema, sessionIdSchema, userAliasSchema } from './ids.js';
import { cursorSchema, text } from './text.js';

/**
 * Of a device or, aggregated, of a user: `busy` in a call or ringing comes before `do_not_disturb`, that before `online`;
 * `away` when every connected device says so.
 */
const presenceStatusSchema = z.enum(['offline', 'online', 'away', 'do_not_disturb', 'busy']);
export type PresenceStatus = z.infer<typeof presenceStatusSchema>;

/** A live socket of a device. */
export const userSessionSchema = z.object({
  sessionId: sessionIdSchema,
  deviceId: deviceIdSchema,
  platform: platformSchema,
  openedAt: z.iso.datetime().nullable(),
});
export type UserSession = z.infer<typeof userSessionSchema>;
export const userSessionsSchema = z.object({ sessions: z.array(userSessionSchema) });
export type UserSessions = z.infer<typeof userSessionsSchema>;

/** Where a user is: aggregated over all devices, and each device by itself. */
export const presenceSchema = z.object({
  userAlias: recordedAliasSchema,
  status: presenceStatusSchema,
  doNotDisturb: z.boolean().describe('the wish of the user, whatever the status'),
  version: z.int().nonnegative().describe('never goes back: of two readings the higher is the newer'),
  calls: z
    .array(
      z.object({
        callId: callIdSchema,
        state: z.enum(['dialing', 'ringing', 'connected']),
        with: z.array(recordedAliasSchema),
        deviceId: deviceIdSchema.nullable().describe('the device in the call; null while it rings'),
        direction: z
          .enum(['outgoing', 'incoming'])
          .optional()
          .describe('whether the user called or was called; left out by readings of an older release'),
      }),
    )
    .describe('what makes the user busy'),
  devices: z
    .array(
      z.object({
        deviceId: deviceIdSchema,
        platform: platformSchema,
        status: presenceStatusSchema,
        since: z.iso.datetime().describe('when it connected; when it was last seen, for one that is offline'),
      }),
    )
    .describe('connected ones, and those seen in the last 30 days'),
  lastSeenAt: z.iso.datetime().nullable(),
  groups: z.array(z.string()).optional().describe('of the user, where it has any; told to keys alone'),
});
export type Presence = z.infer<typeof presenceSchema>;

/** A user's presence, whenever it changes. Key: `appId/userAlias`; `sequence` is its version; the last one of each user is kept. */
export const presenceChangedSchema = eventSchema('presence.changed', presenceSchema);
export type PresenceChanged = z.infer<typeof presenceChangedSchema>;

export const presenceLimits = { batch: 100, watchedBySocket: 500 } as const;

const several = z.preprocess(
  (value) => (value === undefined || Array.isArray(value) ? value : [value]),
  z.array(userAliasSchema).min(1).max(presenceLimits.batch).optional(),
);

/** Query of GET /v1/presence. */
export const presenceListQuerySchema = z
  .object({
    userAlias: several.describe('whose, repeated for several; everybody of the app without it'),
    status: presenceStatusSchema.optional(),
    limit: z.coerce.number().int().min(1).max(500).default(100),
    cursor: cursorSchema.optional().describe('the nextCursor of the page before'),
  })
  .strict();
export type PresenceListQuery = z.infer<typeof presenceListQuerySchema>;
export const presenceListSchema = z.object({ presences: z.array(presenceSchema), nextCursor: z.string().nullable() });
export type PresenceList = z.infer<typeof presenceListSchema>;

/** Query of GET /v1/presence/stream. */
export const presenceStreamQuerySchema = z
  .object({
    userAlias: several.describe('whose, repeated for several; everybody of the app without it'),
    lastEventId: text().max(200).optional().describe('as the Last-Event-ID header, for clients that cannot send it'),
  })
  .strict();
export type PresenceStreamQuery = z.infer<typeof presenceStreamQuerySchema>;
