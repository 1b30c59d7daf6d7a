import { z } from 'zod';
import { keyScopeSchema } from './directory.js';
import { appIdSchema, deviceIdSchema, userAliasSchema } from './ids.js';
import { text } from './text.js';

/** Which user token somebody signed in with: by it is known when a sign-in ends. */
const heldTokenSchema = z.object({
  kid: text().max(256).describe('of the secret that signed it'),
  issuedAt: z.int().describe('its iat, in seconds'),
  expiresAt: z.int().describe('its exp, in seconds'),
});
export type HeldToken = z.infer<typeof heldTokenSchema>;

/** In whose name a request reaches a service: a signed-in user, an API key, the operator, or a service itself. */
export const subjectSchema = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('user'),
    appId: appIdSchema,
    userAlias: userAliasSchema,
    deviceId: deviceIdSchema.optional(),
    token: heldTokenSchema.optional().describe('left out by older releases'),
  }),
  z.object({ kind: z.literal('key'), appId: appIdSchema, keyId: text().max(256), scopes: z.array(keyScopeSchema) }),
  z.object({ kind: z.literal('operator') }),
  z.object({ kind: z.literal('service'), service: text().max(64) }),
  z.object({ kind: z.literal('nobody') }),
]);
export type Subject = z.infer<typeof subjectSchema>;

/** What the gateway asks of the directory: whose credential is this? */
export const authenticationBodySchema = z.object({
  credential: text().min(1).max(8192),
  appId: appIdSchema.optional(),
  withOrigins: z.boolean().optional().describe('whether to tell the origins of the app beside the subject'),
});
