/*
 * Of apps that nobody heeds no event is read, whatever is in it; and none is lost when one of them is heeded from then on. Nor is one of a type
 * that there is nothing to do for, unless something lacks before it.
 */
import { type AnyEvent, thisRelease } from '@communication-center/contracts';
import type { KafkaMessage } from 'kafkajs';
import { beforeEach, expect, test } from 'vitest';
import { toMessage } from '../log/event-headers.js';
import { Gaps } from './gaps.js';
import { ofEveryApp } from './heeds.js';
import { MessageHandler } from './message-handler.js';
import { SeenKeys } from './seen-keys.js';

const topic = 'test.events';
let handled: string[];
let gaps: string[];
let heeded: Set<string>;
let asked: (readonly string[])[];
let seen: SeenKeys;
let handler: MessageHandler;

beforeEach(() => {
  [handled, gaps, heeded, asked, seen] = [[], [], new Set(['kept']), [], new SeenKeys()];
  handler = new MessageHandler({
    group: 'test.group',
    deadLetters: { parkedOf: async () => [] } as never,
    handle: async ({ events }) => void handled.push(...events.map(({ id }) => id)),
    onError: () => undefined,
    gaps: new Gaps({
      topic,
      repair: async (key, after, before) => Array.from({ length: before - after - 1 }, (_, n) => event('kept', key, after + 1 + n)),
      givenUpThrough: async () => 0,
      onGap: ({ key, after, before }) => void gaps.push(`${key} ${after} to ${before}`),
    }),
    heeds: async (appIds) => {
      asked.push(appIds);
      return heeded;
    },
  });
});

const event = (appid: string, subject: string, sequence: number): AnyEvent =>
  ({
    ...{ specversion: '1.0', id: `${subject}-${sequence}`, source: '/test', type: 'test.happened', time: '2026-01-01T00:00:00.000Z' },
    ...{ subject, appid, sequence, dataversion: 1, data: {} },
  }) as AnyEvent;

let offset = 0;
function fetched(appid: string, subject: string, sequence: number, value?: string): KafkaMessage {
  const { key, value: told, headers } = toMessage(subject, event(appid, subject, sequence));
  offset += 1;
  return { key: Buffer.from(key), value: value === undefined ? told : Buffer.from(value), headers, offset: String(offset) } as KafkaMessage;
}

const tell = (...messages: KafkaMessage[]) => handler.handleTogether(topic, messages, seen);

test('an event of an app that is not heeded is passed over unread, and which are is asked once for all', async () => {
  await tell(fetched('kept', 'a', 1), fetched('other', 'b', 1, 'no JSON at all'), fetched('other', 'c', 1), fetched('kept', 'a', 2));
  expect(handled).toEqual(['a-1', 'a-2']);
  expect(asked).toEqual([['kept', 'other']]);
});

test('one that is heeded from then on is handled from its next event on, and what was passed over is no gap', async () => {
  await tell(fetched('kept', 'a', 1), fetched('other', 'b', 1));
  heeded = new Set(['other']);
  await tell(fetched('kept', 'a', 2), fetched('other', 'b', 2));
  heeded = new Set(['kept', 'other']);
  await tell(fetched('kept', 'a', 3), fetched('other', 'b', 3));
  expect(handled).toEqual(['a-1', 'b-2', 'a-3', 'b-3']);
  expect(gaps).toEqual([]);
});

test('a gap in what is heeded is found beside what is not', async () => {
  await tell(fetched('kept', 'a', 1), fetched('other', 'b', 1), fetched('kept', 'a', 3));
  expect(handled).toEqual(['a-1', 'a-2', 'a-3']);
  expect(gaps).toEqual(['a 1 to 3']);
});

test('where it is not known which are heeded nothing is passed over', async () => {
  handler = new MessageHandler({
    ...{ group: 'test.group', deadLetters: { parkedOf: async () => [] } as never, onError: () => undefined },
    handle: async ({ events }) => void handled.push(...events.map(({ id }) => id)),
    heeds: async () => {
      throw new Error('the database is away');
    },
  });
  await expect(tell(fetched('other', 'b', 1))).rejects.toThrow('away');
  await expect(handler.handle(topic, [fetched('other', 'b', 1)], seen)).rejects.toThrow('away');
  expect(handled).toEqual([]);
});

test('an event that does not say whose it is is handled', async () => {
  const nobodys = fetched('other', 'b', 1);
  delete nobodys.headers?.ce_appid;
  await expect(tell(nobodys)).rejects.toThrow('appid');
});

/** Handles what happened to things, and of other types nothing. */
function ofTypes(knows: (kind: { type: string; dataversion: number }) => boolean = () => true, parked: string[] = []): void {
  handler = new MessageHandler({
    group: 'test.group',
    deadLetters: { parkedOf: async () => parked.map((key) => ({ topic, key })), parkBehind: async () => new Set(parked) } as never,
    handle: async ({ events }) => void handled.push(...events.map(({ id }) => id)),
    onError: () => undefined,
    gaps: new Gaps({
      topic,
      repair: async (key, after, before) => Array.from({ length: before - after - 1 }, (_, n) => event('kept', key, after + 1 + n)),
      givenUpThrough: async () => 0,
      onGap: ({ key, after, before }) => void gaps.push(`${key} ${after} to ${before}`),
    }),
    heedsTypes: ofEveryApp(['test.happened']),
    reader: { ...thisRelease, knows: (_, kind) => knows(kind) },
  });
}

function ofAnother(subject: string, sequence: number, value?: string, dataversion = 1): KafkaMessage {
  const message = fetched('kept', subject, sequence, value);
  return { ...message, headers: { ...message.headers, ce_type: 'test.other', ce_dataversion: String(dataversion) } } as KafkaMessage;
}

test('an event of a type that there is nothing to do for is passed over unread, and is no gap', async () => {
  ofTypes();
  await tell(ofAnother('a', 1, 'no JSON at all'), ofAnother('b', 1), fetched('kept', 'b', 2));
  await tell(ofAnother('a', 2), fetched('kept', 'a', 3));
  expect(handled).toEqual(['b-2', 'a-3']);
  expect(gaps).toEqual([]);
});

test('what lacks before one of those is found all the same', async () => {
  ofTypes();
  await tell(ofAnother('a', 1));
  await tell(ofAnother('a', 3));
  expect(gaps).toEqual(['a 1 to 3']);
  expect(handled).toEqual(['a-2', 'a-3']);
});

test('what failed comes again, though what came behind it was passed over', async () => {
  ofTypes();
  await expect(tell(fetched('kept', 'a', 1, 'no JSON at all'), ofAnother('b', 1), ofAnother('a', 2))).rejects.toThrow();
  await tell(fetched('kept', 'a', 1), ofAnother('b', 1), ofAnother('a', 2), fetched('kept', 'b', 2));
  expect(handled).toEqual(['a-1', 'b-2']);
  expect(gaps).toEqual([]);
});

test('what only a newer release knows is not passed over', async () => {
  ofTypes(({ dataversion }) => dataversion < 2);
  await tell(ofAnother('a', 1, undefined, 1));
  await tell(ofAnother('b', 1, undefined, 2));
  expect(handled).toEqual(['b-1']);
});

test('of a parked key all is put behind it', async () => {
  ofTypes(() => true, ['a']);
  await tell(ofAnother('a', 2), ofAnother('b', 1));
  expect(seen.has(topic, 'a')).toBe(false);
  expect(seen.has(topic, 'b')).toBe(true);
});
