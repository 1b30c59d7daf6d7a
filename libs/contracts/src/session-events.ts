import { z } from 'zod';
import { eventSchema } from './envelope.js';
import { deviceIdSchema, platformSchema, recordedAliasSchema, sessionIdSchema } from './ids.js';

const session = {
  sessionId: sessionIdSchema,
  userAlias: recordedAliasSchema,
  deviceId: deviceIdSchema,
  platform: platformSchema,
  openedAt: z.iso.datetime().optional().describe('when the socket came; left out by older releases'),
};

export const sessionOpenedSchema = eventSchema('session.opened', z.object(session));
/** The client says that nobody is at the device. */
const sessionWentAwaySchema = eventSchema('session.went_away', z.object(session));
const sessionCameBackSchema = eventSchema('session.came_back', z.object(session));
export const sessionClosedSchema = eventSchema(
  'session.closed',
  z.object({
    ...session,
    reason: z
      .enum(['signed_out', 'connection_lost', 'gateway_lost', 'gateway_drained', 'protocol_error'])
      .describe('signed_out: the client said so; gateway_lost: its gateway stopped renewing its lease'),
  }),
);

/** A device's live socket came, went, or changed. Key: the session. Each tells all of it, because only the last one is kept. */
export const sessionEventSchema = z.discriminatedUnion('type', [
  sessionOpenedSchema,
  sessionWentAwaySchema,
  sessionCameBackSchema,
  sessionClosedSchema,
]);
export type SessionEvent = z.infer<typeof sessionEventSchema>;
export type SessionCloseReason = z.infer<typeof sessionClosedSchema>['data']['reason'];
