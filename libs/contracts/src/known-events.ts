import type { z } from 'zod';
import { callEventSchema } from './call-events.js';
import { directoryEventSchema } from './directory.js';
import type { AnyEvent } from './envelope.js';
import { mediaEventSchema } from './media-events.js';
import { presenceChangedSchema } from './presence.js';
import { sessionEventSchema } from './session-events.js';

interface EventShape {
  type: { value: string };
  dataversion: z.ZodNumber;
}

const shapes: Record<string, readonly EventShape[]> = {
  'calls.events': callEventSchema.options.map(({ shape }) => shape),
  'sessions.events': sessionEventSchema.options.map(({ shape }) => shape),
  'presence.events': [presenceChangedSchema.shape],
  'directory.events': directoryEventSchema.options.map(({ shape }) => shape),
  'media.events': mediaEventSchema.options.map(({ shape }) => shape),
};

const newest = new Map(
  Object.entries(shapes).map(([topic, ofTopic]) => [
    topic,
    new Map(ofTopic.map(({ type, dataversion }) => [type.value, dataversion.maxValue ?? 1])),
  ]),
);

/**
 * Whether this release can read an event of a topic: it knows the type, and that version of its data. What it cannot read
 * was written by a newer release and is no fault. Of a topic without schemas everything is known.
 */
export function knowsEvent(topic: string, { type, dataversion }: Pick<AnyEvent, 'type' | 'dataversion'>): boolean {
  const types = newest.get(topic);
  return types === undefined || (types.get(type) ?? 0) >= dataversion;
}
