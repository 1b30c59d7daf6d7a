import { z } from 'zod';
import { callLimits, callTypeSchema } from './call-terms.js';
import { eventSchema } from './envelope.js';
import { type AppId, appIdSchema, recordedAliasSchema, type UserAlias, userAliasSchema } from './ids.js';
import { appLimitsSchema } from './limits.js';
import { phoneNumberSchema } from './phone-number.js';
import { presenceVisibilitySchema } from './presence-visibility.js';
import { cursorSchema, text, webAddress } from './text.js';
import { timeZoneSchema } from './time-zone.js';

/** An origin as browsers send it: scheme, host, and the port unless it is the scheme's own. */
const originSchema = z
  .string()
  .max(255)
  .regex(/^[a-z][a-z0-9+.-]*:\/\/[a-z0-9._:[\]-]+$/, 'write it as browsers send it, such as https://shop.example.com: no path, no capitals')
  .refine((origin) => !/^(http:.*:80|https:.*:443)$/.test(origin), 'leave out the port: it is the scheme’s own');
export const originsSchema = z.array(originSchema).max(50);

/** What an app may choose for its calls. */
export const appOptionsSchema = z.object({
  ringSeconds: z.int().min(callLimits.ringSeconds.min).max(callLimits.ringSeconds.max).default(callLimits.ringSeconds.default),
  maxParticipants: z
    .int()
    .min(callLimits.maxParticipants.min)
    .max(callLimits.maxParticipants.max)
    .default(callLimits.maxParticipants.default),
  maxDurationSeconds: z
    .int()
    .min(callLimits.maxDurationSeconds.min)
    .max(callLimits.maxDurationSeconds.max)
    .default(callLimits.maxDurationSeconds.default),
  mediaSetupSeconds: z
    .int()
    .min(callLimits.mediaSetupSeconds.min)
    .max(callLimits.mediaSetupSeconds.max)
    .default(callLimits.mediaSetupSeconds.default)
    .describe('a device in a call that has not joined its media by then is taken out (media_failed); 0: the app carries media itself'),
  connectionGraceSeconds: z
    .int()
    .min(callLimits.connectionGraceSeconds.min)
    .max(callLimits.connectionGraceSeconds.max)
    .optional()
    .describe(
      'how long a device in a call may be without any connection, as one whose window was closed, before it is taken out (connection_lost); at most as long as the installation waits, which is what holds where it is left out',
    ),
  maxCameras: z
    .int()
    .min(0)
    .max(callLimits.cameras.max)
    .optional()
    .describe('cameras that a call carries at a time; everybody’s where it is left out; a call of voice alone (audio_only) carries none'),
  maxScreens: z
    .int()
    .min(0)
    .max(callLimits.screens.max)
    .optional()
    .describe(`screens that a call carries at a time; ${callLimits.screens.default} where it is left out`),
  callWaiting: z
    .boolean()
    .default(false)
    .describe('whether a busy user is rung nevertheless, to decline or to hang up and answer; otherwise the caller hears busy'),
  recordCallTypes: z
    .array(callTypeSchema)
    .max(3)
    .optional()
    .describe('calls of these types are recorded from their first answer to their end; none where left out'),
  usersMayRecord: z
    .boolean()
    .optional()
    .describe('whether who dials a call may have it recorded; else servers alone. Everyone in a call sees that it is recorded'),
  usersMayBroadcast: z
    .boolean()
    .optional()
    .describe('whether who dials a call may have it broadcast; else servers alone. Everyone in a call sees that it is broadcast'),
  keepRecordingsDays: z
    .int()
    .min(1)
    .max(3650)
    .optional()
    .describe('how long recordings are kept; at most as long as the installation keeps them, which is what holds where it is left out'),
  presenceVisibility: presenceVisibilitySchema
    .default('same_group')
    .describe(
      'whose presence a user of the app sees: everyone; same_group: whoever shares a group, and users without groups each other, so that where no groups are used everybody sees everybody; in_call: whoever is in a call with the user, as long as that goes on; keys_only: nobody. Keys, and accounts of phone systems, see all',
    ),
  eventLog: z
    .boolean()
    .default(false)
    .describe(
      'whether the app’s events are kept to be read by GET /v1/events though it has neither an endpoint nor a consumer; presence is kept where one of those names it',
    ),
  contactEmail: z
    .email()
    .max(320)
    .optional()
    .describe('whom the Center writes to about the app itself, such as that it disabled a webhook endpoint; nobody where it is left out'),
  allowedOrigins: originsSchema
    .optional()
    .describe(
      'origins whose pages may ask in the name of this app, such as https://shop.example.com; else those that the installation allows',
    ),
  limits: appLimitsSchema.optional().describe('how much may be done in the name of this app; what is left out is as by default'),
});
export type AppOptions = z.infer<typeof appOptionsSchema>;

export const appBodySchema = z.object({
  name: text().min(1).max(200),
  trustsBareAlias: z.boolean().default(false).describe('for development only: anyone may sign in as any alias of this app without a token'),
  options: appOptionsSchema.prefault({}),
});
export type AppBody = z.infer<typeof appBodySchema>;
/** Whether an app may be used. Whoever is in is put out with the app, and nobody comes in until it is resumed; one that is deleted never is. */
export const appStateSchema = z.enum(['active', 'suspended', 'deleted']);
export type AppState = z.infer<typeof appStateSchema>;
export const appViewSchema = appBodySchema.extend({
  appId: appIdSchema,
  createdAt: z.iso.datetime(),
  state: appStateSchema.exclude(['deleted']).default('active'),
});
export type AppView = z.infer<typeof appViewSchema>;

/** What a key may do. */
export const keyScopeSchema = z
  .enum(['admin', 'users', 'tokens', 'calls', 'presence', 'webhooks', 'notifications'])
  .describe(
    'admin: manages the app itself, and may all that the others may; users: manages users; tokens: signs users in, by minting their tokens; notifications: registers devices for pushes, and keeps the credentials with which they are sent',
  );
export type KeyScope = z.infer<typeof keyScopeSchema>;
export const apiKeyBodySchema = z.object({
  name: text().min(1).max(200),
  scopes: z
    .array(keyScopeSchema)
    .min(1)
    .default(['users', 'tokens', 'calls', 'presence', 'webhooks', 'notifications'])
    .describe('what the key is for, and no more; all but admin where left out'),
});
export const apiKeyViewSchema = z.object({
  keyId: z.string(),
  name: z.string(),
  scopes: z.array(keyScopeSchema),
  createdAt: z.iso.datetime(),
  secret: z.string().optional().describe('the key itself, shown once, when it is made'),
});
export type ApiKeyView = z.infer<typeof apiKeyViewSchema>;

/** A secret that signs user tokens (JWT, HS256, named by `kid`). */
export const appSecretViewSchema = z.object({
  kid: z.string(),
  createdAt: z.iso.datetime(),
  secret: z.string().optional().describe('shown once, when it is made'),
});
export type AppSecretView = z.infer<typeof appSecretViewSchema>;

const profileFields = {
  name: text().min(1).max(200).nullable(),
  picture: webAddress().nullable(),
  email: z.email().max(320).nullable(),
  phone: phoneNumberSchema.nullable().describe('to which rules of the app may send SMS'),
  locale: z
    .string()
    .max(100)
    .regex(/^[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*$/, 'use a BCP 47 tag, such as de-AT')
    .nullable(),
  timeZone: timeZoneSchema.nullable().describe('by whose clock the user is told times and has quiet hours; without it UTC'),
};
const { name, picture, email, phone, locale, timeZone } = profileFields;
/** Groups of one user at most, and characters of their names. */
const groupLimits = { ofOneUser: 50, characters: 64 };
const groups = z
  .array(text().min(1).max(groupLimits.characters))
  .max(groupLimits.ofOneUser)
  .describe('who shares one sees the other’s presence, where the app lets those; see presenceVisibility of the app');
const doNotDisturb = z.boolean().optional().describe('stays as it is where left out');

/** Body of PUT /v1/users/{userAlias}: the whole profile. What is left out is erased. */
export const userBodySchema = z.object({
  name: name.default(null),
  picture: picture.default(null),
  email: email.default(null),
  phone: phone.default(null),
  locale: locale.default(null),
  timeZone: timeZone.default(null),
  doNotDisturb,
  groups: groups.default([]),
});
export type UserBody = z.infer<typeof userBodySchema>;
/** Body of PATCH /v1/users/{userAlias} (RFC 7396): null erases a field, and what is left out stays. */
export const userPatchSchema = z.object(profileFields).partial().extend({ doNotDisturb, groups: groups.optional() });
export type UserPatch = z.infer<typeof userPatchSchema>;
/** As the log, and whoever tells them, may hold them: those of the past may be at addresses that are none of the web, and longer. */
const userSettings = {
  ...userBodySchema.shape,
  picture: z.string().nullable().default(null),
  locale: z.string().nullable().default(null),
  timeZone: z.string().nullable().default(null),
  doNotDisturb: z.boolean().default(false),
  groups: z.array(z.string()).default([]),
};
export const userViewSchema = z.object({ ...userSettings, userAlias: recordedAliasSchema, createdAt: z.iso.datetime() });
export type UserView = z.infer<typeof userViewSchema>;

/** Body of PUT /v1/users/{userAlias}/do-not-disturb, which a user may send for itself. */
export const doNotDisturbBodySchema = z.object({ doNotDisturb: z.boolean() });

export const sipUsernameSchema = z.string().regex(/^[A-Za-z0-9._-]{1,64}$/, 'use 1 to 64 of A-Z, a-z, 0-9, ".", "_" and "-"');
const sipAlgorithmSchema = z.enum(['SHA-256', 'MD5']);
export type SipAlgorithm = z.infer<typeof sipAlgorithmSchema>;
/** Each once. */
export const sipAlgorithmsSchema = z
  .array(sipAlgorithmSchema)
  .min(1)
  .max(2)
  .refine((all) => new Set(all).size === all.length, { message: 'name each algorithm once' });

/** Body of PUT /v1/apps/{appId}/sip-accounts/{username}. */
export const sipAccountBodySchema = z
  .object({
    algorithms: sipAlgorithmsSchema
      .optional()
      .describe(
        'how the phone may sign in, the one that is offered first at the beginning: `["MD5", "SHA-256"]` for an old phone that reads one challenge alone. Without it an account keeps what it has; a new one has `["SHA-256", "MD5"]`',
      ),
  })
  .strict();
export type SipAccountBody = z.infer<typeof sipAccountBodySchema>;
/** An account with which a phone system of the app signs in at the SIP gateway; the realm is the app's id. */
export const sipAccountViewSchema = z.object({
  username: sipUsernameSchema,
  createdAt: z.iso.datetime(),
  algorithms: sipAlgorithmsSchema.describe('how the phone may sign in, in the order in which it is offered'),
  password: z.string().optional().describe('shown once, when it is made'),
});
export type SipAccountView = z.infer<typeof sipAccountViewSchema>;

/** What services put on record: what operators have them do, and what is done to endpoints, before it is done; and which events they could not send. */
export const serviceActSchema = z.enum([
  'endpoint.made',
  'endpoint.changed',
  'endpoint.enabled',
  'endpoint.disabled',
  'endpoint.deleted',
  'endpoint.secret_rotated',
  'webhook_job.made',
  'webhook_job.cancelled',
  'webhook_message.resent',
  'projection.rebuilt',
  'parked_key.redriven',
  'parked_key.discarded',
  'secrets.resealed',
  'event.unsendable',
  'push_credential.saved',
  'push_credential.deleted',
  'channel_credential.saved',
  'channel_credential.deleted',
  'recording.deleted',
  'recording_storage.saved',
  'recording_storage.deleted',
  'broadcast_push.saved',
  'broadcast_push.deleted',
]);
export type ServiceAct = z.infer<typeof serviceActSchema>;

const auditActSchema = z.enum([
  ...serviceActSchema.options,
  'limits.changed',
  'app.saved',
  'api_key.made',
  'app.suspended',
  'app.resumed',
  'app.deleted',
  'app.erased',
  'sign_in.refused',
  'user_token.minted',
  'api_key.revoked',
  'secret.made',
  'secret.revoked',
  'sip_account.made',
  'sip_account.deleted',
  'user.deleted',
  'user.revoked',
  'sessions.ended',
]);
export type AuditAct = z.infer<typeof auditActSchema>;
const auditEntrySchema = z.object({
  entryId: z.uuid(),
  at: z.iso.datetime(),
  actor: z
    .string()
    .describe('operator or operator:{holder}, key:{keyId}, user:{alias}; center for what it does by itself, nobody for who was not let in'),
  act: auditActSchema,
  target: z
    .string()
    .describe(
      'what was acted on: the id of the app, key or secret, the account, the alias, the limits, or the service and what an operator had it do; of acts that anybody may repeat, how many more there were',
    ),
});
export type AuditEntry = z.infer<typeof auditEntrySchema>;
export const auditQuerySchema = z
  .object({ limit: z.coerce.number().int().min(1).max(200).default(50), cursor: cursorSchema.optional() })
  .strict();
export type AuditQuery = z.infer<typeof auditQuerySchema>;
export const auditListSchema = z.object({ entries: z.array(auditEntrySchema), nextCursor: z.string().nullable() });
export type AuditList = z.infer<typeof auditListSchema>;

/** What other users of the app may see of a user. */
export const profileSchema = z.object({ userAlias: recordedAliasSchema, name: z.string().nullable(), picture: z.string().nullable() });
export type Profile = z.infer<typeof profileSchema>;

export const userTokenBodySchema = z.object({
  appId: appIdSchema.optional().describe('needed only without an API key, where the app trusts a bare alias'),
  userAlias: userAliasSchema,
  expiresInSeconds: z.int().min(60).max(2_592_000).default(3600),
});
/** Answer of POST /v1/users/{userAlias}/revoke. */
export const userRevokedSchema = z.object({
  userAlias: recordedAliasSchema,
  tokensEndedAt: z.iso.datetime().describe('tokens whose iat is in this second or before it sign nobody in any more'),
});
export type UserRevoked = z.infer<typeof userRevokedSchema>;
export const userTokenViewSchema = z.object({ token: z.string(), expiresAt: z.iso.datetime() });
export type UserTokenView = z.infer<typeof userTokenViewSchema>;

export const appSavedSchema = eventSchema(
  'app.saved',
  z.object({ options: appOptionsSchema, trustsBareAlias: z.boolean(), state: appStateSchema.default('active') }),
);
export const userSavedSchema = eventSchema('user.saved', z.object({ userAlias: recordedAliasSchema, ...userSettings }));
export const userDeletedSchema = eventSchema('user.deleted', z.object({ userAlias: recordedAliasSchema }));

/** An act that was put on record. Key: the entry. */
export const auditNotedSchema = eventSchema('audit.noted', auditEntrySchema.omit({ at: true }));
export type AuditNoted = z.infer<typeof auditNotedSchema>;

/** Apps and users as other services need them; never a secret. Key: `app:…` or `user:…`. */
export const directoryEventSchema = z.discriminatedUnion('type', [appSavedSchema, userSavedSchema, userDeletedSchema]);
export type DirectoryEvent = z.infer<typeof directoryEventSchema>;

/** @returns whom a key of `directory.events` names; undefined for an app's key. */
export function userOfKey(key: string): { appId: AppId; userAlias: UserAlias } | undefined {
  const [, appId, userAlias] = /^user:([^/]*)\/(.*)$/s.exec(key) ?? [];
  return appId === undefined || userAlias === undefined ? undefined : { appId: appId as AppId, userAlias: userAlias as UserAlias };
}
