/*
 * A gap in a subject's events is never folded over: whatever kind of consumer meets it reads what is missing from the
 * owner's store first, tells of it, and waits while nobody answers.
 */
import type { AnyEvent } from '@communication-center/contracts';
import { eventually } from '@communication-center/testing';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Gap, Gaps, InfrastructureError, Projection, type Repair } from '../index.js';
import { Bench, event, upTo } from './bench.fixture.js';

let bench: Bench;
let gaps: Gap[];
beforeEach(async () => {
  bench = await Bench.make();
  gaps = [];
});
afterEach(async () => bench.end());

const store: Repair = async (key, after, before) =>
  upTo(before - 1)
    .filter((sequence) => sequence > after)
    .map((sequence) => event(key, sequence));

const gapsOf = (repair: Repair, sequences?: (keys: string[]) => Promise<Map<string, number>>) =>
  new Gaps({
    topic: bench.topic,
    repair,
    onGap: (gap) => void gaps.push(gap),
    givenUpThrough: (key) => bench.deadLetters.givenUpThrough(`${bench.schema.schema}.reads`, bench.topic, key),
    ...(sequences && { sequences }),
  });

async function sequencesInTable(keys: string[]): Promise<Map<string, number>> {
  const { rows } = await bench.schema.query<{ key: string; sequence: number }>(
    'SELECT key, max(sequence) AS sequence FROM effects WHERE key = ANY($1) GROUP BY key',
    [keys],
  );
  return new Map(rows.map(({ key, sequence }) => [key, sequence]));
}

describe('of a topic that lacks the second of four events', () => {
  test('a reaction gets all four, in order, and the gap is told', async () => {
    await bench.consume('reads', { gaps: gapsOf(store) });
    await bench.tell(event('a', 1), event('a', 3), event('a', 4));
    expect((await bench.effectsLike({ a: upTo(4) })).a).toEqual(upTo(4));
    expect(gaps).toEqual([{ topic: bench.topic, key: 'a', after: 1, before: 3 }]);
  });

  test('a projection gets all four, in order, though it never saw the call before', async () => {
    const projection = new Projection(bench.database, {
      name: 'effects',
      topics: [bench.topic],
      tables: ['effects'],
      apply: async ({ events, tx }) => {
        for (const { subject, sequence } of events)
          await tx.query('INSERT INTO effects (key, sequence) VALUES ($1, $2)', [subject, sequence]);
      },
    });
    await bench.consume('reads', { gaps: gapsOf(store, sequencesInTable), handle: (batch) => projection.applyLive(batch) });
    await bench.tell(event('a', 3), event('a', 4));
    expect((await bench.effectsLike({ a: upTo(4) })).a).toEqual(upTo(4));
    expect(gaps).toEqual([{ topic: bench.topic, key: 'a', after: 0, before: 3 }]);
  });

  test('a consumer waits while the store does not answer, and goes on by itself', async () => {
    let isAway = true;
    const repair: Repair = async (...asked) => {
      if (isAway) throw new InfrastructureError('nobody answers');
      return store(...asked);
    };
    const consumer = await bench.consume('reads', { gaps: gapsOf(repair) });
    await bench.tell(event('a', 1), event('a', 3), event('a', 4));
    await eventually('the consumer waiting', () => consumer.state === 'paused');
    expect((await bench.effects()).a ?? []).toEqual([]);
    isAway = false;
    expect((await bench.effectsLike({ a: upTo(4) })).a).toEqual(upTo(4));
    expect(await bench.parked()).toEqual([]);
  });

  test('a member that takes the partition over judges by the table, not by what it never saw', async () => {
    const options = { gaps: gapsOf(store, sequencesInTable) };
    const first = await bench.consume('reads', options);
    await bench.tell(event('a', 1));
    await bench.effectsLike({ a: [1] });
    await first.stop();
    await bench.tell(event('a', 3));
    await bench.consume('reads', options);
    expect((await bench.effectsLike({ a: upTo(3) })).a).toEqual(upTo(3));
    expect(gaps.map(({ after, before }) => [after, before])).toEqual([[1, 3]]);
  });
});

test('a reaction that begins in the middle of a call judges nothing, and carries out what is sent again late', async () => {
  await bench.consume('reads', { gaps: gapsOf(store) });
  await bench.tell(event('a', 3), event('a', 4), event('a', 2));
  expect((await bench.effectsLike({ a: [3, 4, 2] })).a).toEqual([3, 4, 2]);
  expect(gaps).toEqual([]);
});

test('events that somebody gave up are not missing', async () => {
  let isMended = false;
  const handle = async ({ events }: { events: readonly AnyEvent[] }) => {
    if (!isMended && events.some(({ sequence }) => sequence === 2)) throw new TypeError('a bug');
    await bench.applyOnce({ events });
  };
  const consumer = await bench.consume('reads', { gaps: gapsOf(store, sequencesInTable), handle });
  await bench.tell(event('a', 1), event('a', 2), event('a', 3));
  await eventually('the key being parked', async () => (await bench.parked()).length === 1);
  await eventually('the third being behind it', async () => (await bench.schema.query('SELECT 1 FROM parked_events')).rows.length === 2);
  expect(await bench.deadLetters.discard(consumer.group, bench.topic, 'a')).toBe(2);
  await bench.tell(event('a', 4));
  expect((await bench.effectsLike({ a: [1, 4] })).a).toEqual([1, 4]);
  expect(gaps).toEqual([]);
  isMended = true;
});
