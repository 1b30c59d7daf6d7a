import { z } from 'zod';
import { eventSchema } from './envelope.js';
import { callIdSchema, deviceIdSchema, recordedAliasSchema } from './ids.js';

/** Neither addresses nor what was said: whoever may know why asks for it by the id. */
const told = z.object({
  notificationId: z.uuid(),
  ruleId: z.string().nullable().describe('the rule that it was sent by; null for the push of a ring'),
  channel: z.string().describe('push, email, sms or webhook; ring for the push of a ring'),
  callId: callIdSchema,
  userAlias: recordedAliasSchema.nullable().describe('null for an address that a rule names'),
  deviceId: deviceIdSchema.nullable().describe('null for what goes to no device'),
  attempts: z.int().describe('how often it was handed over'),
});
/** Of the push of a ring it is told as well when it was first handed to its provider. */
const toldOfRings = told.extend({
  sentAt: z.iso.datetime().nullish().describe('of the push of a ring: when it was first handed to its provider; null where it never was'),
});

const notificationQueuedSchema = eventSchema('notification.queued', told);

const notificationAcceptedSchema = eventSchema('notification.accepted', toldOfRings);
const notificationDeliveredSchema = eventSchema('notification.delivered', told);
const notificationFailedSchema = eventSchema('notification.failed', toldOfRings);
const notificationExpiredSchema = eventSchema('notification.expired', toldOfRings);
const notificationCancelledSchema = eventSchema('notification.cancelled', toldOfRings);
const notificationRangSchema = eventSchema('notification.rang', told);
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

/** What became of what rules send, and of the pushes of rings where an app wishes to hear of them. Key: the notification. */
export const notificationEventSchema = z.discriminatedUnion('type', [
  notificationQueuedSchema,
  notificationAcceptedSchema,
  notificationDeliveredSchema,
  notificationFailedSchema,
  notificationExpiredSchema,
  notificationCancelledSchema,
  notificationRangSchema,
  notificationOpenedSchema,
  notificationMessageSchema,
]);
export type NotificationEvent = z.infer<typeof notificationEventSchema>;
