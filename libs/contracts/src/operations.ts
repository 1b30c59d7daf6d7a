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

/** Body of POST …/secrets/reseal. */
export const resealBodySchema = z.object({
  keyId: z
    .string()
    .regex(/^[a-z0-9][a-z0-9_-]{0,15}$/, 'use the keyId that GET …/secrets tells')
    .optional()
    .describe('the key to seal with: a replica whose first key is another refuses, rather than seal everything back'),
});

/** What a service keeps sealed, as the replica sees it that was asked. */
const sealedFields = {
  keyId: z.string().describe('of the key that comes first in SECRETS_KEY here: it seals what is new'),
  left: z.int().describe('values that another key sealed'),
  keys: z
    .array(
      z.object({
        keyId: z.string().nullable().describe('null: they name no key that is here; what a key without an id has sealed names none'),
        values: z.int(),
      }),
    )
    .describe('how many values each key sealed; one that sealed none may be taken out of SECRETS_KEY'),
};
export const sealedViewSchema = z.object(sealedFields);
export type SealedView = z.infer<typeof sealedViewSchema>;
export const resealedSchema = z.object({
  ...sealedFields,
  resealed: z.int().describe('values that this request sealed anew; where some are left, ask again'),
  unreadable: z.int().describe('values it met that no key here opens: they stay as they are'),
});
export type Resealed = z.infer<typeof resealedSchema>;
