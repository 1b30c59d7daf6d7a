import { z } from 'zod';
import { anyEventSchema } from './envelope.js';
import { callIdSchema } from './ids.js';

/** How many events of a call one answer holds at most; who wants more asks on from the last. */
export const callEventsPage = 200;

/** Which events of a call a reader lacks: those after one sequence and before another. */
export const callEventsQuerySchema = z
  .object({ after: z.coerce.number().int().nonnegative(), before: z.coerce.number().int().positive().max(2_147_483_647) })
  .strict();
export type CallEventsQuery = z.infer<typeof callEventsQuerySchema>;

/** The first of the events asked for, in order, a page at most. Whether its release knows them is the reader's to judge. */
export const callEventsSchema = z.object({ events: z.array(anyEventSchema.extend({ callid: callIdSchema })).max(callEventsPage) });
