/** What the log lacks of what counts as published, and what it holds that nobody published there. */
import type { KafkaMessage } from 'kafkajs';
import { expect, test } from 'vitest';
import { Comparison } from './compare.js';
import type { Published } from './reconcile-rows.js';

const range = { topic: 'topic', partition: 0, from: 0n, to: 100n };
const row = (id: number, key: string, eventId: string | null, offset: number): Published => ({
  id: String(id),
  topic: 'topic',
  partition: 0,
  offset: BigInt(offset),
  key,
  eventId,
  sequence: eventId === null ? null : 1,
  sentAt: '',
});
const message = (key: string, id: string, offset: number) =>
  ({ key: Buffer.from(key), headers: { ce_id: Buffer.from(id) }, offset: String(offset) }) as unknown as KafkaMessage;

const rows = [row(1, 'a', 'a-1', 10), row(2, 'b', 'b-1', 11), row(3, 'a', null, 12)];

test('rows are found by the ids of their events, and tombstones by those of their rows, wherever they lie', () => {
  const comparison = new Comparison(rows, () => false);
  comparison.see(range, [message('a', 'a-1', 10), message('a', 'tombstone-3', 40)]);
  expect(comparison.missing.map(({ id }) => id)).toEqual(['2']);
  expect(comparison.strays).toEqual([]);
});

test('in a compacted topic the last message of a key is a stray where no row is known at its offset', () => {
  const comparison = new Comparison(rows, () => true);
  comparison.see(range, [message('a', 'a-1', 10), message('b', 'b-1', 11), message('a', 'tombstone-3', 12)]);
  comparison.see(range, [message('a', 'a-1', 13)]);
  expect(comparison.missing).toEqual([]);
  expect(comparison.strays).toMatchObject([{ key: 'a', offset: 13n, id: 'a-1' }]);
});
