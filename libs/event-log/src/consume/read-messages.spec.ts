import { expect, test } from 'vitest';
import { event, message } from './bench.fixture.js';
import { readMessages } from './read-messages.js';

const tombstone = (key: string, offset: number) => ({ ...message(event(key, 1), offset), value: null, headers: {} });

test('tombstones are told beside the events, and whether their keys go on', () => {
  const { events, tombstones } = readMessages('sessions.events', [
    message(event('a', 1), 0),
    tombstone('a', 1),
    tombstone('b', 2),
    message(event('b', 7), 3),
  ]);
  expect(events.map(({ subject, sequence }) => [subject, sequence])).toEqual([
    ['a', 1],
    ['b', 7],
  ]);
  expect(tombstones).toEqual([
    { topic: 'sessions.events', key: 'a', isFollowed: false },
    { topic: 'sessions.events', key: 'b', isFollowed: true },
  ]);
});
