import { z } from 'zod';

export const deliveryStateSchema = z.enum(['pending', 'delivered', 'failed']);
export const attemptViewSchema = z.object({
  attempt: z.int(),
  at: z.iso.datetime(),
  status: z.int().nullable().describe('HTTP status; null when no answer came'),
  error: z.string().nullable(),
  durationMs: z.int(),
});
export const deliveryViewSchema = z.object({
  deliveryId: z.uuid().describe('the webhook-id header'),
  endpointId: z.uuid(),
  eventType: z.string(),
  state: deliveryStateSchema,
  attempts: z.array(attemptViewSchema),
  nextAttemptAt: z.iso.datetime().nullable(),
});
export type DeliveryView = z.infer<typeof deliveryViewSchema>;

/** Query of GET /v1/webhook-deliveries. */
export const deliveryListQuerySchema = z.object({
  endpointId: z.uuid().optional().describe('of which endpoint; of all of the app without it'),
  limit: z.coerce.number().int().min(1).max(200).default(50),
});
export type DeliveryListQuery = z.infer<typeof deliveryListQuerySchema>;

/** The body of a delivery: Standard Webhooks (https://www.standardwebhooks.com). */
export const webhookBodySchema = z.object({
  type: z.string(),
  timestamp: z.iso.datetime(),
  data: z.looseObject({ appId: z.string(), callId: z.string().optional(), sequence: z.int() }),
});
export type WebhookBody = z.infer<typeof webhookBodySchema>;
