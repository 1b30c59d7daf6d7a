import { z } from 'zod';
import { endReasonSchema } from './call-terms.js';
import { appIdSchema, callIdSchema, recordedAliasSchema, userAliasSchema } from './ids.js';
import { phoneNumberSchema } from './phone-number.js';
import { text } from './text.js';
import { timeZoneSchema } from './time-zone.js';

/** Of what rules may tell. */
export const ruleEventSchema = z.enum([
  'call.dialed',
  'call.participant_invited',
  'call.missed',
  'call.busy',
  'call.declined',
  'call.answered',
  'call.ended',
]);
export type RuleEvent = z.infer<typeof ruleEventSchema>;

/** By what people are told. */
export const messageChannelSchema = z
  .enum(['push', 'email', 'sms', 'webhook'])
  .describe(
    'push: what devices show, through the app’s push credentials; email: through the app’s own mail server, or the installation’s; sms: through the app’s SMSC or Twilio account; webhook: told to the app itself as `notification.message`',
  );
export type MessageChannel = z.infer<typeof messageChannelSchema>;

const slug = (what: string) =>
  z
    .string()
    .regex(/^[a-z0-9][a-z0-9-]{0,62}$/, 'use 1 to 63 of a-z, 0-9 and "-", starting with a letter or digit')
    .describe(what);
export const ruleIdSchema = slug('the name of a rule in its app');
export const templateIdSchema = slug('the name of a template in its app');

const conditionsSchema = z
  .strictObject({
    offline: z.boolean().optional().describe('whether no device of the receiver has a socket open'),
    noDeviceReached: z.boolean().optional().describe('whether no device of the receiver has rung for the call'),
    busy: z.boolean().optional().describe('whether the receiver was in another call'),
    doNotDisturb: z.boolean().optional().describe('whether the receiver wished not to be disturbed'),
    reasons: z.array(endReasonSchema).min(1).optional().describe('why the ring or call ended: one of these'),
  })
  .describe('what must hold, all of it, for the one who is told; read anew before each step');
export type Conditions = z.infer<typeof conditionsSchema>;

const clock = z.string().regex(/^([01]\d|2[0-3]):[0-5]\d$/, 'write it as 22:00');
const quietHoursSchema = z
  .strictObject({
    from: clock,
    to: clock.describe('the end, on the next day where it is before the beginning'),
    timeZone: timeZoneSchema.default('UTC').describe('for receivers whose profile names none'),
    meanwhile: z.enum(['wait', 'skip']).default('wait').describe('whether a step waits for their end, or is left out'),
  })
  .refine(({ from, to }) => from !== to, { message: 'they end when they begin: leave them out, or the rule', path: ['to'] })
  .describe('by the clock of the receiver');
export type QuietHours = z.infer<typeof quietHoursSchema>;

const localeSchema = z
  .string()
  .max(35)
  .regex(/^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$/, 'use a BCP 47 tag, such as de or de-AT');

const receiverSchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('callee').describe('who is called, or whom the event is about') }),
  z.strictObject({ kind: z.literal('initiator') }),
  z.strictObject({ kind: z.literal('participants').describe('everyone who ever had a part in the call') }),
  z.strictObject({ kind: z.literal('address'), email: z.email().max(320), locale: localeSchema.optional() }),
  z.strictObject({
    kind: z.literal('phone').describe('a number, for steps by SMS'),
    phone: phoneNumberSchema,
    locale: localeSchema.optional(),
  }),
  z.strictObject({ kind: z.literal('group').describe('the users who are in a group, up to 100'), group: text().min(1).max(64) }),
]);
export type Receiver = z.infer<typeof receiverSchema>;

const stepSchema = z.strictObject({
  afterSeconds: z
    .int()
    .min(0)
    .max(86_400)
    .default(0)
    .describe('so long after the event, or after the step before was taken; a step that cannot be taken is passed over at once'),
  channel: messageChannelSchema,
  template: templateIdSchema,
  when: conditionsSchema.optional().describe('of this step alone'),
});
export type RuleStep = z.infer<typeof stepSchema>;

/** Body of PUT /v1/notification-rules/{ruleId}. */
export const ruleBodySchema = z.strictObject({
  enabled: z.boolean().default(true),
  on: ruleEventSchema,
  to: receiverSchema,
  when: conditionsSchema.prefault({}),
  quietHours: quietHoursSchema.optional(),
  steps: z
    .array(stepSchema)
    .min(1)
    .max(6)
    .describe(
      'taken one after the other, until the receiver was reached: opened one, came online where the rule is for those who are not, or took the call',
    ),
  withinSeconds: z.int().min(1).max(172_800).default(3600).describe('after the event nothing is sent any more when so long has passed'),
});
export type RuleBody = z.infer<typeof ruleBodySchema>;
export const ruleViewSchema = ruleBodySchema.extend({
  ruleId: ruleIdSchema,
  isDefault: z.boolean().describe('whether it is one that each app has until it saves its own'),
});
export type RuleView = z.infer<typeof ruleViewSchema>;
export const ruleListSchema = z.object({ rules: z.array(ruleViewSchema) });

const source = (most: number) => text().min(1).max(most);
const textsSchema = z.strictObject({
  subject: source(500).describe('of an e-mail, the title of a push; one line'),
  text: source(20_000).describe('in plain text; what a push shows'),
  html: source(60_000).optional().describe('of an e-mail; values are escaped'),
});
export type TemplateTexts = z.infer<typeof textsSchema>;

/** Body of PUT /v1/notification-templates/{templateId}. */
export const templateBodySchema = z
  .strictObject({
    defaultLocale: localeSchema.default('en').describe('for receivers whose locale has none'),
    locales: z
      .record(localeSchema, textsSchema)
      .refine((all) => Object.keys(all).length <= 40, { message: 'write it in 40 languages at most' })
      .describe('in LiquidJS, by locale; of de-AT that lacks, de is taken'),
  })
  .refine(({ defaultLocale, locales }) => locales[defaultLocale] !== undefined, {
    message: 'write it in the default locale',
    path: ['locales'],
  });
export type TemplateBody = z.infer<typeof templateBodySchema>;
export const templateViewSchema = z.object({
  templateId: templateIdSchema,
  isDefault: z.boolean(),
  defaultLocale: z.string(),
  locales: z.record(z.string(), textsSchema),
});
export type TemplateView = z.infer<typeof templateViewSchema>;
export const templateListSchema = z.object({ templates: z.array(templateViewSchema) });

/** Body of POST /v1/notification-templates/{templateId}/preview and …/test. */
export const previewBodySchema = z.strictObject({
  locale: localeSchema.optional(),
  template: templateBodySchema.optional().describe('one that is not saved yet; the saved one where it is left out'),
});
export type PreviewBody = z.infer<typeof previewBodySchema>;
/** …/test. */
export const testSendBodySchema = z
  .strictObject({
    email: z.email().max(320).optional(),
    phone: phoneNumberSchema.optional().describe('instead of an address: it is sent by SMS'),
    locale: localeSchema.optional(),
  })
  .refine(({ email, phone }) => (email === undefined) !== (phone === undefined), { message: 'name an e-mail address or a phone number' });
export type TestSendBody = z.infer<typeof testSendBodySchema>;
export const renderedSchema = z.object({ locale: z.string(), subject: z.string(), text: z.string(), html: z.string().optional() });
export type Rendered = z.infer<typeof renderedSchema>;
export const testSendVerdictSchema = z.object({
  accepted: z.boolean(),
  reason: z.string().nullable().describe('why the mail server, SMSC or Twilio did not take it'),
});
export type TestSendVerdict = z.infer<typeof testSendVerdictSchema>;

/** Body of PUT /v1/notification-preferences/{userAlias}: what is left out is as it was. */
export const preferencesBodySchema = z.strictObject({
  push: z.boolean().optional(),
  email: z.boolean().optional(),
  sms: z.boolean().optional(),
});
export type PreferencesBody = z.infer<typeof preferencesBodySchema>;
export const preferencesViewSchema = z.object({
  userAlias: recordedAliasSchema,
  push: z.boolean().describe('whether the user is told by pushes that are no rings'),
  email: z.boolean(),
  sms: z.boolean(),
});
export type PreferencesView = z.infer<typeof preferencesViewSchema>;

/** Answer of POST /v1/unsubscribe/{token}. */
export const unsubscribedSchema = z.object({ email: z.literal(false).describe('the user is told by e-mail no more') });

/** What a push that is no ring says to the app on the device: of FCM's `data` each value is a text. */
export const pushedMessageSchema = z.object({
  type: z.literal('notification'),
  appId: appIdSchema,
  notificationId: z.uuid().describe('for POST /v1/notifications/{id}/opened, when the user opens it'),
  ruleId: ruleIdSchema,
  callId: callIdSchema,
  userAlias: userAliasSchema,
  title: z.string(),
  body: z.string(),
  sentAt: z.iso.datetime(),
});
export type PushedMessage = z.infer<typeof pushedMessageSchema>;
