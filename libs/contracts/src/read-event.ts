import type { z } from 'zod';
import type { AnyEvent } from './envelope.js';
import { type EventOf, type Topic, topics } from './topics.js';
import { type Upcaster, upcasters } from './upcasters.js';

/** What is told apart without looking at the data. */
type Kind = Pick<AnyEvent, 'type' | 'dataversion'>;

/** A newer release wrote the event: it is no fault, and waits for the upgrade. */
export class NewerEventError extends Error {
  override name = 'NewerEventError';

  constructor(
    readonly type: string,
    readonly dataversion: number,
  ) {
    super(`a newer release wrote ${type} in version ${dataversion} of its data`);
  }
}

/** How a release reads the events of the log. */
export interface EventReader {
  /** Whether it can read an event of a topic: it has the type, and that version of its data. Of a topic it has no schema for, any. */
  knows(topic: string, kind: Kind): boolean;
  /**
   * Reads an event that any release may have written, in the newest version of its data.
   * @throws NewerEventError for one that it does not know, ZodError for one that is not as its release should have written it.
   */
  read(topic: string, event: AnyEvent): AnyEvent;
}

/** The schemas of a topic's events, each with its literal `type`. */
type Events = z.ZodType & ({ options: readonly { shape: { type: { value: string } } }[] } | { shape: { type: { value: string } } });

/**
 * @param ofTopics the events of each topic, by the schema of their newest version.
 * @param steps for each type that has older versions, how each becomes the next.
 */
export function eventReader(
  ofTopics: Readonly<Record<string, { events: z.ZodType }>>,
  steps: Readonly<Record<string, readonly Upcaster[]>>,
): EventReader {
  const typesOf = new Map(Object.entries(ofTopics).map(([topic, { events }]) => [topic, typesIn(events as Events)]));
  const knows = (topic: string, { type, dataversion }: Kind) => {
    const types = typesOf.get(topic);
    return types === undefined || (types.has(type) && dataversion <= (steps[type]?.length ?? 0) + 1);
  };
  return {
    knows,
    read(topic, event) {
      if (!knows(topic, event)) throw new NewerEventError(event.type, event.dataversion);
      const newer = (steps[event.type] ?? []).slice(event.dataversion - 1);
      const data = newer.reduce((older, step) => step(older), event.data);
      const upcast = newer.length === 0 ? event : { ...event, dataversion: event.dataversion + newer.length, data };
      return (ofTopics[topic]?.events.parse(upcast) ?? upcast) as AnyEvent;
    },
  };
}

function typesIn(events: Events): Set<string> {
  return new Set('options' in events ? events.options.map(({ shape }) => shape.type.value) : [events.shape.type.value]);
}

/** How this release reads the log. */
export const thisRelease: EventReader = eventReader(topics, upcasters);

/**
 * Reads an event of a topic, as {@link thisRelease} does.
 * @throws NewerEventError for one that a newer release wrote, ZodError for one that is not what its topic carries.
 */
export function readEvent<T extends Topic>(topic: T, event: AnyEvent): EventOf<T> {
  return thisRelease.read(topic, event) as EventOf<T>;
}
