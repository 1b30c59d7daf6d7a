import { z } from 'zod';
import { broadcastEventSchema } from './broadcast-events.js';
import { callEventSchema } from './call-events.js';
import { auditNotedSchema } from './directory.js';
import { type EventExample, eventExamples } from './event-examples.js';
import { appIdSchema, callIdSchema } from './ids.js';
import { notificationEventSchema } from './notification-events.js';
import { newestPayloadVersion, payloadVersions } from './payload-versions.js';
import { presenceChangedSchema } from './presence.js';
import { qualityEventSchema } from './quality-events.js';
import { recordingEventSchema } from './recording-events.js';
import type { WebhookBody } from './webhooks.js';

/** What is told of each event beside its data. */
const always = {
  appId: appIdSchema,
  sequence: z.int().positive().describe('position among the events of its subject, from 1'),
  position: z.int().positive().optional().describe('position among all messages of the app'),
  occurredAt: z.iso.datetime().optional().describe('when it happened, as timestamp says'),
};

/** What is told of endpoints themselves, to the others of the app. */
const ofEndpoints: Readonly<Record<string, z.ZodObject>> = {
  'endpoint.disabled': z.object({
    endpointId: z.uuid(),
    url: z.string(),
    reason: z.string(),
    failingSince: z.iso.datetime().describe('since when nothing could be delivered to it'),
  }),
  'message.exhausted': z.object({
    endpointId: z.uuid(),
    messageId: z.string().describe('the webhook-id of what was not delivered'),
    type: z.string().describe('its event type'),
    subject: z.string().describe('what it is about: the call, the user or the entry'),
    attempts: z.int().positive(),
  }),
  'endpoint.test': z.object({ endpointId: z.uuid(), test: z.literal(true) }),
};

/** The schemas of the data of whatever is told to endpoints, by type. */
const dataOfTypes: ReadonlyMap<string, z.ZodObject> = new Map<string, z.ZodObject>([
  ...callEventSchema.options.map(({ shape }) => [shape.type.value, shape.data.extend({ ...always, callId: callIdSchema })] as const),
  ...[qualityEventSchema, presenceChangedSchema, auditNotedSchema].map(
    ({ shape }) => [shape.type.value, shape.data.extend(always)] as const,
  ),
  ...recordingEventSchema.options.map(({ shape }) => [shape.type.value, shape.data.extend(always)] as const),
  ...broadcastEventSchema.options.map(({ shape }) => [shape.type.value, shape.data.extend(always)] as const),
  ...notificationEventSchema.options.map(({ shape }) => [shape.type.value, shape.data.extend(always)] as const),
  ...Object.entries(ofEndpoints).map(([type, data]) => [type, data.extend(always)] as const),
]);

/** An event type that is told to endpoints. */
export interface EventType extends Omit<EventExample, 'data'> {
  type: string;
  /** The body of a message in the newest payload version, as Standard Webhooks has it. */
  body: z.ZodObject;
  example: WebhookBody;
}

/** Every event type that is told to endpoints, in the order in which a call goes; what is not here is never sent. */
export const eventTypes: readonly EventType[] = [...dataOfTypes].map(([type, data]) => {
  const { description, since, data: example } = exampleOf(type);
  return {
    type,
    description,
    since,
    body: z.object({ type: z.literal(type), timestamp: z.iso.datetime().describe('when it happened'), data }),
    example: { type, timestamp: '2026-11-28T09:30:00.000Z', data: { appId: 'demo', ...example } as WebhookBody['data'] },
  };
});

function exampleOf(type: string): EventExample {
  const example = eventExamples[type];
  if (!example) throw new Error(`Give ${type} an example and a description in event-examples.ts`);
  return example;
}

/** What GET /v1/event-types says of a type. */
export const eventTypeViewSchema = z.object({
  type: z.string(),
  description: z.string(),
  since: z.string().describe('the payload version with which it came'),
  payloadVersions: z.array(z.string()).describe('those in which it is told, the newest first'),
  schema: z
    .record(z.string(), z.unknown())
    .describe('JSON Schema 2020-12 of the body in the newest payload version; what is not in it may be added'),
  example: z.record(z.string(), z.unknown()),
});
export type EventTypeView = z.infer<typeof eventTypeViewSchema>;
export const eventTypeListSchema = z.object({ newestPayloadVersion: z.string(), eventTypes: z.array(eventTypeViewSchema) });
export type EventTypeList = z.infer<typeof eventTypeListSchema>;

/** @returns what is said of every type. Makes the JSON Schemas anew: whoever asks often keeps it. */
export function eventTypeList(): EventTypeList {
  return { newestPayloadVersion, eventTypes: eventTypes.map(viewOf) };
}

function viewOf({ type, description, since, body, example }: EventType): EventTypeView {
  const { $schema: _, ...schema } = z.toJSONSchema(body, {
    io: 'output',
    target: 'draft-2020-12',
    unrepresentable: 'any',
    reused: 'inline',
  });
  const told = payloadVersions.map(({ name }) => name).filter((name) => name >= since);
  return { type, description, since, payloadVersions: told.reverse(), schema, example };
}
