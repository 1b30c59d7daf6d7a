import { z } from 'zod';
import { appIdSchema, callIdSchema, deviceIdSchema, userAliasSchema } from './ids.js';

/** What a ring token lets its bearer do: take part in one ring, as one user on one device. The notifications service signs it into a push. */
export const ringGrantSchema = z.object({
  appId: appIdSchema,
  callId: callIdSchema,
  userAlias: userAliasSchema,
  deviceId: deviceIdSchema,
  sequence: z.int().positive().describe('of the event of the call that began the ring'),
  registeredAt: z
    .int()
    .describe('when the device last registered, in seconds: a user whose tokens were ended later is let in by no ring token of it'),
});
export type RingGrant = z.infer<typeof ringGrantSchema>;

/** How a ring token is told from every other token that services sign, identity tokens above all. */
export const ringTokenKind = { typ: 'ring-token+jwt', issuer: 'notifications', audience: 'ring-door' } as const;
