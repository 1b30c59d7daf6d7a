import { z } from 'zod';
import { eventSchema } from './envelope.js';
import { callIdSchema, deviceIdSchema, recordedAliasSchema } from './ids.js';

/** Neither addresses nor what was said: whoever may know why asks for it by the id. */
const told = z.object({
  notificationId: z.uuid(),
  ruleId: z.string().describe('the rule that it was sent by'),
  channel: z.string().describe('push, email, sms or webhook'),
  callId: callIdSchema,
  userAlias: recordedAliasSchema.nullable().describe('null for an address that a rule names'),
  deviceId: deviceIdSchema.nullable().describe('null for what goes to no device'),
  attempts: z.int().describe('how often it was handed over'),
});

const notificationAcceptedSchema = eventSchema('notification.accepted', told);
const notificationDeliveredSchema = eventSchema('notification.delivered', told);
const notificationFailedSchema = eventSchema('notification.failed', told);
const notificationExpiredSchema = eventSchema('notification.expired', told);
const notificationCancelledSchema = eventSchema('notification.cancelled', told);
const notificationOpenedSchema = eventSchema('notification.opened', told);
/** A step of a rule whose receiver is the app itself: what a person would have read. */
const notificationMessageSchema = eventSchema(
  'notification.message',
  told.extend({
    event: z.string().describe('of which event of the call it tells'),
    reason: z.string().nullable().describe('why the ring or call ended, where it did'),
    locale: z.string().describe('in which the template was filled in'),
    subject: z.string(),
    text: z.string(),
  }),
);

/** What became of what rules send. Key: the notification. */
export const notificationEventSchema = z.discriminatedUnion('type', [
  notificationAcceptedSchema,
  notificationDeliveredSchema,
  notificationFailedSchema,
  notificationExpiredSchema,
  notificationCancelledSchema,
  notificationOpenedSchema,
  notificationMessageSchema,
]);
export type NotificationEvent = z.infer<typeof notificationEventSchema>;
