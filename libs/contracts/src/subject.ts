import { z } from 'zod';
import { type KeyScope, keyScopeSchema } from './directory.js';
import { appIdSchema, callIdSchema, deviceIdSchema, userAliasSchema } from './ids.js';
import { text } from './text.js';

/** Which user token somebody signed in with: by it is known when a sign-in ends. */
const heldTokenSchema = z.object({
  kid: text().max(256).describe('of the secret that signed it'),
  issuedAt: z.int().describe('its iat, in seconds'),
  expiresAt: z.int().describe('its exp, in seconds'),
});
export type HeldToken = z.infer<typeof heldTokenSchema>;

/** Scopes that came after the first release. A service of before refuses a subject with one of them among its `scopes`. */
const laterScopes: ReadonlySet<KeyScope> = new Set(['tokens', 'notifications']);
const knownScopes = z
  .array(z.string())
  .transform((scopes) => scopes.filter((scope) => keyScopeSchema.safeParse(scope).success) as KeyScope[]);

/** @returns a key's scopes as its subject says them. */
export function scopesAsSaid(scopes: readonly KeyScope[]): { scopes: KeyScope[]; laterScopes: KeyScope[] } {
  return { scopes: scopes.filter((scope) => !laterScopes.has(scope)), laterScopes: scopes.filter((scope) => laterScopes.has(scope)) };
}

/** A signed-in user, on a device of theirs. */
export const userSubjectSchema = z.object({
  kind: z.literal('user'),
  appId: appIdSchema,
  userAlias: userAliasSchema,
  deviceId: deviceIdSchema.optional(),
  token: heldTokenSchema.optional().describe('left out by older releases'),
});

/**
 * A device that was let in by the ring token of a push: it takes part in that ring, and in the call that comes of it, and does nothing else.
 * A kind of its own, so that whoever does not know it lets it do nothing.
 */
export const ringSubjectSchema = z.object({
  kind: z.literal('ring'),
  appId: appIdSchema,
  userAlias: userAliasSchema,
  deviceId: deviceIdSchema,
  callId: callIdSchema,
  sequence: z.int().positive().describe('of the event of the call that began the ring'),
  token: heldTokenSchema,
});
export type RingSubject = z.infer<typeof ringSubjectSchema>;

/**
 * @returns all scopes of a key.
 * @param laterScopes null or undefined where the first release made the key, or speaks for it: who manages users mints their tokens there.
 */
export function allScopesOf({
  scopes,
  laterScopes: later,
}: {
  scopes: readonly KeyScope[];
  laterScopes?: readonly KeyScope[] | null | undefined;
}): KeyScope[] {
  const more = later ?? (scopes.includes('users') ? ['tokens'] : []);
  return keyScopeSchema.options.filter((scope) => scopes.includes(scope) || more.includes(scope));
}

/** In whose name a request reaches a service: a signed-in user, a device that rings, an API key, the operator, or a service itself. */
export const subjectSchema = z.discriminatedUnion('kind', [
  userSubjectSchema,
  ringSubjectSchema,
  z.object({
    kind: z.literal('key'),
    appId: appIdSchema,
    keyId: z.string(),
    scopes: knownScopes.describe('those that only a later release knows are left out'),
    laterScopes: knownScopes.optional().describe('those that the first release did not know; left out by it'),
  }),
  z.object({ kind: z.literal('operator'), holder: z.string().optional().describe('whose key it was; left out by older releases') }),
  z.object({ kind: z.literal('service'), service: z.string() }),
  z.object({ kind: z.literal('nobody') }),
]);
export type Subject = z.infer<typeof subjectSchema>;

/** What the gateway asks of the directory: whose credential is this? */
export const authenticationBodySchema = z.object({
  credential: text().min(1).max(8192),
  appId: appIdSchema.optional(),
  withOrigins: z.boolean().optional().describe('whether to tell the origins of the app beside the subject'),
});
