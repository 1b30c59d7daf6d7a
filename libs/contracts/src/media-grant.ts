import { z } from 'zod';
import { type Forbiddable, forbiddableSchema } from './call-terms.js';
import { appIdSchema, callIdSchema, deviceIdSchema, userAliasSchema } from './ids.js';

/** What a device in a call may do with its media. */
export const mediaRightSchema = z.enum(['publish', 'subscribe']);
export type MediaRight = z.infer<typeof mediaRightSchema>;

const knownRights: readonly string[] = mediaRightSchema.options;
const knownMedia: readonly string[] = forbiddableSchema.options;

/** What a media credential lets its bearer do: enter one call's media as one user on one device. The calls service signs it. */
export const mediaGrantSchema = z.object({
  appId: appIdSchema,
  callId: callIdSchema,
  userAlias: userAliasSchema,
  deviceId: deviceIdSchema,
  sequence: z.int().positive().describe('of the call when the grant was given: whoever leaves after that needs a new one'),
  token: z
    .object({ kid: z.string(), issuedAt: z.int() })
    .optional()
    .describe('by which the user had signed in: what ends that ends this; left out for calls that a server made'),
  rights: z
    .array(z.string())
    .transform((rights) => rights.filter((right) => knownRights.includes(right)) as MediaRight[])
    .describe('those that only a later release knows are left out'),
  streams: z
    .object({ cameras: z.int().min(0).optional(), screens: z.int().min(0).optional() })
    .optional()
    .describe('how many pictures the call carries at a time, where that is not as by default'),
  forbidden: z
    .array(z.string())
    .transform((forbidden) => forbidden.filter((one) => knownMedia.includes(one)) as Forbiddable[])
    .optional()
    .describe('what of the right to publish a moderator had taken by then; what is left out may be sent'),
});
export type MediaGrant = z.infer<typeof mediaGrantSchema>;

/** How a media credential is told from every other token that services sign, identity tokens above all. */
export const mediaCredentialKind = { typ: 'media-credential+jwt', issuer: 'calls', audience: 'media-door' } as const;
