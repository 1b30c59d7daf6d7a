import { z } from 'zod';
import { type AppId, appIdSchema } from './ids.js';
import { newestVersion } from './upcasters.js';

/**
 * The CloudEvents 1.0 attributes every event carries (https://github.com/cloudevents/spec).
 * `subject` is the Kafka key; `sequence` counts the events of that subject from 1 without a gap.
 */
export const envelopeSchema = z.object({
  specversion: z.literal('1.0'),
  id: z.string().min(1).describe('unique for ever; a repeat of it is the same event'),
  source: z.string().min(1).describe('the service that wrote it, such as /calls'),
  time: z.iso.datetime().describe("when it happened, by the database's clock"),
  subject: z.string().min(1).describe('what it is about: the call, session, user or app'),
  appid: appIdSchema,
  sequence: z.int().positive().describe('position among the events of its subject, from 1'),
  dataversion: z.int().positive().describe('version of the schema of `data`'),
  traceparent: z.string().optional().describe('W3C trace context of the command that caused it'),
});
export type Envelope = z.infer<typeof envelopeSchema>;

/** Any event as the log carries it, before its topic's own schema is applied. */
export const anyEventSchema = envelopeSchema.extend({ type: z.string().min(1), data: z.unknown() });
export type AnyEvent = z.infer<typeof anyEventSchema>;

/** Where an event comes from, and its place in the log. */
interface EventOrigin {
  id: string;
  /** The service that writes it, such as `/calls`. */
  source: string;
  /** When it happened, by the database's clock. */
  at: Date;
  /** The key of the log that it belongs to. */
  subject: string;
  appId: AppId;
  /** Its position among the events of its subject, from 1. */
  sequence: number;
  /** The W3C trace context of what caused it, where that is known. */
  traceparent?: string | undefined;
}

/** Puts what happened into the envelope that every event of the log carries: all that are written are made here. */
export function enveloped<T extends { type: string; data: unknown }>(told: T, origin: EventOrigin) {
  const { id, source, at, subject, appId, sequence, traceparent } = origin;
  return {
    ...told,
    specversion: '1.0' as const,
    id,
    source,
    time: at.toISOString(),
    subject,
    appid: appId,
    sequence,
    dataversion: newestVersion(told.type),
    ...(traceparent && { traceparent }),
  };
}

/**
 * Makes the schema of one event type: the envelope, the dotted type and its data. Data of a newer release is refused
 * rather than misread.
 */
export function eventSchema<T extends string, D extends z.ZodType>(type: T, data: D) {
  const dataversion = envelopeSchema.shape.dataversion.max(
    newestVersion(type),
    'a newer release wrote this event: deploy its readers first',
  );
  return envelopeSchema.extend({ type: z.literal(type), dataversion, data });
}
