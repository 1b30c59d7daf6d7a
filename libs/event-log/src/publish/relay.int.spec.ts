/*
 * What has committed is published: a row leaves the outbox only when its own partition answered with an offset, and nothing of
 * one lane, one replica or one event keeps the others back.
 */
import { eventually, FlakyLine, holds } from '@communication-center/testing';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Sql, writeOutbox } from '../index.js';
import type { SendBatch } from './lane-sender.js';
import { findLanes, readLanes } from './lanes.js';
import { eventOf, OutboxBench } from './outbox.fixture.js';
import type { OutboxRelay } from './outbox-relay.js';

let bench: OutboxBench;

beforeEach(async () => {
  bench = await OutboxBench.make();
});

afterEach(async ({ task }) => {
  if (task.result?.state === 'fail') console.log(bench.errors.splice(0).join('\n'));
  await bench.end();
});

const upTo = (count: number) => Array.from({ length: count }, (_, index) => index + 1);
const keys = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'];
const sharesOf = (relays: readonly OutboxRelay[]) => relays.map(({ owned }) => owned.size).sort((one, other) => other - one);

async function sequencesOf(key: string): Promise<(number | null)[]> {
  return (await bench.inTopic()).filter((found) => found.key === key).map(({ sequence }) => sequence);
}

test('a row whose partition has no offset in the answer is not marked, and is sent again', async () => {
  const left: number[] = [];
  /** As kafkajs does it when a partition moves between its tries: the rest is answered, and nobody says that one is lacking. */
  const forgetful =
    (send: SendBatch): SendBatch =>
    async (batch) => {
      const [topicMessages] = batch.topicMessages ?? [];
      if (!topicMessages || left.length > 0) return send(batch);
      left.push(topicMessages.messages[0]?.partition as number);
      const messages = topicMessages.messages.filter(({ partition }) => partition !== left[0]);
      return messages.length > 0 ? send({ ...batch, topicMessages: [{ ...topicMessages, messages }] }) : [];
    };
  for (const key of keys) await bench.write(key, 1, 2);
  bench.relay({ sendThrough: forgetful });
  await bench.allPublished();
  const found = await bench.inTopic();
  for (const key of keys) expect(found.filter((one) => one.key === key).map(({ sequence }) => sequence)).toEqual([1, 2]);
  expect(bench.errors.join()).toContain(`gave no offset for ${bench.topic}/${left[0]}`);
  // Where each lies is on record.
  const { rows } = await bench.schema.query<{ key: string; log_offset: string; partition: number }>('SELECT * FROM sent ORDER BY id');
  const placed = (one: { key: string; partition: number }, offset: string) => `${one.key} ${one.partition} ${offset}`;
  expect(rows.map((row) => placed(row, row.log_offset)).sort()).toEqual(found.map((one) => placed(one, String(one.offset))).sort());
});

test('three replicas share the lanes evenly, two take over from one that stops, and a fourth gets its part', async () => {
  const relays = [bench.relay(), bench.relay(), bench.relay()];
  await eventually('the lanes being shared', () => JSON.stringify(sharesOf(relays)) === '[6,5,5]');
  const [first, ...others] = relays as [OutboxRelay, OutboxRelay, OutboxRelay];
  await first.stop();
  await eventually('the others having taken over', () => JSON.stringify(sharesOf(others)) === '[8,8]');
  const all = [...others, bench.relay(), bench.relay()];
  await eventually('the new ones having their part', () => JSON.stringify(sharesOf(all)) === '[4,4,4,4]');
  expect(new Set(all.flatMap(({ owned }) => [...owned])).size).toBe(16);
});

test.each(['SIGSTOP', 'SIGKILL'] as const)('another replica takes over within 10 s from one that gets %s', async (signal) => {
  const replica = await bench.replica();
  await replica.hears('it owning all', ({ owned }) => owned === 16);
  const heir = bench.relay();
  replica.process.kill(signal);
  const began = Date.now();
  heir.committed(await bench.write('a', ...upTo(10)));
  await bench.allPublished(15_000);
  await eventually('the heir owning all', () => heir.owned.size === 16);
  expect(Date.now() - began).toBeLessThan(10_000);
  replica.process.kill('SIGCONT');
});

test('another replica takes over within 10 s from one whose way to PostgreSQL is cut without a word, and which sends no more', async () => {
  const url = new URL(bench.fleet.state.servers.database);
  const line = await FlakyLine.open([url.href.replace('postgresql:', 'http:').replace('postgres:', 'http:')]);
  bench.atEnd(() => line.close());
  url.host = new URL(line.url).host;
  const replica = await bench.replica(url.href);
  await replica.hears('it owning all', ({ owned }) => owned === 16);
  const heir = bench.relay();
  line.silence();
  const began = Date.now();
  heir.committed(await bench.write('a', ...upTo(10)));
  replica.forget();
  await bench.allPublished(15_000);
  expect(Date.now() - began).toBeLessThan(10_000);
  expect(await sequencesOf('a')).toEqual(upTo(10));
  expect(replica.said.filter(({ sending }) => sending)).toEqual([]);
});

test('what an owner had read when it froze comes behind what its heir published, and never between: the order of first ones holds', async () => {
  const replica = await bench.replica();
  await replica.hears('it owning all', ({ owned }) => owned === 16);
  await bench.write('a', 1, 2, 3);
  await replica.hears('it being about to send', ({ sending }) => sending === 3);
  replica.process.kill('SIGSTOP');
  const heir = bench.relay();
  await bench.write('a', 4, 5);
  await bench.allPublished(15_000);
  replica.process.kill('SIGCONT');
  await replica.hears('the late send landing', ({ sent }) => sent);
  heir.committed(await bench.write('a', 6));
  await eventually('all being there', async () => (await sequencesOf('a')).includes(6));
  const found = await sequencesOf('a');
  expect([...new Set(found)]).toEqual([1, 2, 3, 4, 5, 6]);
  expect(found.length).toBeGreaterThanOrEqual(9);
});

test('what is written in several transactions is published when the last one is done', async () => {
  const relay = bench.relay();
  await eventually('it owning all', () => relay.owned.size === 16);
  await relay.publishingAfter(async () => {
    for (const key of keys) relay.committed(await bench.write(key, 1));
    await holds('nothing being published', async () => (await bench.inTopic()).length === 0, 300);
  });
  await bench.allPublished();
});

test('what takes longer than a second and a half to be written is published meanwhile', async () => {
  const relay = bench.relay();
  await eventually('it owning all', () => relay.owned.size === 16);
  await relay.publishingAfter(async () => {
    relay.committed(await bench.write('a', 1));
    await bench.allPublished();
  });
});

test('62 events of one command that are more than a broker takes at once are published in order', async () => {
  const text = 'x'.repeat(20_000);
  await writeOutbox(
    bench.database,
    upTo(62).map((sequence) => ({ topic: bench.topic, key: 'crowd', event: eventOf('crowd', sequence, { text }) })),
  );
  bench.relay({ bytesPerLane: 5_000_000 });
  await bench.allPublished();
  expect(await sequencesOf('crowd')).toEqual(upTo(62));
});

test('an event that no broker takes is set aside and answered; everything else goes on', async () => {
  const [setAside, answered]: [string[], number[]] = [[], []];
  const relay = bench.relay({ onSetAside: (_topic, key, reason) => void setAside.push(`${key} ${reason}`) });
  let isWilling = false;
  relay.onUnsendable(async (_topic, { sequence }) => {
    if (!isWilling) {
      isWilling = true;
      throw new Error('not now');
    }
    answered.push(sequence);
  });
  await writeOutbox(bench.database, [
    { topic: bench.topic, key: 'big', event: eventOf('big', 1) },
    { topic: bench.topic, key: 'big', event: eventOf('big', 2, { text: 'x'.repeat(1_200_000) }) },
    { topic: bench.topic, key: 'big', event: eventOf('big', 3) },
    ...keys.map((key) => ({ topic: bench.topic, key, event: eventOf(key, 1) })),
  ]);
  await bench.allPublished(30_000);
  expect([...new Set(await sequencesOf('big'))]).toEqual([1, 3]);
  // What shared the request was taken, and came again with the rest.
  for (const key of keys) expect([...new Set(await sequencesOf(key))]).toEqual([1]);
  expect(setAside).toEqual(['big MESSAGE_TOO_LARGE']);
  await eventually('the answer to it, which failed at first and is given again soon', () => answered.length > 0, 8000);
  expect(answered).toEqual([2]);
  // It is written down once the answer has been given.
  const inTable = async () => (await bench.schema.query('SELECT topic, key FROM unsendable WHERE answered_at IS NOT NULL')).rows;
  await eventually('the answer being noted', async () => (await inTable()).length > 0);
  expect(await inTable()).toEqual([{ topic: bench.topic, key: 'big' }]);
});

test('what was written before the partitions could be known, or by an earlier release, is published first', async () => {
  await bench.schema.query('DELETE FROM topic_partitions');
  await bench.write('a', 1);
  await bench.schema.query("INSERT INTO outbox (shard, topic, key, event) VALUES (3, $1, 'a', $2)", [
    bench.topic,
    JSON.stringify(eventOf('a', 2)),
  ]);
  await bench.schema.query("INSERT INTO outbox (shard, topic, key, event, published_at) VALUES (3, $1, 'b', $2, now())", [
    bench.topic,
    JSON.stringify(eventOf('b', 1)),
  ]);
  await bench.schema.query('INSERT INTO topic_partitions VALUES ($1, 4)', [bench.topic]);
  await bench.write('a', 3);
  bench.relay();
  await bench.allPublished();
  expect(await sequencesOf('a')).toEqual([1, 2, 3]);
  expect(await sequencesOf('b')).toEqual([]);
});

test('a topic that has more partitions by now is told of, and its keys stay where they were', async () => {
  await bench.schema.query('UPDATE topic_partitions SET partitions = 2');
  const changed: string[] = [];
  bench.relay({ onCountChanged: (topic) => void changed.push(topic) });
  for (const key of keys) await bench.write(key, 1);
  await bench.allPublished();
  await eventually('the alarm', () => changed.includes(bench.topic));
  expect((await bench.inTopic()).every(({ partition }) => partition < 2)).toBe(true);
});

test('with a backlog of 200,000 a read touches what it returns, by the index, with and without statistics', async () => {
  await bench.schema.query(
    `INSERT INTO outbox (topic, partition, key, event)
     SELECT $1, n % 48, 'key-' || n, json_build_object('id', n, 'text', repeat('x', 100)) FROM generate_series(1, 200000) AS n`,
    [bench.topic],
  );
  const lanes = await findLanes(bench.database);
  expect(lanes).toHaveLength(48);
  const limits = { rowsPerLane: 41, bytesPerLane: 700_000, floors: lanes.map(() => '0') };
  const found = await readLanes(bench.database, lanes, limits);
  expect([found.rows.length, found.unfinished.length]).toEqual([48 * 41, 48]);
  for (const prepare of ['SELECT 1', 'ANALYZE outbox']) {
    await bench.schema.query(prepare);
    const plan = await planOf((sql) => readLanes(sql, lanes, limits));
    expect(plan.match(/Seq Scan|Sort/g), plan).toBeNull();
    expect(plan.match(/using \w+/g)).toEqual(['using outbox_lanes', 'using outbox_lanes']);
    // A page of the table or the index for each row at most, and some to get down to each lane.
    const pages = Number(/Buffers: shared hit=(\d+)/.exec(plan)?.[1]) + Number(/read=(\d+)/.exec(plan)?.[1] ?? 0);
    expect(pages).toBeLessThan(48 * 41 + 48 * 20);
  }
});

/** @returns how the statement in a function was carried out, with what it touched. */
async function planOf(call: (sql: Sql) => Promise<unknown>): Promise<string> {
  const session = await bench.schema.connect();
  const plans: string[] = [];
  session.on('notice', (notice) => plans.push((notice as { message: string }).message));
  await session.query("LOAD 'auto_explain'");
  const told = { log_min_duration: '0', log_nested_statements: 'on', log_analyze: 'on', log_buffers: 'on' };
  for (const [setting, value] of Object.entries(told)) await session.query(`SET auto_explain.${setting} = '${value}'`);
  await session.query('SET client_min_messages = log');
  await call(session);
  await session.end();
  return plans.find((plan) => plan.includes('outbox_lanes')) ?? plans.join('\n');
}
