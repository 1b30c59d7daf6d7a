import { z } from 'zod';
import { broadcastToldSchema } from './broadcasts.js';
import { eventSchema } from './envelope.js';

const told = <T extends string>(type: T) => eventSchema(type, broadcastToldSchema);

/** What becomes of a broadcast, and of its push to elsewhere, each in the transaction that makes it so. Key: the broadcast. */
export const broadcastEventSchema = z.discriminatedUnion('type', [
  told('broadcast.starting'),
  told('broadcast.live'),
  told('broadcast.stopped'),
  told('broadcast.failed'),
  told('broadcast.push_live'),
  told('broadcast.push_failed'),
]);
export type BroadcastEvent = z.infer<typeof broadcastEventSchema>;
