import { z } from 'zod';
import { eventSchema } from './envelope.js';
import { deviceIdSchema, platformSchema, sessionIdSchema, userAliasSchema } from './ids.js';

const session = {
  sessionId: sessionIdSchema,
  userAlias: userAliasSchema,
  deviceId: deviceIdSchema,
  platform: platformSchema,
};

export const sessionOpenedSchema = eventSchema('session.opened', z.object(session));
export const sessionClosedSchema = eventSchema(
  'session.closed',
  z.object({
    ...session,
    reason: z
      .enum(['signed_out', 'connection_lost', 'gateway_lost', 'gateway_drained', 'protocol_error'])
      .describe('signed_out: the client said so; gateway_lost: its gateway stopped renewing its lease'),
  }),
);

/** A device's live socket came or went. Key: the session. */
export const sessionEventSchema = z.discriminatedUnion('type', [sessionOpenedSchema, sessionClosedSchema]);
export type SessionEvent = z.infer<typeof sessionEventSchema>;
export type SessionCloseReason = z.infer<typeof sessionClosedSchema>['data']['reason'];
