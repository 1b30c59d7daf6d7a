import { z } from 'zod';
import { text } from './text.js';

/** A key whose events wait in a consumer group. */
export const parkedKeyBodySchema = z.object({
  group: text().min(1).max(200).describe('the consumer group, such as calls.call-history'),
  topic: text().min(1).max(200),
  key: text().min(1).max(1024),
});

export const consumerListSchema = z.object({
  consumers: z.array(z.object({ group: z.string(), state: z.enum(['starting', 'running', 'paused', 'stopped']) })),
  projections: z.array(z.string()),
});

const rebuildSchema = z.object({
  state: z.enum(['folding', 'done', 'failed']),
  folded: z.int().describe('messages folded'),
  toFold: z.int().describe('how many there were when it began: those that come meanwhile are not counted'),
  error: z.string().nullable(),
  startedAt: z.iso.datetime(),
  endedAt: z.iso.datetime().nullable(),
  leftOut: z
    .array(z.object({ topic: z.string(), key: z.string(), reason: z.string() }))
    .describe('keys that could not be folded: the projection is without them'),
});
/** A rebuild that has begun: GET …/projections/{name} tells how it goes. */
export const rebuildBegunSchema = z.object({ name: z.string(), rebuild: rebuildSchema });
export const projectionViewSchema = z.object({
  name: z.string(),
  rebuild: rebuildSchema.nullable().describe('the last one; null: none yet'),
});
export const projectionListSchema = z.object({ projections: z.array(projectionViewSchema) });

export const deadLetterListSchema = z.object({
  parked: z
    .array(
      z.object({
        consumerGroup: z.string(),
        topic: z.string(),
        key: z.string(),
        kind: z.enum(['fault', 'newer']).describe('newer: a newer release wrote it; it is handled by itself after the upgrade'),
        reason: z.string(),
        parkedAt: z.iso.datetime(),
        redriving: z.int().nullable().describe('events that a redrive which is under way has left; null: none is'),
      }),
    )
    .describe('those that wait for longest first'),
  total: z.int(),
});
export const redrivenSchema = z.object({
  handled: z.int().nullable().describe('events; null: it takes long, and goes on: dead-letters tells how it goes'),
});
export const discardedSchema = z.object({ discarded: z.int().describe('events') });
