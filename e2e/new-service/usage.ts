import { z } from 'zod';

/** Which days are asked about: the first and the last, in UTC. */
export const usageQuerySchema = z.object({ from: z.iso.date(), to: z.iso.date() });
export type UsageQuery = z.infer<typeof usageQuerySchema>;

/** What an app used on one day, by the end of its calls. */
export const usageOfDaySchema = z.object({
  day: z.iso.date(),
  calls: z.int().nonnegative(),
  talkSeconds: z.number().nonnegative(),
});
export type UsageOfDay = z.infer<typeof usageOfDaySchema>;
