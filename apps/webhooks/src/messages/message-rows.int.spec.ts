/*
 * An app's messages get their places in the order in which they become visible, whoever writes them and how often: nobody who reads
 * on from a place ever misses one, and the messages of a subject stay in their order.
 */
import type { AppId } from '@communication-center/contracts';
import { Fleet, TestSchema } from '@communication-center/testing';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Message } from '../domain/message.js';
import { migrations } from '../migrations/index.js';
import { daysOf, dropDays, makeDays } from './days.js';
import { laneOf } from './lane-of.js';
import { placeMessages, readFrom, writeMessages } from './message-rows.js';

const fleet = new Fleet();
const app = 'app' as AppId;
const lanes = Array.from({ length: 16 }, (_, lane) => lane);
let schema: TestSchema;
let made = 0;

beforeEach(async () => {
  schema = await TestSchema.migrated(fleet, migrations);
});
afterEach(() => schema.drop());

const messageOf = (appId: AppId, subject: string, sequence: number, occurredAt = new Date()): Message => {
  made += 1;
  return {
    messageId: `00000000-0000-7000-8000-${String(made).padStart(12, '0')}`,
    appId,
    position: null,
    type: 'call.ended',
    subject,
    sequence,
    source: '/calls',
    dataversion: 1,
    occurredAt: occurredAt.toISOString(),
    data: { said: `"${subject}" \\ ${sequence}` },
    traceparent: null,
  };
};
const all = async (appId: AppId) => (await readFrom(schema, appId, 0, 100_000)).messages;

test('messages get places without a gap, a repeat gets none, and what was told is read', async () => {
  const told = [1, 2, 3].map((sequence) => messageOf(app, 'call', sequence));
  const [group] = await writeMessages(schema, lanes, told);
  expect([group?.before, group?.messages.map(({ position }) => position)]).toEqual([0, [1, 2, 3]]);
  expect(await writeMessages(schema, lanes, told)).toEqual([]);
  const [later] = await writeMessages(schema, lanes, [...told, messageOf(app, 'call', 4)]);
  expect(later?.messages.map(({ sequence }) => sequence)).toEqual([4]);
  expect((await all(app)).map(({ sequence, data }) => [sequence, data])).toEqual(
    [1, 2, 3, 4].map((sequence) => [sequence, { said: `"call" \\ ${sequence}` }]),
  );
});

test('a repeat after midnight, or long after, is no second message', async () => {
  const day = 86_400_000;
  const told = [0, day, 40 * day].map((age, index) => messageOf(app, 'call', index + 1, new Date(Date.now() - age)));
  await writeMessages(schema, lanes, told);
  await makeDays(schema as never, { table: 'messages', by: 'occurred_at', keepDays: 30 }, Date.now() + day, 3);
  await writeMessages(schema, lanes, told);
  expect(await all(app)).toHaveLength(3);
});

test('what one replica wrote for the lane of another comes before what that one writes later, and goes through the inbox once', async () => {
  const told = Array.from({ length: 5 }, (_, index) => messageOf(app, 'call', index + 1));
  expect(await writeMessages(schema, [], told.slice(0, 3))).toEqual([]);
  await writeMessages(schema, [], told.slice(0, 3));
  const placed = await writeMessages(schema, lanes, told.slice(2));
  expect(placed.flatMap(({ messages }) => messages).map(({ sequence }) => sequence)).toEqual([1, 2, 3, 4, 5]);
  expect(placed.flatMap(({ messages }) => messages)[0]?.data).toEqual({ said: '"call" \\ 1' });
  expect((await all(app)).map(({ sequence }) => sequence)).toEqual([1, 2, 3, 4, 5]);
  expect((await schema.query('SELECT FROM inbox')).rowCount).toBe(0);
});

test('only what is in its own lanes is given places', async () => {
  const other = ['b', 'c', 'd', 'e'].find((name) => laneOf(name) !== laneOf(app)) as AppId;
  await writeMessages(schema, [], [messageOf(app, 'call', 1), messageOf(other, 'call', 1)]);
  const placed = await placeMessages(schema, [laneOf(app)]);
  expect(placed.map(({ appId }) => appId)).toEqual([app]);
  expect((await placeMessages(schema, [laneOf(other)])).map(({ appId }) => appId)).toEqual([other]);
});

test('a long inbox is taken piece by piece, and nobody of its lanes goes before it', async () => {
  for (let piece = 0; piece < 3; piece += 1) {
    await writeMessages(
      schema,
      [],
      Array.from({ length: 500 }, (_, index) => messageOf(app, 'call', piece * 500 + index + 1)),
    );
  }
  expect((await writeMessages(schema, lanes, [messageOf(app, 'call', 1501)])).flatMap(({ messages }) => messages)).toHaveLength(1000);
  await placeMessages(schema, lanes);
  expect((await all(app)).map(({ sequence }) => sequence)).toEqual(Array.from({ length: 1501 }, (_, index) => index + 1));
});

test('a reader beside eight writers, two of which take each other for no owner, never misses a message nor sees a subject out of order', async () => {
  const [writers, batches] = [8, 40];
  const read: number[] = [];
  const seen: Message[] = [];
  let isWriting = true;
  const reading = (async () => {
    for (let after = 0; ; ) {
      const isLast = !isWriting;
      const page = await readFrom(schema, app, after, 50);
      seen.push(...page.messages);
      read.push(...page.messages.map(({ position }) => position));
      after = page.upTo;
      if (isLast && page.isAll) return;
    }
  })();
  const write = async (writer: number) => {
    for (let batch = 0; batch < batches; batch += 1) {
      const told = [1, 2, 3].map((one) => messageOf(app, `call ${writer}`, batch * 3 + one));
      // Every other one is no owner; of the owners one writes everything twice, as after an answer that was lost.
      await writeMessages(schema, writer % 2 === 0 ? lanes : [], told);
      if (writer === 0) await writeMessages(schema, lanes, told);
      if (writer % 2 === 1 && batch % 3 === 0) await placeMessages(schema, lanes);
    }
  };
  await Promise.all(Array.from({ length: writers }, (_, writer) => write(writer)));
  await placeMessages(schema, lanes);
  isWriting = false;
  await reading;
  expect(seen).toHaveLength(writers * batches * 3);
  expect(read).toEqual(read.toSorted((one, other) => one - other));
  for (const [subject, messages] of Map.groupBy(seen, (message) => message.subject)) {
    expect(
      messages.map(({ sequence }) => sequence),
      subject,
    ).toEqual(Array.from({ length: batches * 3 }, (_, index) => index + 1));
  }
}, 60_000);

test('a day that is over goes as a whole, and the next ones are there before they begin', async () => {
  const day = 86_400_000;
  const table = { table: 'messages', by: 'occurred_at', keepDays: 2 };
  await writeMessages(schema, lanes, [messageOf(app, 'call', 1), messageOf(app, 'call', 2, new Date(Date.now() + 8 * day))]);
  await makeDays(schema as never, table, Date.now() + 5 * day, 3);
  expect((await schema.query('SELECT FROM messages_rest')).rowCount, 'what came before its day moved into it').toBe(0);
  expect(await all(app)).toHaveLength(2);
  const dropped = await dropDays(schema as never, table, Date.now() + 4 * day);
  expect(dropped.length).toBeGreaterThan(0);
  expect((await all(app)).map(({ sequence }) => sequence)).toEqual([2]);
  expect((await daysOf(schema, 'messages')).length).toBeGreaterThan(4);
});
