/*
 * What was published is kept for an hour, and until it was compared with the log; then its slot is emptied whole.
 */
import { Fleet, TestSchema } from '@communication-center/testing';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Database, eventLogTables, outboxFunctions, outboxTables } from '../index.js';
import { emptyOldSlots } from './old-slots.js';
import { sentSlotSeconds, sentSlots } from './outbox-tables.js';

const fleet = new Fleet();
const keepMs = 3_600_000;
let schema: TestSchema;

beforeEach(async () => {
  schema = await TestSchema.make(fleet, [...eventLogTables, ...outboxTables, ...outboxFunctions]);
});
afterEach(() => schema.drop());

const current = Math.floor(Date.now() / 1000 / sentSlotSeconds) % sentSlots;
/** A slot that is not written to now, nor soon. */
const [old, other] = [(current + 5) % sentSlots, (current + 6) % sentSlots];

const sent = (slot: number, ...minutesAgo: number[]) =>
  schema.query(
    `INSERT INTO sent (slot, id, topic, partition, log_offset, key, sent_at)
     SELECT $1, row_number() OVER (), 'calls.events', 0, 0, 'key', now() - make_interval(mins => ago) FROM unnest($2::int[]) AS ago`,
    [slot, minutesAgo],
  );
const compared = (minutesAgo: number) =>
  schema.query('INSERT INTO reconciled_until (until) VALUES (now() - make_interval(mins => $1))', [minutesAgo]);
const slotsWithRows = async () =>
  (await schema.query<{ slot: number }>('SELECT DISTINCT slot FROM sent ORDER BY slot')).rows.map(({ slot }) => slot);
const empty = () => emptyOldSlots(schema as unknown as Database, keepMs);

test('a slot whose rows are all older than they are kept for is emptied, one that holds a younger row is not', async () => {
  await sent(old, 61, 69);
  await sent(other, 59, 69);
  await empty();
  expect(await slotsWithRows()).toEqual([other]);
});

test('a slot that is written to now is kept, however old its rows', async () => {
  await sent(current, 130);
  await empty();
  expect(await slotsWithRows()).toEqual([current]);
});

test('a slot that was not compared with the log yet is kept until it was', async () => {
  await sent(old, 61, 69);
  await compared(65);
  await empty();
  expect(await slotsWithRows()).toEqual([old]);
  await schema.query('UPDATE reconciled_until SET until = now()');
  await empty();
  expect(await slotsWithRows()).toEqual([]);
});

test('a slot that somebody reads is not waited for: it is emptied the next time, and others now', async () => {
  const [first, second] = [old, other].sort((one, another) => one - another) as [number, number];
  await sent(first, 61);
  await sent(second, 61);
  const reader = await schema.connect();
  await reader.query(`BEGIN; SELECT FROM sent_${first}`);
  await empty();
  expect(await slotsWithRows()).toEqual([first]);
  await reader.query('COMMIT');
  await reader.end();
  await empty();
  expect(await slotsWithRows()).toEqual([]);
});
