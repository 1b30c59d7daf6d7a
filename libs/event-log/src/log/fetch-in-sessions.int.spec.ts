/*
 * Brokers keep what a consumer wants: an answer has what is new alone, however many partitions there are, and what is paused, sought or
 * fetched again is as without a session.
 */
import { eventually } from '@communication-center/testing';
import type { Consumer, Producer } from 'kafkajs';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Bench } from '../consume/bench.fixture.js';

const partitions = 48;
let bench: Bench;
let producer: Producer;
let consumer: Consumer;
let heard: string[];
let sizes: number[];

beforeEach(async () => {
  bench = await Bench.make({ partitions });
  [heard, sizes] = [[], []];
  producer = bench.log.producer();
  await producer.connect();
  consumer = bench.log.kafka.consumer({ groupId: bench.schema.schema, maxWaitTimeInMs: 300 });
  consumer.on('consumer.network.request', ({ payload }) => void (payload.apiName === 'Fetch' && sizes.push(payload.size)));
  await consumer.connect();
  await consumer.subscribe({ topic: bench.topic, fromBeginning: true });
  await consumer.run({
    autoCommit: false,
    eachMessage: async ({ message, partition }) => void heard.push(`${partition} ${message.value}`),
  });
  await publish(0, 'first');
  await eventually('the first being heard', () => heard.length === 1);
  // So much of each broker says what it has: then each has a session.
  await eventually('sessions', () => sizes.length > 6);
});
afterEach(async () => {
  await consumer.disconnect();
  await producer.disconnect();
  await bench.end();
});

const publish = (partition: number, value: string) =>
  producer.send({ topic: bench.topic, acks: -1, messages: [{ partition, key: 'key', value }] });

test('an answer has what is new alone', async () => {
  const before = sizes.length;
  for (const value of ['a', 'b', 'c']) await publish(7, value);
  await eventually('all being heard', () => heard.length === 4);
  expect(heard.slice(1)).toEqual(['7 a', '7 b', '7 c']);
  // A partition takes some 50 bytes of an answer, whatever it has; three brokers have 16 of them each.
  expect(Math.max(...sizes.slice(before))).toBeLessThan(400);
  expect(Math.max(...sizes.slice(0, 3)), 'the first answers have all').toBeGreaterThan(600);
});

test('what is paused is not heard, and all of it when it goes on; what is sought is heard again', async () => {
  const { topic } = bench;
  consumer.pause([{ topic, partitions: [3] }]);
  await publish(3, 'paused');
  await publish(4, 'meanwhile');
  await eventually('the other being heard', () => heard.includes('4 meanwhile'));
  expect(heard).not.toContain('3 paused');
  consumer.resume([{ topic, partitions: [3] }]);
  await eventually('what was paused being heard', () => heard.includes('3 paused'));
  consumer.seek({ topic, partition: 4, offset: '0' });
  await eventually('it being heard again', () => heard.filter((one) => one === '4 meanwhile').length === 2);
  await publish(4, 'behind it');
  await eventually('what comes behind being heard', () => heard.includes('4 behind it'));
  expect(heard.filter((one) => one !== '4 meanwhile')).toEqual(['0 first', '3 paused', '4 behind it']);
});
