import { z } from 'zod';
import { callTypeSchema, endReasonSchema } from './call-terms.js';
import { appIdSchema, callIdSchema, deviceIdSchema, recordedAliasSchema, userAliasSchema } from './ids.js';
import { text, webAddress } from './text.js';

/** By what a device is reached while no socket of it is open. */
const pushKindSchema = z.enum(['apns_voip', 'apns_alert', 'fcm', 'web_push']);
export type PushKind = z.infer<typeof pushKindSchema>;

const apnsEnvironmentSchema = z
  .enum(['production', 'development'])
  .describe('which of Apple’s two services gave the token: an app that Xcode installed has one of development');
export type ApnsEnvironment = z.infer<typeof apnsEnvironmentSchema>;
const apnsToken = z.string().regex(/^[0-9a-f]{64,200}$/i, 'write the token in hexadecimal');
const base64url = z.string().regex(/^[A-Za-z0-9_-]+={0,2}$/, 'write it in base64url');

/** Where a device is pushed to, as its platform gave it. */
const pushTargetSchema = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('apns_voip').describe('Apple’s PushKit: starts the ringing of an app that does not run'),
    token: apnsToken,
    environment: apnsEnvironmentSchema,
  }),
  z.object({
    kind: z.literal('apns_alert').describe('an ordinary Apple notification; rings where the device has no apns_voip'),
    token: apnsToken,
    environment: apnsEnvironmentSchema,
  }),
  z.object({ kind: z.literal('fcm').describe('Firebase Cloud Messaging'), token: text().min(16).max(4096) }),
  z.object({
    kind: z.literal('web_push').describe('what PushSubscription.toJSON() says in a browser'),
    endpoint: webAddress(),
    keys: z.object({ p256dh: base64url.max(200), auth: base64url.max(64) }),
  }),
]);
export type PushTarget = z.infer<typeof pushTargetSchema>;

/** Body of POST /v1/push-registrations: sent at every start of the app, which keeps the registration fresh. */
export const pushRegistrationBodySchema = z.object({
  userAlias: userAliasSchema.optional().describe('for whom a key registers; a user token registers for its own user'),
  deviceId: deviceIdSchema,
  target: pushTargetSchema,
});
export type PushRegistrationBody = z.infer<typeof pushRegistrationBodySchema>;

export const pushRegistrationViewSchema = z.object({
  registrationId: z.uuid(),
  userAlias: recordedAliasSchema,
  deviceId: deviceIdSchema,
  kind: pushKindSchema,
  environment: apnsEnvironmentSchema.optional().describe('of Apple’s tokens'),
  tokenEnding: z.string().describe('the last characters of the token or address, to tell one from another'),
  registeredAt: z.iso.datetime(),
  seenAt: z.iso.datetime().describe('when it was last registered; long after that it is forgotten'),
});
export type PushRegistrationView = z.infer<typeof pushRegistrationViewSchema>;
export const pushRegistrationListSchema = z.object({ registrations: z.array(pushRegistrationViewSchema) });
export type PushRegistrationList = z.infer<typeof pushRegistrationListSchema>;

/** Query of GET and DELETE /v1/push-registrations. */
export const pushRegistrationQuerySchema = z
  .object({
    userAlias: userAliasSchema.optional().describe('whose; keys name it, a user token means its own user'),
    deviceId: deviceIdSchema.optional().describe('of which device; of all of the user without it'),
  })
  .strict();
export type PushRegistrationQuery = z.infer<typeof pushRegistrationQuerySchema>;

/** The services that push, each with credentials of the app's own. */
export const pushProviderSchema = z.enum(['apns', 'fcm', 'web_push']);
export type PushProvider = z.infer<typeof pushProviderSchema>;

const pem = text().min(100).max(8192);
const appleId = z.string().regex(/^[A-Z0-9]{10}$/, 'it is ten of A-Z and 0-9');

/** Body of PUT /v1/push-credentials. */
export const pushCredentialBodySchema = z.discriminatedUnion('provider', [
  z.object({
    provider: z.literal('apns'),
    key: pem.describe('the text of the .p8 file of an authentication key'),
    keyId: appleId,
    teamId: appleId,
    bundleId: z
      .string()
      .max(155)
      .regex(/^[A-Za-z0-9.-]+$/, 'write it as in Xcode, such as com.example.app'),
  }),
  z.object({
    provider: z.literal('fcm'),
    serviceAccount: z
      .looseObject({
        project_id: z.string().regex(/^[a-z][a-z0-9-]{4,62}$/, 'write the id of the project, as the file has it'),
        client_email: z.email().max(320),
        private_key: pem,
      })
      .describe('the JSON file of a service account; what else stands in it is not kept'),
  }),
  z.object({
    provider: z.literal('web_push'),
    subject: text()
      .max(320)
      .regex(/^(mailto:[^\s@]+@[^\s@]+|https:\/\/\S+)$/, 'write mailto: and an address, or an https address')
      .describe('whom the push services of browsers write to when something is wrong (RFC 8292 §2.1)'),
    keys: z
      .object({ publicKey: base64url.max(100), privateKey: base64url.max(50) })
      .optional()
      .describe('a VAPID pair in base64url; left out, the one there is stays, or one is made'),
  }),
]);
export type PushCredentialBody = z.infer<typeof pushCredentialBodySchema>;

/** What is told of credentials: nothing of them that is secret. */
export const pushCredentialViewSchema = z.object({
  provider: pushProviderSchema,
  savedAt: z.iso.datetime(),
  fault: z.string().nullable().describe('what the provider last said against them; null once it has taken a push again'),
  keyId: z.string().optional().describe('of Apple'),
  teamId: z.string().optional().describe('of Apple'),
  bundleId: z.string().optional().describe('of Apple: pushes go to this app, and those of PushKit to its .voip topic'),
  projectId: z.string().optional().describe('of Firebase'),
  clientEmail: z.string().optional().describe('of Firebase'),
  subject: z.string().optional().describe('of Web Push'),
  publicKey: z.string().optional().describe('of Web Push: the applicationServerKey with which pages subscribe'),
});
export type PushCredentialView = z.infer<typeof pushCredentialViewSchema>;
export const pushCredentialListSchema = z.object({ credentials: z.array(pushCredentialViewSchema) });
export const pushCredentialVerdictSchema = z.object({
  works: z.boolean(),
  reason: z.string().nullable().describe('what the service said against them; null where they work'),
});
export type PushCredentialVerdict = z.infer<typeof pushCredentialVerdictSchema>;
/** Answer of GET /v1/push-credentials/web_push/public-key. */
export const webPushKeySchema = z.object({ publicKey: z.string() });

/** What a push says to the app on the device: of FCM's `data` each value is a text. */
export const pushedRingSchema = z.object({
  type: z.literal('ring'),
  appId: appIdSchema,
  callId: callIdSchema,
  userAlias: recordedAliasSchema.describe('who is called: whoever else has signed in meanwhile does not ring'),
  caller: recordedAliasSchema,
  callerName: z.string().nullable(),
  callType: callTypeSchema,
  waiting: z.boolean().describe('whether the user is in another call (call waiting)'),
  sentAt: z.iso.datetime(),
  deadline: z.iso.datetime().describe('a push that comes later than this rings no more'),
  deviceId: deviceIdSchema.describe('the device it was sent to, and for which the ring token is'),
  notificationId: z.uuid().optional().describe('by which the app says that the user opened it'),
  ringToken: z
    .string()
    .optional()
    .describe('a bearer token until the deadline: with it this device connects, confirms, answers or declines this call, and nothing else'),
});
export type PushedRing = z.infer<typeof pushedRingSchema>;
export const pushedStopSchema = z.object({
  type: z.literal('ring_ended'),
  appId: appIdSchema,
  callId: callIdSchema,
  userAlias: recordedAliasSchema,
  reason: endReasonSchema,
});
export type PushedStop = z.infer<typeof pushedStopSchema>;

/** What became of one push to one device. */
export const pushStateSchema = z
  .enum(['queued', 'accepted', 'delivered', 'failed', 'expired', 'cancelled'])
  .describe(
    'accepted: the provider took it, which is not yet that it rings, or is read; delivered: an SMS is on the phone, as the SMSC or Twilio says; cancelled: the ring ended first, or the device rang by its socket; expired: its deadline came first',
  );
export type PushState = z.infer<typeof pushStateSchema>;
export const notificationViewSchema = z.object({
  notificationId: z.uuid(),
  channel: z.enum(['ring', 'push', 'email', 'sms', 'webhook']).describe('ring: the push that rings a device; the others are of rules'),
  ruleId: z.string().nullable().describe('which rule; null for rings'),
  callId: callIdSchema,
  userAlias: recordedAliasSchema.nullable().describe('null for an address that a rule names'),
  deviceId: deviceIdSchema.nullable().describe('null for what goes to no device'),
  kind: pushKindSchema.nullable().describe('of rings'),
  state: pushStateSchema,
  reason: z.string().nullable().describe('why it failed, expired or was cancelled'),
  stop: z.enum(['none', 'queued', 'accepted', 'failed']).describe('what became of telling the device that the ring has ended'),
  attempts: z.int().describe('requests made for it by whoever ended it'),
  deadline: z.iso.datetime().nullable().describe('of rings'),
  createdAt: z.iso.datetime(),
  endedAt: z.iso.datetime().nullable(),
  sentAt: z.iso.datetime().nullable().describe('of rings: when it was first handed to its provider'),
  rangAt: z.iso.datetime().nullable().describe('of rings: since when the device rings, as it said itself'),
  openedAt: z.iso.datetime().nullable().describe('when the app said that the user opened it'),
});
export type NotificationView = z.infer<typeof notificationViewSchema>;
export const notificationListSchema = z.object({ notifications: z.array(notificationViewSchema) });
export type NotificationList = z.infer<typeof notificationListSchema>;
/** What of an app's notifications is told as events: to webhooks, and to who reads them. */
export const notificationLogSchema = z.object({
  rings: z.boolean().describe('whether the pushes of rings are told as well: two events or more for each device that is pushed to'),
});
/** Body of PUT /v1/notifications/log. */
export const notificationLogBodySchema = notificationLogSchema.strict();
export type NotificationLog = z.infer<typeof notificationLogSchema>;
/** Query of GET /v1/notifications. */
export const notificationListQuerySchema = z
  .object({
    callId: callIdSchema.optional().describe('of which call'),
    userAlias: userAliasSchema.optional().describe('to whom'),
    deviceId: deviceIdSchema.optional().describe('to which device of the user, or in the call'),
    state: pushStateSchema.optional(),
    limit: z.coerce.number().int().min(1).max(200).default(50),
  })
  .strict()
  .refine(({ callId, userAlias }) => callId !== undefined || userAlias !== undefined, { message: 'name a call or a user' });
export type NotificationListQuery = z.infer<typeof notificationListQuerySchema>;
