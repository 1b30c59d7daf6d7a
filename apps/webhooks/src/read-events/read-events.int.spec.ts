/*
 * Whoever reads an app's events gets each that he wants, in the order of their places, whoever writes them and whoever dies; he is
 * woken soon, and by no polling of his own; and what is kept no more is said to be missing.
 */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { type AppId, newestPayloadVersion } from '@communication-center/contracts';
import { consumerBodySchema, type ReadEvent } from '@communication-center/contracts/reading-events';
import { eventually, Fleet, TestSchema } from '@communication-center/testing';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { ConsumerStore } from '../consumers/consumer-store.js';
import { readCursor, writeCursor } from '../domain/event-cursor.js';
import { newMessage, type Replica, startReplica } from '../lanes/lanes.fixture.js';
import { dropDays, makeDays } from '../messages/days.js';
import { KeepMessages } from '../messages/keep-messages.js';
import { migrations } from '../migrations/index.js';
import { EventReaders, type Wanted } from './event-readers.js';
import { noteGone, notePlaces, placeOf } from './log-places.js';

const fleet = new Fleet();
const app = 'app' as AppId;
const day = 86_400_000;
const limits = { MAX_EVENT_READERS: 100, MAX_EVENT_READERS_PER_APP: 10, STREAM_HEARTBEAT_MS: 300, MAX_CONSUMERS: 3, KEEP_MESSAGES_DAYS: 2 };
const wish = { eventTypes: ['*'], filters: {}, payloadVersion: newestPayloadVersion };
let schema: TestSchema;
let replicas: Reading[];
let server: Server;

interface Reading extends Replica {
  readers: EventReaders;
  database: TestSchema;
}

beforeEach(async () => {
  schema = await TestSchema.migrated(fleet, migrations);
  replicas = [];
  // A replica is asked by the first part of the path: what stream it serves begins after a place.
  server = createServer((request, response) => {
    const [, replica = '0', appId = '', after = '0'] = (request.url ?? '').split('/');
    response.writeHead(200, { 'content-type': 'text/event-stream' });
    response.flushHeaders();
    replicas[Number(replica)]?.readers.serve({ appId: appId as AppId, after: Number(after), wish }, response);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
});

afterEach(async () => {
  await Promise.all(replicas.map(({ readers }) => readers.beforeApplicationShutdown()));
  await Promise.all(replicas.map(({ lanes }) => lanes.beforeApplicationShutdown()));
  server.closeAllConnections();
  await new Promise((resolve) => server.close(resolve));
  await schema.drop();
});

function start(): Reading {
  const replica = startReplica(schema);
  const query = async (text: string, values?: unknown[]) => {
    replica.statements.push(text);
    return schema.query(text, values);
  };
  const database = { query, of: () => database, schema: schema.schema } as never as TestSchema;
  const calls = { of: async () => new Map() };
  const report = (error: unknown, doing: string) => replica.faults.push(`${doing}: ${error}`);
  const readers = new EventReaders(database as never, replica.lanes, replica.store, calls as never, limits as never, report);
  readers.onApplicationBootstrap();
  const reading = { ...replica, readers, database };
  replicas.push(reading);
  return reading;
}

/** Once a replica owns the app's lane, what it writes has its place at once. */
const owned = (lanes: Replica['lanes']) => eventually('the lane having an owner', () => lanes.owns(app));
const wanted = (after: number, more: Partial<Wanted> = {}): Wanted => ({ appId: app, after, wish, limit: 100, ...more });
const placesIn = (events: readonly ReadEvent[]) => events.map(({ cursor }) => readCursor(cursor)?.position);
const nobody = { write: () => true, end: () => undefined, once: () => undefined, off: () => undefined };

/** Follows a stream until it breaks off. @returns what came, and where to go on. */
async function follow(path: string, onEvent: (event: ReadEvent) => void, signal: AbortSignal): Promise<string | undefined> {
  let last: string | undefined;
  try {
    const response = await fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}${path}`, { signal });
    let rest = '';
    const text = new TextDecoder();
    for await (const chunk of response.body ?? []) {
      const blocks = (rest + text.decode(chunk, { stream: true })).split('\n\n');
      rest = blocks.pop() ?? '';
      for (const block of blocks) {
        last = /^id: (.*)$/m.exec(block)?.[1] ?? last;
        const data = /^data: (.*)$/m.exec(block)?.[1];
        if (data) onEvent(JSON.parse(data) as ReadEvent);
      }
    }
  } catch {
    // The reader left, or was left.
  }
  return last;
}

test('a reader who is cut off again and again gets every event once and in order, while two replicas write', async () => {
  const [one, other] = [start(), start()];
  await eventually('the lane having an owner', () => one.lanes.owns(app) || other.lanes.owns(app));
  const before = 0;
  const seen: ReadEvent[] = [];
  let [isOver, cuts] = [false, 0];
  const reading = (async () => {
    for (let after = before, replica = 0; !isOver; replica = 1 - replica, cuts += 1) {
      const leaving = new AbortController();
      const cut = setTimeout(() => leaving.abort(), 100 + Math.random() * 200);
      const last = await follow(`/${replica}/${app}/${after}`, (event) => seen.push(event), leaving.signal);
      clearTimeout(cut);
      after = readCursor(last ?? '')?.position ?? after;
      await sleep(1);
    }
  })();
  const write = async ({ lanes }: Reading, subject: string) => {
    for (let batch = 0; batch < 60; batch += 1) {
      await lanes.write([1, 2, 3].map((place) => newMessage(app, subject, batch * 3 + place)));
      if (batch % 10 === 0) await sleep(30);
    }
  };
  try {
    await Promise.all([write(one, 'a'), write(one, 'b'), write(other, 'c'), write(other, 'd')]);
    await eventually('all being read', () => new Set(seen.map(({ id }) => id)).size === 720, 20_000);
  } finally {
    isOver = true;
  }
  await reading;
  expect(cuts).toBeGreaterThan(2);
  const places = placesIn(seen);
  // What was written into a stream that was cut may come again: it is what follows the last event that was read.
  expect(new Set(places).size).toBe(720);
  expect(seen.length).toBe(720);
  expect(places).toEqual(places.toSorted((first, second) => Number(first) - Number(second)));
  for (const [, ofSubject] of Map.groupBy(seen, ({ data }) => data.callId))
    expect(ofSubject.map(({ data }) => data.sequence)).toEqual(Array.from({ length: 180 }, (_, index) => index + 1));
  expect([...one.faults, ...other.faults]).toEqual([]);
}, 60_000);

test('whoever waits is woken within a moment, in whichever replica, and asks nothing meanwhile but one look a second', async () => {
  const [one, other] = [start(), start()];
  await eventually('the lane having an owner', () => one.lanes.owns(app) || other.lanes.owns(app));
  await one.lanes.write([newMessage(app, 'first', 1)]);
  await eventually('the first', async () => (await one.readers.page(wanted(0))).events.length > 0);
  const { next } = await one.readers.page(wanted(0));
  const after = readCursor(next)?.position ?? 0;
  for (const { statements } of replicas) statements.splice(0);
  const waiting = [one, one, other, other].map(async ({ readers }) => {
    const page = await readers.pageSoon(wanted(after), 10_000, nobody);
    return { page, at: performance.now() };
  });
  await sleep(2500);
  const looked = replicas.map(
    ({ statements }) => statements.filter((text) => /read_messages|app_positions WHERE app_id = ANY/.test(text)).length,
  );
  // Of each replica: the first read and its check, shared or not, a wake by the first look, and a look a second.
  expect(Math.max(...looked), looked.join()).toBeLessThan(12);
  const writtenAt = performance.now();
  await one.lanes.write([newMessage(app, 'call', 1)]);
  for (const { page, at } of await Promise.all(waiting)) {
    expect(page.events).toHaveLength(1);
    // By no look that comes once a second.
    expect(at - writtenAt).toBeLessThan(700);
  }
  const late = await other.readers.pageSoon(wanted(after + 1), 400, nobody);
  expect([late.events, late.hasMore]).toEqual([[], false]);
}, 40_000);

test('a place whose messages were dropped is refused, with how many are missing, and the oldest goes on', async () => {
  const { lanes, readers, database } = start();
  const old = (sequence: number) => ({ ...newMessage(app, 'call', sequence), occurredAt: new Date(Date.now() - 3 * day).toISOString() });
  await makeDays(schema as never, { table: 'messages', by: 'occurred_at', keepDays: 2 }, Date.now() - 3 * day, 1);
  const third = old(3);
  await owned(lanes);
  await lanes.write([old(1), old(2), third]);
  // A repeat leaves a gap, which nobody misses.
  await lanes.write([third]);
  await lanes.write([newMessage(app, 'call', 4), newMessage(app, 'call', 5)]);
  const told = (await readers.page(wanted(0))).events;
  expect(told).toHaveLength(5);
  const finding = { sql: database as never, keepDays: limits.KEEP_MESSAGES_DAYS, field: 'after' };
  const dropped = await dropDays(schema as never, { table: 'messages', by: 'occurred_at', keepDays: 2, onGone: noteGone }, Date.now());
  expect(dropped.length).toBeGreaterThan(0);
  for (const [after, skipped] of [
    [0, 3],
    [2, 1],
  ] as const) {
    const cursor = writeCursor({ appId: app, position: after });
    await expect(placeOf(app, cursor, finding)).rejects.toMatchObject({
      code: 'position_expired',
      passedOver: { skipped, oldest: writeCursor({ appId: app, position: 3 }) },
    });
    await expect(readers.page(wanted(after))).rejects.toMatchObject({ code: 'position_expired' });
  }
  expect(await placeOf(app, 'start', finding)).toBe(3);
  expect(await placeOf(app, told[2]?.cursor ?? '', finding), 'in the gap').toBe(3);
  expect((await readers.page(wanted(3))).events.map(({ data }) => data.sequence)).toEqual([4, 5]);
  await expect(placeOf(app, new Date(Date.now() - 3 * day).toISOString(), finding)).rejects.toMatchObject({ code: 'position_expired' });
}, 30_000);

test('what is of no day is missed as well when it goes, and what moves into a day that is made is not', async () => {
  const { lanes, readers } = start();
  await owned(lanes);
  const of = (days: number, sequence: number) => ({
    ...newMessage(app, 'call', sequence),
    occurredAt: new Date(Date.now() + days * day).toISOString(),
  });
  await lanes.write([of(-40, 1), of(6, 2), of(0, 3)]);
  await makeDays(schema as never, { table: 'messages', by: 'occurred_at', keepDays: 2 }, Date.now() + 4 * day, 3);
  expect((await readers.page(wanted(0))).events).toHaveLength(3);
  // As a purge of what is old does.
  await schema.query("DELETE FROM messages_rest WHERE occurred_at < now() - interval '2 days'");
  await expect(readers.page(wanted(0))).rejects.toMatchObject({ code: 'position_expired', passedOver: { skipped: 1 } });
  expect((await readers.page(wanted(1))).events.map(({ data }) => data.sequence)).toEqual([2, 3]);
}, 30_000);

test('a time is found in the log, also among what comes late; a cursor of another app, or of nowhere, is refused', async () => {
  const { lanes, database } = start();
  const at = (minutes: number, sequence: number) => ({
    ...newMessage(app, 'call', sequence),
    occurredAt: new Date(Date.now() - minutes * 60_000).toISOString(),
  });
  const finding = { sql: database as never, keepDays: 30, field: 'since' };
  const since = (minutes: number) => placeOf(app, new Date(Date.now() - minutes * 60_000).toISOString(), finding);
  await owned(lanes);
  await lanes.write([at(90, 1)]);
  const first = await placeOf(app, 'end', finding);
  await notePlaces(schema as never);
  await schema.query("UPDATE position_times SET at = now() - interval '40 minutes'");
  await lanes.write([at(30, 2), at(600, 3), at(20, 4), at(10, 5)]);
  expect([await since(100), await since(35), await since(25), await since(15), await since(1)]).toEqual([
    0,
    first,
    first + 2,
    first + 3,
    first + 4,
  ]);
  expect(await since(700)).toBe(0);
  for (const point of [writeCursor({ appId: 'other' as AppId, position: 1 }), writeCursor({ appId: app, position: 99 }), 'nothing'])
    await expect(placeOf(app, point, finding), point).rejects.toMatchObject({ code: 'invalid_request', fields: [{ field: 'since' }] });
}, 30_000);

test('a consumer begins at the end, moves by acknowledgement alone, and is where it was for whoever comes after a crash', async () => {
  const { lanes, readers, kill } = start();
  await owned(lanes);
  const store = () => new ConsumerStore(schema as never, limits);
  await lanes.write([newMessage(app, 'before', 1)]);
  const made = await store().save(app, 'billing', consumerBodySchema.parse({}));
  expect([made.behind, made.acknowledgedAt]).toEqual([0, null]);
  await lanes.write([1, 2, 3].map((one) => newMessage(app, 'call', one)));
  expect((await store().view(app, 'billing')).behind).toBe(3);
  const read = async () => {
    const { position: after, ...wishes } = await store().get(app, 'billing');
    return readers.page({ appId: app, after, wish: wishes, limit: 2 });
  };
  const [one, again] = [await read(), await read()];
  expect(one.events).toHaveLength(2);
  expect(again).toEqual(one);
  await store().acknowledge(app, 'billing', one.events[0]?.cursor ?? '');
  const rest = await read();
  expect(rest.events[0]?.id).toBe(one.events[1]?.id);
  // Another process, and a repeat of an older acknowledgement.
  await store().acknowledge(app, 'billing', rest.next);
  await store().acknowledge(app, 'billing', one.events[0]?.cursor ?? '');
  await kill();
  expect((await store().view(app, 'billing')).position).toBe(rest.next);
  await expect(store().acknowledge(app, 'billing', writeCursor({ appId: 'other' as AppId, position: 1 }))).rejects.toMatchObject({
    code: 'invalid_request',
  });
  await expect(store().get('other' as AppId, 'billing')).rejects.toMatchObject({ code: 'not_found' });
  expect((await store().save(app, 'billing', consumerBodySchema.parse({ eventTypes: ['*'] }))).position, 'stays').toBe(rest.next);
  expect(
    readCursor((await store().save(app, 'billing', consumerBodySchema.parse({ from: 'start' }))).position)?.position,
    'goes back',
  ).toBe(0);
  await Promise.all(['b', 'c'].map((name) => store().save(app, name, consumerBodySchema.parse({}))));
  await expect(store().save(app, 'd', consumerBodySchema.parse({}))).rejects.toMatchObject({ code: 'conflict' });
  expect(await store().delete(app, 'b')).toBe(true);
  expect((await store().list(app)).map(({ name }) => name)).toEqual(['billing', 'c']);
}, 40_000);

test('an app’s events are kept once it has a consumer or has said so, presence where one names it, and no longer', async () => {
  const { store } = start();
  const written: string[] = [];
  const keep = new KeepMessages(store, {
    write: async (told: { type: string }[]) => void written.push(...told.map(({ type }) => type)),
  } as never);
  const consumers = new ConsumerStore(schema as never, limits);
  const happen = async () => {
    written.splice(0);
    const event = (type: string) => ({
      type,
      appid: app,
      subject: 's',
      sequence: 1,
      id: 'x',
      source: '/',
      dataversion: 1,
      time: '',
      data: {},
    });
    await keep.take([event('call.ended'), event('presence.changed')] as never);
    return [...written];
  };
  expect(await happen()).toEqual([]);
  await consumers.save(app, 'calls', consumerBodySchema.parse({}));
  expect(await happen()).toEqual(['call.ended']);
  await consumers.save(app, 'people', consumerBodySchema.parse({ eventTypes: ['presence.*'] }));
  expect(await happen()).toEqual(['call.ended', 'presence.changed']);
  await Promise.all(['calls', 'people'].map((name) => consumers.delete(app, name)));
  await eventually('it being known', async () => (await happen()).length === 0);
  await schema.query('INSERT INTO event_logs VALUES ($1, 1, true)', [app]);
  await schema.query('SELECT note_apps_changed($1)', [[app]]);
  await eventually('the option being known', async () => (await happen()).join() === 'call.ended');
}, 30_000);

test('streams and requests that wait are counted: one too many of an app is refused, and nobody of another', async () => {
  const { readers } = start();
  const leaving = new AbortController();
  const open = Array.from({ length: limits.MAX_EVENT_READERS_PER_APP }, () => follow(`/0/${app}/0`, () => undefined, leaving.signal));
  await eventually('all being served', () => {
    try {
      readers.requireRoom(app);
      return false;
    } catch (error) {
      return (error as { code?: string }).code === 'rate_limited';
    }
  });
  expect(() => readers.requireRoom('other' as AppId)).not.toThrow();
  leaving.abort();
  await Promise.all(open);
  await eventually('room', () => {
    try {
      readers.requireRoom(app);
      return true;
    } catch {
      return false;
    }
  });
}, 20_000);
