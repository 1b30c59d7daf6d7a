import { z } from 'zod';
import { cursorSchema, moment, text } from './text.js';
import { attemptViewSchema } from './webhooks.js';

/** What became of a message at one endpoint. */
const messageStateSchema = z
  .enum(['delivered', 'waiting', 'held', 'failed', 'pending', 'not_sent'])
  .describe(
    'delivered; waiting for the next attempt; held behind another of its subject that waits; failed: given up; pending: the endpoint has yet to come to it; not_sent: the endpoint was past it, or does not want it',
  );
export type MessageState = z.infer<typeof messageStateSchema>;

const eventType = z
  .string()
  .max(64)
  .regex(/^[a-z_]+\.[a-z_]+$/, 'name a type such as call.ended');
const subject = text().min(1).max(200).describe('the id of a call, the alias of a user, or what else events of the type are about');
const page = {
  limit: z.coerce.number().int().min(1).max(200).default(50),
  cursor: cursorSchema.optional().describe('the nextCursor of the page before'),
};
const nextCursor = z
  .string()
  .nullable()
  .describe('null where there is nothing more; a page that looked at many to find few may have fewer than were asked for, and go on');

/** Query of GET /v1/webhook-messages. */
export const messageListQuerySchema = z
  .object({
    type: eventType.optional(),
    subject: subject.optional(),
    endpointId: z.uuid().optional().describe('adds what became of each at this endpoint'),
    state: messageStateSchema.optional().describe('at the endpoint, which is to be named'),
    from: moment().optional().describe('occurred then or later'),
    to: moment().optional().describe('occurred before'),
    ...page,
  })
  .strict();
export type MessageListQuery = z.infer<typeof messageListQuerySchema>;

const message = {
  messageId: z.uuid().describe('the webhook-id header: the id of the event'),
  position: z.int().nullable().describe('its place in the log of the app; null where it was given none'),
  type: z.string(),
  subject: z.string(),
  sequence: z.int(),
  occurredAt: z.iso.datetime(),
};
const delivery = z.object({
  endpointId: z.uuid(),
  state: messageStateSchema,
  attempts: z.int().describe('how many were made'),
  nextAttemptAt: z.iso.datetime().nullable(),
});
export type MessageDelivery = z.infer<typeof delivery>;

export const messageListSchema = z.object({
  messages: z.array(z.object({ ...message, delivery: delivery.optional().describe('where an endpoint is named') })),
  nextCursor,
});
export type MessageList = z.infer<typeof messageListSchema>;

export const attemptSchema = attemptViewSchema.extend({
  answer: z.string().nullable().describe('what the receiver’s answer begins with, up to 512 bytes'),
  nextAttemptAt: z.iso.datetime().nullable().describe('when the next one was to be made; null where none was'),
});
export type Attempt = z.infer<typeof attemptSchema>;

/** A message with what became of it at every endpoint. */
export const messageViewSchema = z.object({
  ...message,
  data: z.looseObject({}).describe('of the event, in the newest payload version'),
  deliveries: z.array(delivery.extend({ latest: z.array(attemptSchema).describe('the latest attempts, oldest first, up to 50') })),
});
export type MessageView = z.infer<typeof messageViewSchema>;

/** Query of GET /v1/webhook-attempts. */
export const attemptListQuerySchema = z
  .object({
    endpointId: z.uuid().optional().describe('of which endpoint; of all of the app without it'),
    messageId: z.uuid().optional(),
    outcome: z.enum(['succeeded', 'failed']).optional(),
    from: moment().optional().describe('begun then or later'),
    to: moment().optional().describe('begun before'),
    ...page,
  })
  .strict();
export type AttemptListQuery = z.infer<typeof attemptListQuerySchema>;
export const attemptListSchema = z.object({
  attempts: z.array(attemptSchema.extend({ messageId: z.uuid(), endpointId: z.uuid(), type: z.string() })),
  nextCursor,
});
export type AttemptList = z.infer<typeof attemptListSchema>;

/** Body of POST /v1/webhook-messages/{messageId}/resend. */
export const resendSchema = z.object({ endpointId: z.uuid() });
export type Resend = z.infer<typeof resendSchema>;

/** Jobs of an app that run at a time, at most. */
export const mostJobs = 4;

/** Body of POST /v1/webhook-endpoints/{endpointId}/jobs. */
export const jobBodySchema = z
  .object({
    kind: z
      .enum(['replay', 'recover', 'never_attempted'])
      .describe(
        'replay: what the endpoint wants, whatever became of it; recover: what was given up; never_attempted: what the endpoint wants now, and nobody tried to deliver to it',
      ),
    since: moment().optional().describe('from this time on: when it occurred; of recover, when it was given up'),
    until: moment().optional().describe('before this time; until now without it'),
    position: z.int().min(0).optional().describe('of a replay: what comes after this place in the log of the app'),
    subject: subject.optional().describe('of a replay: the messages of this call, or user'),
  })
  .superRefine((given, context) => {
    const { kind, since, position, subject } = given;
    const issue = (path: string, message: string) => context.addIssue({ code: 'custom', path: [path], message });
    const starts = [since, position, subject].filter((one) => one !== undefined).length;
    if (starts !== 1) issue('since', kind === 'replay' ? 'say one of since, position and subject' : 'say since when');
    else if (kind !== 'replay' && since === undefined) issue('since', 'say since when: position and subject are of replays');
    if (position !== undefined && given.until !== undefined) issue('until', 'a replay from a position goes to where the log is now');
  });
export type JobBody = z.infer<typeof jobBodySchema>;

export const jobViewSchema = z.object({
  jobId: z.uuid(),
  endpointId: z.uuid(),
  kind: z.enum(['replay', 'recover', 'never_attempted']),
  since: z.iso.datetime().nullable(),
  until: z.iso.datetime().nullable(),
  position: z.int().nullable(),
  subject: z.string().nullable(),
  state: z.enum(['running', 'done', 'cancelled']),
  reason: z.string().nullable().describe('why the Center cancelled it'),
  createdAt: z.iso.datetime(),
  endedAt: z.iso.datetime().nullable(),
  looked: z.int().describe('messages it has looked at'),
  queued: z.int().describe('those of them it has handed to the endpoint'),
  waiting: z.int().describe('those of them that are not delivered yet'),
  failed: z.int().describe('those of them that were given up'),
  delivered: z.int(),
  reached: z.iso.datetime().nullable().describe('up to what time it has looked; of a replay from a position null'),
});
export type JobView = z.infer<typeof jobViewSchema>;

/** The newest jobs of an app. */
export const jobListSchema = z.object({ jobs: z.array(jobViewSchema) });
