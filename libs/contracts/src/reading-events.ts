import { z } from 'zod';
import { callTypeSchema } from './call-terms.js';
import { endpointLimits, eventPatternSchema, eventPatternsSchema, filtersSchema, filterValueSchema } from './endpoints.js';
import { callIdSchema, userAliasSchema } from './ids.js';
import { newestPayloadVersion, payloadVersionSchema } from './payload-versions.js';
import { cursorSchema, moment, pointSchema, text } from './text.js';
import { webhookBodySchema } from './webhooks.js';

/** Limits of one request that reads events. */
const readingLimits = {
  events: { default: 100, max: 500 },
  /** How long a request may wait for the next event. */
  waitSeconds: { default: 0, max: 30 },
  customDataLetters: 4096,
} as const;

const place = cursorSchema.describe(
  'the cursor of the last event you have, or the `next` of a page; `start` for the oldest event that is kept, `end` for what comes from now on',
);

const repeated = <S extends z.ZodType>(one: S, most: number) =>
  z.preprocess((value) => (value === undefined || Array.isArray(value) ? value : [value]), z.array(one).min(1).max(most).optional());

const customData = text()
  .max(readingLimits.customDataLetters)
  .transform((given, context): unknown => {
    try {
      return JSON.parse(given);
    } catch {
      context.addIssue({ code: 'custom', message: 'send it as JSON, such as {"line":"sales"}' });
      return z.NEVER;
    }
  })
  .pipe(
    z.record(text().min(1).max(128), filterValueSchema).refine((wanted) => Object.keys(wanted).length <= endpointLimits.customDataKeys, {
      message: `name at most ${endpointLimits.customDataKeys} keys`,
    }),
  );

/** Which events a request wants: the same filters as endpoints have, and one call. */
const wishes = {
  eventType: repeated(eventPatternSchema, 50).describe(
    'such as call.ended, or call.* for all of calls; repeated for several; all without it',
  ),
  userAlias: repeated(userAliasSchema, endpointLimits.filteredUsers).describe(
    'events of calls in which one of these users has or had a part, and of these users; repeated for several',
  ),
  callType: repeated(callTypeSchema, 3).describe('events of calls that were dialed with one of these types; repeated for several'),
  customData: customData.optional().describe('JSON: events of calls whose custom data has each of these keys with exactly this value'),
  callId: callIdSchema.optional().describe('events of this call alone'),
  payloadVersion: payloadVersionSchema.optional().describe('in which version the data of events is told; the newest without it'),
};

const limit = z.coerce.number().int().min(1).max(readingLimits.events.max).default(readingLimits.events.default).describe('events at most');
const wait = z.coerce
  .number()
  .min(0)
  .max(readingLimits.waitSeconds.max)
  .default(readingLimits.waitSeconds.default)
  .describe('for how long to wait for an event where there is none yet, in seconds');

/** Query of GET /v1/events. */
export const eventsQuerySchema = z
  .object({
    ...wishes,
    after: place.optional(),
    since: moment()
      .optional()
      .describe('events that occurred then or later, and whatever was told after the first of them; instead of `after`'),
    limit,
    wait,
  })
  .strict()
  .refine(({ after, since }) => after === undefined || since === undefined, { message: 'say after or since', path: ['since'] });
export type EventsQuery = z.infer<typeof eventsQuerySchema>;

/** Query of GET /v1/events/stream. */
export const eventStreamQuerySchema = z
  .object({
    ...wishes,
    after: place.optional().describe('where to begin, unless Last-Event-ID says so; at the end without either'),
    since: moment().optional().describe('as in GET /v1/events'),
  })
  .strict()
  .refine(({ after, since }) => after === undefined || since === undefined, { message: 'say after or since', path: ['since'] });
export type EventStreamQuery = z.infer<typeof eventStreamQuerySchema>;

/** An event as it is read: the body of a webhook, with its id and its place. */
export const readEventSchema = z.object({
  id: z.uuid().describe('as the webhook-id header: the same wherever the event is told'),
  cursor: z.string().describe('the place after this event'),
  ...webhookBodySchema.shape,
});
export type ReadEvent = z.infer<typeof readEventSchema>;

export const eventPageSchema = z.object({
  events: z.array(readEventSchema),
  next: z.string().describe('from where to read on, also where no event is told'),
  hasMore: z
    .boolean()
    .describe('whether there was more to look at: a page may hold no event of those that are wanted, and more may come after it'),
});
export type EventPage = z.infer<typeof eventPageSchema>;

/** A name that an app gives a reader of its events whose place the Center keeps. */
export const consumerNameSchema = z
  .string()
  .regex(/^[a-z0-9][a-z0-9_.-]{0,62}$/, 'use 1 to 63 of a-z, 0-9, ".", "-" and "_", starting with a letter or digit');

const consumerFields = {
  eventTypes: eventPatternsSchema,
  filters: filtersSchema,
  payloadVersion: payloadVersionSchema.describe('in which version the data of events is told'),
};

/** Body of PUT /v1/events/consumers/{name}: all of what the consumer wants. */
export const consumerBodySchema = z.object({
  eventTypes: consumerFields.eventTypes.default(['call.*']),
  filters: consumerFields.filters.default({}),
  payloadVersion: consumerFields.payloadVersion.default(newestPayloadVersion),
  from: pointSchema
    .optional()
    .describe('where it begins, or goes on; a new one begins at the end where this is left out, and another stays where it is'),
});
export type ConsumerBody = z.infer<typeof consumerBodySchema>;

export const consumerViewSchema = z.object({
  name: z.string(),
  ...consumerFields,
  position: z.string().describe('the cursor that was acknowledged last, or where it began'),
  behind: z.int().describe('how many places of the events come after that, wanted or not'),
  acknowledgedAt: z.iso.datetime().nullable(),
  createdAt: z.iso.datetime(),
});
export type ConsumerView = z.infer<typeof consumerViewSchema>;

/** Query of GET /v1/events/consumers/{name}/events. */
export const consumerEventsQuerySchema = z.object({ limit, wait }).strict();
export type ConsumerEventsQuery = z.infer<typeof consumerEventsQuerySchema>;

/** Body of POST /v1/events/consumers/{name}/acknowledge. */
export const acknowledgementSchema = z.object({
  cursor: cursorSchema.describe('of the last event that needs not be told again, or the `next` of a page: all up to it counts as done'),
});
export type Acknowledgement = z.infer<typeof acknowledgementSchema>;
