import { z } from 'zod';
import { eventSchema } from './envelope.js';
import { callIdSchema, deviceIdSchema, recordedAliasSchema } from './ids.js';

/** How a device came to ring. */
const ringsThroughSchema = z
  .enum(['socket', 'push'])
  .describe('push: it was let in by the ring token of a push; socket: it had one open, or opened it by a user token');

/**
 * A device says that it rings, since the event’s time by its gateway’s clock. Key: the call. Unlike those of other topics it is no part of
 * a history: `sequence` is that of the newest event of the call that the device had heard, and some facts may be lost, or come twice.
 */
export const ringConfirmedSchema = eventSchema(
  'ring.confirmed',
  z.object({ callId: callIdSchema, userAlias: recordedAliasSchema, deviceId: deviceIdSchema, through: ringsThroughSchema }),
);
export type RingConfirmed = z.infer<typeof ringConfirmedSchema>;
