/*
 * What a process has written itself is published without being read, and many are marked by one statement: in order within a key
 * and completely all the same, whoever writes beside it, whatever nobody is told of, and whatever dies before it has marked.
 */
import { eventually } from '@communication-center/testing';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { Database, Sql } from '../index.js';
import { OutboxBench } from './outbox.fixture.js';
import type { OutboxRelay } from './outbox-relay.js';
import type { RelayOptions } from './relay-options.js';

let bench: OutboxBench;

beforeEach(async () => {
  bench = await OutboxBench.make();
});

afterEach(async ({ task }) => {
  if (task.result?.state === 'fail') console.log(bench.errors.splice(0).join('\n'));
  await bench.end();
});

const keys = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'];
const upTo = (count: number) => Array.from({ length: count }, (_, index) => index + 1);
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

/** The statements of relays, by the function that they call, or what they look for. */
class Counted implements Pick<Database, 'schema' | 'query' | 'transaction' | 'connect'> {
  readonly counts = { mark_and_read: 0, move_to_sent: 0, RECURSIVE: 0 };
  readonly schema = bench.schema.schema;
  readonly query: Sql['query'] = (text, values) => {
    for (const name of Object.keys(this.counts) as (keyof typeof this.counts)[]) if (text.includes(name)) this.counts[name] += 1;
    return bench.database.query(text, values);
  };
  readonly transaction = bench.database.transaction.bind(bench.database);
  readonly connect = () => bench.database.connect();
}

const relay = (options: Partial<RelayOptions> = {}): OutboxRelay => bench.relay({ countedFromOne: [bench.topic], ...options });

async function sequencesOf(key: string): Promise<(number | null)[]> {
  return (await bench.inTopic()).filter((found) => found.key === key).map(({ sequence }) => sequence);
}

test('what one replica writes is published without a read, in order and once, and marked by few statements', async () => {
  const database = new Counted();
  const owner = relay({ database });
  await eventually('it owning all', () => owner.owned.size === 16);
  // The first of all asks who leads the partitions.
  owner.committed(await bench.write('first', 1));
  await bench.allPublished();
  await pause(100);
  Object.assign(database.counts, { mark_and_read: 0, move_to_sent: 0, RECURSIVE: 0 });
  const began = performance.now();
  for (const sequence of upTo(20)) for (const key of keys) owner.committed(await bench.write(key, sequence));
  const tookMs = performance.now() - began;
  await bench.allPublished();
  const { counts } = database;
  // Once a second all is looked at, whatever anybody says, and read if it holds rows.
  const looks = 1 + tookMs / 1000;
  expect(counts.RECURSIVE).toBeLessThanOrEqual(looks);
  expect(counts.mark_and_read).toBeLessThanOrEqual(2 * looks);
  expect(counts.move_to_sent).toBeLessThanOrEqual(2 + tookMs / 200);
  expect(counts.RECURSIVE + counts.mark_and_read + counts.move_to_sent).toBeLessThan(40);
  const found = await bench.inTopic();
  for (const key of keys) expect(found.filter((one) => one.key === key).map(({ sequence }) => sequence)).toEqual(upTo(20));
  const { rows } = await bench.schema.query<{ key: string; log_offset: string; partition: number }>('SELECT * FROM sent');
  const placed = (one: { key: string; partition: number }, offset: unknown) => `${one.key} ${one.partition} ${offset}`;
  expect(rows.map((row) => placed(row, row.log_offset)).sort()).toEqual(found.map((one) => placed(one, one.offset)).sort());
});

test('two replicas that write the same keys in turn, some of it told to nobody, publish each key in order, all of it, once', async () => {
  const relays = [relay(), relay()] as const;
  await eventually('the lanes being shared', () => relays.every(({ owned }) => owned.size === 8));
  const writeAll = async (key: string) => {
    for (const sequence of upTo(40)) {
      const rows = await bench.write(key, sequence);
      // As when the answer to a commit is lost.
      if (Math.random() > 0.1) relays[Math.random() < 0.5 ? 0 : 1].committed(rows);
      await pause(Math.random() * 8);
    }
  };
  await Promise.all(keys.map(writeAll));
  await bench.allPublished();
  const found = await bench.inTopic();
  for (const key of keys) expect(found.filter((one) => one.key === key).map(({ sequence }) => sequence)).toEqual(upTo(40));
});

test('what another replica wrote is published by the owner at once, which reads the lanes that it is told of and looks at no others for it', async () => {
  const database = new Counted();
  const relays = [relay({ database }), relay({ database })] as const;
  await eventually('the lanes being shared', () => relays.every(({ owned }) => owned.size === 8));
  for (const one of relays) one.committed(await bench.write('first', 1));
  await bench.allPublished();
  const [looks, began] = [database.counts.RECURSIVE, performance.now()];
  // Each of them is told of all: of what is not its own, it tells the other, each time anew.
  const rounds = upTo(20);
  for (const sequence of rounds) {
    for (const key of keys) relays[0].committed(await bench.write(key, sequence));
    await pause(20);
  }
  await bench.allPublished(5000);
  const ofEachSecond = relays.length * Math.ceil(1 + (performance.now() - began) / 1000);
  expect(database.counts.RECURSIVE - looks).toBeLessThanOrEqual(ofEachSecond + rounds.length / 4);
  for (const key of keys) expect(await sequencesOf(key)).toEqual(rounds);
});

test('what was written while the partition’s answer failed is read, and nothing overtakes it', async () => {
  let [sends, failures] = [0, 0];
  const owner = relay({
    sendThrough: (send) => async (batch) => {
      sends += 1;
      if (sends % 3 !== 2) return send(batch);
      failures += 1;
      throw new Error('the broker is away');
    },
  });
  await eventually('it owning all', () => owner.owned.size === 16);
  for (const sequence of upTo(30)) {
    for (const key of keys.slice(0, 3)) owner.committed(await bench.write(key, sequence));
    await pause(80);
  }
  await bench.allPublished(30_000);
  for (const key of keys.slice(0, 3)) expect(await sequencesOf(key)).toEqual(upTo(30));
  expect(failures).toBeGreaterThan(2);
}, 60_000);

test('what a process sent from memory and died (-9) before it marked comes again from its heir, behind which nothing is out of order', async () => {
  const replica = await bench.replica();
  await replica.hears('it owning all', ({ owned }) => owned === 16);
  replica.process.send({ write: 'a', sequences: [1, 2] });
  await replica.hears('it having sent', ({ sent }) => sent);
  replica.process.send({ write: 'a', sequences: [3] });
  await replica.hears('it having sent more', ({ sent }) => sent);
  replica.process.kill('SIGKILL');
  const heir = relay();
  heir.committed(await bench.write('a', 4));
  await bench.allPublished(15_000);
  const found = await sequencesOf('a');
  expect([...new Set(found)]).toEqual([1, 2, 3, 4]);
  expect(found.slice(0, 3)).toEqual([1, 2, 3]);
  expect(found.length).toBeGreaterThan(4);
});

test('what a process had in memory when it froze is published by its heir, and lands late if at all, never between', async () => {
  const replica = await bench.replica();
  await replica.hears('it owning all', ({ owned }) => owned === 16);
  replica.process.send({ write: 'a', sequences: [1, 2] });
  await replica.hears('it being about to send', ({ sending }) => sending === 2);
  replica.process.send({ write: 'a', sequences: [3] });
  await replica.hears('it having written more', ({ written }) => written === 3);
  replica.process.kill('SIGSTOP');
  const heir = relay();
  heir.committed(await bench.write('a', 4));
  await bench.allPublished(15_000);
  expect((await sequencesOf('a')).slice(-4)).toEqual([1, 2, 3, 4]);
  replica.process.kill('SIGCONT');
  await replica.hears('the late send landing', ({ sent }) => sent);
  await pause(1500);
  heir.committed(await bench.write('a', 5));
  await bench.allPublished();
  expect([...new Set(await sequencesOf('a'))]).toEqual([1, 2, 3, 4, 5]);
});

test('a reader that sends everything again to repair the log is not taken for the writer of the next', async () => {
  const owner = relay();
  await eventually('it owning all', () => owner.owned.size === 16);
  owner.committed(await bench.write('a', 1, 2, 3));
  await bench.allPublished();
  owner.committed(await bench.write('a', 2));
  owner.committed(await bench.write('a', 4));
  await bench.allPublished();
  expect(await sequencesOf('a')).toEqual([1, 2, 3, 2, 4]);
});

test('somebody who is erased and comes back is told of in order, the end between, and what follows goes without a read again', async () => {
  const database = new Counted();
  const owner = relay({ database });
  await eventually('it owning all', () => owner.owned.size === 16);
  for (const sequences of [[1], [2], [3, null], [4], [5]]) owner.committed(await bench.write('a', ...sequences));
  // Erased without a word: the count skips one.
  for (const sequences of [[null], [7], [8], [9]]) owner.committed(await bench.write('a', ...sequences));
  await bench.allPublished();
  expect(await sequencesOf('a')).toEqual([1, 2, 3, null, 4, 5, null, 7, 8, 9]);
  const reads = database.counts.mark_and_read;
  for (const sequence of [10, 11, 12]) owner.committed(await bench.write('a', sequence));
  await bench.allPublished();
  expect(database.counts.mark_and_read - reads, 'but for the look of each second').toBeLessThanOrEqual(1);
});

test('shards are given up only when what was sent of them is marked', async () => {
  const owner = relay({ markEveryMs: 3000 });
  await eventually('it owning all', () => owner.owned.size === 16);
  for (const key of keys) owner.committed(await bench.write(key, 1));
  await eventually('all being in the topic', async () => (await bench.inTopic()).length === keys.length);
  const other = relay();
  await eventually('the lanes being shared', () => other.owned.size === 8);
  await bench.allPublished();
  expect((await bench.inTopic()).length).toBe(keys.length);
});
