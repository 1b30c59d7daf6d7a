/*
 * What was written once is read for ever: every kind of event of every topic as it was recorded, older versions of its data
 * upcast; and what a newer release wrote is told from what is at fault.
 */
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { type AnyEvent, eventReader, eventSchema, NewerEventError, readEvent, type Topic, thisRelease, topics } from './index.js';
import recordedCalls from './recorded-calls.json' with { type: 'json' };
import recordedEvents from './recorded-events.json' with { type: 'json' };
import { newestVersion } from './upcasters.js';

const corpus = { 'calls.events': recordedCalls.flatMap(({ events }) => events), ...recordedEvents } as unknown as Record<Topic, AnyEvent[]>;
const names = Object.keys(topics) as Topic[];

describe.each(names)('the events recorded of %s', (topic) => {
  test('are still read, and say what they said', () => {
    for (const event of corpus[topic]) expect(readEvent(topic, event)).toMatchObject({ ...event, dataversion: newestVersion(event.type) });
  });

  test('are of every type and every version that was ever written', () => {
    const schema = topics[topic].events;
    const types = ('options' in schema ? schema.options : [schema]).map(({ shape }) => shape);
    const ever = types.flatMap(({ type, dataversion }) =>
      Array.from({ length: dataversion.maxValue ?? 0 }, (_, version) => `${type.value} ${version + 1}`),
    );
    expect([...new Set(corpus[topic].map(({ type, dataversion }) => `${type} ${dataversion}`))].sort()).toEqual(ever.sort());
  });
});

const thing = (dataversion: number, data: unknown, type = 'thing.measured'): AnyEvent => {
  const envelope = { specversion: '1.0' as const, id: 'e', source: '/test', time: '2026-01-01T00:00:00.000Z', subject: 't', sequence: 1 };
  return { ...envelope, appid: 'test' as AnyEvent['appid'], type, dataversion, data };
};
/** Of which the third version measures in metres, the second named its unit, and the first knew no other than feet. */
const measured = eventSchema('thing.measured', z.object({ metres: z.number() })).extend({ dataversion: z.int().max(3) });
const reader = eventReader(
  { things: { events: measured } },
  {
    'thing.measured': [
      (data) => ({ ...(data as object), unit: 'ft' }),
      (data) => {
        const { length, unit } = data as { length: number; unit: string };
        return { metres: unit === 'ft' ? length * 0.3048 : length };
      },
    ],
  },
);

test('data of an older version becomes that of the newest, step by step', () => {
  const metres = (event: AnyEvent) => reader.read('things', event);
  expect(metres(thing(1, { length: 10 }))).toEqual(thing(3, { metres: 3.048 }));
  expect(metres(thing(2, { length: 10, unit: 'm' }))).toEqual(thing(3, { metres: 10 }));
  expect(metres(thing(3, { metres: 7 }))).toEqual(thing(3, { metres: 7 }));
});

test('a version or a type that this release does not have is a newer release’s, not a fault', () => {
  expect(() => reader.read('things', thing(4, {}))).toThrow(NewerEventError);
  expect(() => reader.read('things', thing(1, {}, 'thing.lost'))).toThrow(NewerEventError);
  expect([3, 4].map((dataversion) => reader.knows('things', { type: 'thing.measured', dataversion }))).toEqual([true, false]);
  expect(thisRelease.knows('calls.events', { type: 'session.opened', dataversion: 1 })).toBe(false);
  expect(thisRelease.knows('sessions.events', { type: 'session.opened', dataversion: 1 })).toBe(true);
});

test('what is not as its own release should have written it is at fault', () => {
  expect(() => reader.read('things', thing(3, { metres: 'seven' }))).toThrow(z.ZodError);
});

test('of a topic without schemas everything is known, and read as it is', () => {
  const event = thing(9, 'anything', 'anything');
  expect(reader.knows('elsewhere', event)).toBe(true);
  expect(reader.read('elsewhere', event)).toBe(event);
});
