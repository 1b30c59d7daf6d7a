/*
 * What counts as published is in the log: what is not there is sent again, and the last message of a key in a compacted topic
 * is the last that was published.
 */
import { eventually } from '@communication-center/testing';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { writeOutbox } from '../index.js';
import { compareStore } from './compare-store.js';
import { eventOf, OutboxBench } from './outbox.fixture.js';
import { Reconciler, type ReconcilerOptions } from './reconciler.js';

let bench: OutboxBench;
let missing: string[];

const keys = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h'];

async function make(options: Parameters<typeof OutboxBench.make>[0]): Promise<void> {
  bench = await OutboxBench.make(options);
  missing = [];
}

afterEach(async ({ task }) => {
  if (task.result?.state === 'fail') console.log(bench.errors.splice(0).join('\n'));
  await bench.end();
});

function reconciler(options: Partial<ReconcilerOptions> = {}): Reconciler {
  const { log, database } = bench;
  const made = new Reconciler({ log, database, settleMs: 0, onMissing: (_topic, lacking) => missing.push(...lacking), ...options });
  bench.atEnd(() => made.rest());
  return made;
}

/** Marks what waits as published, as a relay that believed the client would have. */
async function markUnsent(): Promise<void> {
  const { rows } = await bench.schema.query<{ id: string }>('SELECT id FROM outbox');
  await bench.schema.query(
    `WITH gone AS (DELETE FROM outbox WHERE id = ANY($1) RETURNING *)
     INSERT INTO sent (slot, id, topic, partition, log_offset, key, event_id, sequence, event)
     SELECT 0, id, topic, partition, 3, key, event->>'id', (event->>'sequence')::bigint, event FROM gone`,
    [rows.map(({ id }) => id)],
  );
}

const inTopic = async () => new Set((await bench.inTopic()).map(({ key, sequence }) => `${key} ${sequence}`));

describe('a topic that keeps all events', () => {
  beforeEach(() => make({}));

  test('gets again what was marked and never sent, and nothing else', async () => {
    const relay = bench.relay();
    for (const key of keys) await bench.write(key, 1, 2, 3);
    await bench.allPublished();
    await relay.stop();
    await bench.write('a', 4);
    await bench.write('e', 4, 5);
    await markUnsent();
    const compares = reconciler();
    const first = await compares.step();
    expect(first.compared).toBe(27);
    expect(first.repaired.map(({ key, event }) => `${key} ${event?.sequence}`)).toEqual(['a 4', 'e 4', 'e 5']);
    expect(missing).toEqual(['a', 'e', 'e']);
    bench.relay();
    await bench.allPublished();
    const found = await inTopic();
    for (const lost of ['a 4', 'e 4', 'e 5']) expect(found).toContain(lost);
    // What was sent again is compared too, and found; what was compared once is not read again.
    const second = await compares.step();
    expect([second.compared, second.repaired]).toEqual([3, []]);
    expect((await compares.step()).compared).toBe(0);
    expect((await bench.inTopic()).length).toBe(27);
  });

  test('gets again, from the store, what is kept there alone, and what the store never gave to the outbox', async () => {
    const relay = bench.relay({ keptElsewhere: [bench.topic] });
    await bench.write('a', 1, 2);
    await bench.allPublished();
    await relay.stop();
    await bench.write('a', 3);
    await markUnsent();
    await bench.schema.query('UPDATE sent SET event = NULL');
    const asked: unknown[] = [];
    const compares = reconciler({
      fromStore: async (key, after, before) => {
        asked.push([key, after, before]);
        return [eventOf(key, after + 1)];
      },
    });
    const { repaired } = await compares.step();
    expect(repaired.map(({ event }) => event?.id)).toEqual(['a-3']);
    expect(asked).toEqual([['a', 2, 4]]);
  });

  test('is compared in spans that fit into memory', async () => {
    bench.relay();
    for (const key of keys) await bench.write(key, ...Array.from({ length: 50 }, (_, index) => index + 1));
    await bench.allPublished();
    const compares = reconciler({ rowsPerStep: 120 });
    let compared = 0;
    for (let isAll = false; !isAll; ) {
      const step = await compares.step();
      expect(step.compared).toBeLessThanOrEqual(120);
      expect(step.repaired).toEqual([]);
      compared += step.compared;
      isAll = step.isAll;
    }
    expect(compared).toBe(400);
  });

  test('is compared by the relay itself', async () => {
    await bench.write('a', 1);
    await markUnsent();
    bench.relay({ reconciler: reconciler(), reconcileEveryMs: 100 });
    await eventually('it being there', async () => (await inTopic()).has('a 1'));
    expect(missing).toEqual(['a']);
  });
});

describe('a compacted topic', () => {
  beforeEach(() => make({ compacted: true }));

  const lastOf = async (key: string) => (await bench.inTopic()).findLast((found) => found.key === key)?.sequence;
  const compacted = () => reconciler({ isCompacted: () => true });

  test('does not get again what a later event of its key has replaced', async () => {
    await bench.write('a', 1);
    await markUnsent();
    bench.relay();
    await bench.write('a', 2);
    await bench.allPublished();
    expect((await compacted().step()).repaired).toEqual([]);
  });

  test('ends with the tombstone, though an owner that was frozen sends what it had read when the key had ended', async () => {
    const compares = compacted();
    await bench.write('other', 1);
    const replica = await bench.replica();
    await replica.hears('it owning all', ({ owned }) => owned === 16);
    await bench.allPublished();
    await compares.step();
    replica.forget();
    await bench.write('ghost', 1);
    await replica.hears('it being about to send', ({ sending }) => sending === 1);
    replica.process.kill('SIGSTOP');
    bench.relay();
    await bench.write('ghost', 2, null);
    await bench.allPublished(15_000);
    await compares.step();
    replica.process.kill('SIGCONT');
    await replica.hears('the late send landing', ({ sent }) => sent);
    await eventually('the old event lying behind the tombstone', async () => (await lastOf('ghost')) === 1);
    // At the first look it may have been on its way; at the next one it has come late.
    await compares.step();
    const { repaired } = await compares.step();
    expect(repaired).toEqual([{ topic: bench.topic, key: 'ghost', event: null }]);
    await bench.allPublished();
    expect(await lastOf('ghost')).toBeNull();
    await compares.step();
    expect((await compares.step()).repaired).toEqual([]);
  });
});

test('a store that is compared with its topic from the beginning, in small chunks, lacks what was never sent, and nothing else', async () => {
  await make({});
  /** As a UUIDv7 of that minute. */
  const idOf = (minute: number, index: number) => {
    const hex = (Date.now() - (200 - minute) * 60_000).toString(16).padStart(12, '0');
    return `${hex.slice(0, 8)}-${hex.slice(8)}-7000-8000-${String(index).padStart(12, '0')}`;
  };
  const stored = Array.from({ length: 200 }, (_, minute) => ({
    id: idOf(minute, minute),
    key: `call-${minute % 20}`,
    sequence: 1 + Math.floor(minute / 20),
  }));
  const lost = new Set([0, 77, 78, 199]);
  bench.relay();
  const told = stored.flatMap(({ id, key, sequence }, index) => (lost.has(index) ? [] : [{ ...eventOf(key, sequence), id }]));
  // Not in the order of the store, and some of it twice.
  for (const some of [told.slice(100), told.slice(0, 120)]) {
    await writeOutbox(
      bench.database,
      some.map((event) => ({ topic: bench.topic, key: event.subject, event })),
    );
    await bench.allPublished();
  }
  const { missing: lacking, compared } = await compareStore({
    log: bench.log,
    topic: bench.topic,
    chunk: 16,
    stored: async (afterId, limit) => stored.filter(({ id }) => id > afterId).slice(0, limit),
  });
  expect(compared).toBe(200);
  expect(lacking).toEqual(stored.filter((_, index) => lost.has(index)));
});
