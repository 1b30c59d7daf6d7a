import { z } from 'zod';
import { eventSchema } from './envelope.js';
import { callIdSchema, deviceIdSchema, recordedAliasSchema } from './ids.js';

/** Neither addresses nor what was said: whoever may know why asks for it by the id. */
const told = z.object({
  notificationId: z.uuid(),
  ruleId: z.string().describe('the rule that it was sent by'),
  channel: z.string().describe('push or email'),
  callId: callIdSchema,
  userAlias: recordedAliasSchema.nullable().describe('null for an address that a rule names'),
  deviceId: deviceIdSchema.nullable().describe('null for what goes to no device'),
  attempts: z.int().describe('how often it was handed over'),
});

const notificationAcceptedSchema = eventSchema('notification.accepted', told);
const notificationFailedSchema = eventSchema('notification.failed', told);
const notificationExpiredSchema = eventSchema('notification.expired', told);
const notificationCancelledSchema = eventSchema('notification.cancelled', told);
const notificationOpenedSchema = eventSchema('notification.opened', told);

/** What became of what rules send. Key: the notification. */
export const notificationEventSchema = z.discriminatedUnion('type', [
  notificationAcceptedSchema,
  notificationFailedSchema,
  notificationExpiredSchema,
  notificationCancelledSchema,
  notificationOpenedSchema,
]);
export type NotificationEvent = z.infer<typeof notificationEventSchema>;
