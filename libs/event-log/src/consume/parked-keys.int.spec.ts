/*
 * An event that cannot be handled holds up its own key and nobody else: not other keys, not other partitions, not the
 * database. Nothing of a parked key is lost, and its order is kept, whoever redrives it and whatever comes meanwhile.
 */
import { type AnyEvent, type EventReader, NewerEventError } from '@communication-center/contracts';
import { eventually } from '@communication-center/testing';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { Bench, event, message, upTo } from './bench.fixture.js';
import type { EventConsumer } from './event-consumer.js';
import type { EventBatch } from './message-handler.js';
import { NewerKeys } from './newer-keys.js';

let bench: Bench;
beforeEach(async () => {
  bench = await Bench.make();
});
afterEach(async () => bench.end());

const poison =
  (isPoisoned: (told: AnyEvent) => boolean, error: () => unknown) =>
  async ({ events }: { events: readonly AnyEvent[] }): Promise<void> => {
    if (events.some(isPoisoned)) throw error();
    await bench.applyOnce({ events });
  };
const ofBad = ({ subject, sequence }: AnyEvent) => subject === 'bad' && sequence === 2;
const behind = async (count: number) =>
  eventually(`${count} events being parked`, async () => (await bench.schema.query('SELECT 1 FROM parked_events')).rows.length === count);

describe('what is parked', () => {
  test("an event that the database refuses, whose key holds up nobody else's", async () => {
    const refuse = () => Object.assign(new Error('\u0000 cannot be converted to text'), { code: '22P05' });
    const consumer = await bench.consume('reads', { handle: poison(ofBad, refuse) });
    await bench.tell(...upTo(3).flatMap((sequence) => [event('bad', sequence), event('good', sequence)]));
    expect(await bench.effectsLike({ bad: [1], good: upTo(3) })).toEqual({ bad: [1], good: upTo(3) });
    await behind(2);
    expect(await bench.parked()).toMatchObject([{ key: 'bad', kind: 'fault' }]);
    expect(consumer.state).toBe('running');
  });

  test('an event that alone fails for long while others succeed, though nobody can tell why', async () => {
    const consumer = await bench.consume('reads', { handle: poison(ofBad, () => new Error('it did not work')), aloneFailsForMs: 300 });
    await bench.tell(...upTo(3).flatMap((sequence) => [event('bad', sequence), event('good', sequence)]));
    expect(await bench.effectsLike({ bad: [1], good: upTo(3) })).toEqual({ bad: [1], good: upTo(3) });
    await behind(2);
    expect(bench.errors.some((told) => told.includes('its key is parked'))).toBe(true);
    await eventually('the consumer running', () => consumer.state === 'running');
  });

  test('nothing, where everything fails: that is waited for', async () => {
    let isBroken = true;
    const consumer = await bench.consume('reads', {
      handle: poison(
        () => isBroken,
        () => new Error('it did not work'),
      ),
      aloneFailsForMs: 1,
    });
    await bench.tell(event('a', 1), event('b', 1));
    await eventually('some tries', () => bench.errors.length >= 3);
    expect(await bench.parked()).toEqual([]);
    isBroken = false;
    await bench.effectsLike({ a: [1], b: [1] });
    await eventually('the consumer running', () => consumer.state === 'running');
  });

  test.each([
    ['a statement that took too long', '57014'],
    ['a column that a rolling change has not brought yet', '42703'],
  ])('nothing for %s', async (_what, code) => {
    let tries = 0;
    const handle = poison(
      (told) => ofBad(told) && ++tries <= 4,
      () => Object.assign(new Error('not now'), { code }),
    );
    await bench.consume('reads', { handle, aloneFailsForMs: 1 });
    await bench.tell(event('bad', 1), event('bad', 2), event('good', 1));
    await bench.effectsLike({ bad: [1, 2], good: [1] });
    expect(await bench.parked()).toEqual([]);
  });
});

test('what a newer release wrote is parked as that, and handled by itself after the upgrade', async () => {
  const old = await bench.consume('reads', { reader: release(1) });
  await bench.tell(event('a', 1), event('a', 2, { dataversion: 2 }), event('a', 3), event('b', 1));
  await bench.effectsLike({ a: [1], b: [1] });
  await behind(2);
  expect(await bench.parked()).toMatchObject([{ key: 'a', kind: 'newer' }]);
  await redriven(old, release(1)).stop();
  expect(await bench.parked()).toHaveLength(1);
  await old.stop();
  redriven(await bench.consume('reads', { reader: release(2) }), release(2));
  expect((await bench.effectsLike({ a: upTo(3) })).a).toEqual(upTo(3));
  await eventually('nothing being parked', async () => (await bench.parked()).length === 0);
});

test('two releases side by side handle everything between them, each key in order and in the newest version', async () => {
  const read: string[] = [];
  const handle = async (batch: EventBatch) => {
    read.push(...batch.events.map(({ subject, sequence, data }) => `${subject} ${sequence} ${(data as { unit?: string }).unit}`));
    await bench.applyOnce(batch);
  };
  const old = await bench.consume('reads', { reader: release(1), concurrency: 1 });
  const next = await bench.consume('reads', { reader: release(2), handle, concurrency: 1 });
  const keys = ['a', 'b', 'c', 'd', 'e', 'f', 'g', 'h', 'i', 'j', 'k', 'l'];
  const told = keys.flatMap((key) => [event(key, 1), event(key, 2, { dataversion: 2, data: { unit: 'm' } }), event(key, 3)]);
  await eventually('each having partitions', () => [old, next].every(({ state }) => state === 'running'));
  await bench.tell(...told);
  await eventually('all being handled or parked', async () => {
    const effects = await bench.effects();
    const parked = (await bench.parked()).map(({ key }) => key);
    return keys.every((key) => effects[key]?.length === 3 || parked.includes(key));
  });
  expect([...new Set((await bench.parked()).map(({ kind }) => kind))]).toEqual(['newer']);
  // The old one leaves, as at the end of a rolling upgrade: what it could not read is handled without anybody's doing.
  await old.stop();
  redriven(next, release(2));
  const expected = Object.fromEntries(keys.map((key) => [key, upTo(3)]));
  expect(await bench.effectsLike(expected)).toEqual(expected);
  await eventually('nothing being parked', async () => (await bench.parked()).length === 0);
  // What the new one handled it had in its own terms, whoever wrote it.
  expect(read.every((one) => !one.endsWith('undefined'))).toBe(true);
});

/** How a release reads that knows versions up to this one; from the second on data has a unit. */
function release(newest: number): EventReader {
  return {
    knows: (_topic, { dataversion }) => dataversion <= newest,
    read(topic, told) {
      if (!this.knows(topic, told)) throw new NewerEventError(told.type, told.dataversion);
      return newest > told.dataversion ? { ...told, dataversion: newest, data: { ...(told.data as object), unit: 'ft' } } : told;
    },
  };
}

function redriven(consumer: EventConsumer, reader: EventReader): NewerKeys {
  const newer = new NewerKeys({ deadLetters: bench.deadLetters, consumers: () => [consumer], reader, onError: bench.onError });
  bench.atEnd(() => newer.stop());
  newer.start();
  return newer;
}

describe('which keys are parked', () => {
  const keys = Array.from({ length: 12 }, (_, index) => `key-${index}`);
  const of = (sequence: number) => keys.map((key) => event(key, sequence));
  const likeFirst = Object.fromEntries(keys.map((key) => [key, [1]]));
  const refusingSecond = () =>
    poison(
      ({ sequence }) => sequence === 2,
      () => new TypeError('a bug'),
    );

  test('is read once, while the member keeps its partitions: no batch asks', async () => {
    const read = vi.spyOn(bench.deadLetters, 'parkedOf');
    const asked = vi.spyOn(bench.deadLetters, 'parkedAmong');
    await bench.consume('reads');
    for (const sequence of upTo(3)) {
      await bench.tell(event('a', sequence), event(`new ${sequence}`, 1));
      await bench.effectsLike({ a: upTo(sequence), [`new ${sequence}`]: [1] });
    }
    expect(read).toHaveBeenCalledTimes(1);
    expect(asked).not.toHaveBeenCalled();
  });

  test('is known to whoever joins, and to whoever stays: what comes is put behind them, whichever of them has their partition', async () => {
    await bench.consume('reads', { handle: refusingSecond(), triesBeforeParking: 1 });
    await bench.tell(...of(1), ...of(2));
    await behind(keys.length);
    const joining = await bench.consume('reads', { handle: refusingSecond(), triesBeforeParking: 1 });
    const others = Array.from({ length: 12 }, (_, index) => `other-${index}`);
    await bench.tell(...of(3), ...others.flatMap((key) => [event(key, 1), event(key, 2)]));
    await behind(keys.length * 2 + others.length);
    await joining.stop();
    // What the second one parked, the first one takes over.
    await bench.tell(...of(4), ...others.map((key) => event(key, 3)));
    await behind(keys.length * 3 + others.length * 2);
    expect(await bench.effects()).toEqual({ ...likeFirst, ...Object.fromEntries(others.map((key) => [key, [1]])) });
  });

  test('is asked where they are too many to be kept', async () => {
    const asked = vi.spyOn(bench.deadLetters, 'parkedAmong');
    const consumer = await bench.consume('reads', { handle: refusingSecond(), triesBeforeParking: 1, mostParkedKept: 3 });
    await bench.tell(...of(1), ...of(2), ...of(3));
    await behind(keys.length * 2);
    await consumer.stop();
    await bench.consume('reads', { mostParkedKept: 3 });
    await bench.tell(...of(4), event('free', 1));
    await behind(keys.length * 3);
    expect(await bench.effectsLike({ free: [1] })).toEqual({ ...likeFirst, free: [1] });
    expect(asked).toHaveBeenCalled();
  });

  test('is not known while it cannot be read: nothing is handled until it is', async () => {
    await bench.deadLetters.park(`${bench.schema.schema}.reads`, bench.topic, message(event('key-0', 1), 1_000_000), {
      kind: 'fault',
      reason: 'a bug',
    });
    const read = vi.spyOn(bench.deadLetters, 'parkedOf').mockRejectedValue(Object.assign(new Error('away'), { code: '08006' }));
    await bench.consume('reads');
    await bench.tell(...of(2));
    await eventually('some tries', () => read.mock.calls.length >= 4);
    expect(await bench.effects()).toEqual({});
    read.mockRestore();
    await behind(2);
    const free = Object.fromEntries(keys.slice(1).map((key) => [key, [2]]));
    expect(await bench.effectsLike(free)).toEqual(free);
  });

  test('is found out where others freed them, at their next event and not again', async () => {
    await bench.consume('reads', { handle: refusingSecond(), triesBeforeParking: 1 });
    await bench.tell(...of(1), ...of(2));
    await behind(keys.length);
    for (const key of keys) await bench.deadLetters.discard(`${bench.schema.schema}.reads`, bench.topic, key);
    const asked = vi.spyOn(bench.deadLetters, 'parkBehind');
    await bench.tell(...of(3));
    await bench.effectsLike(Object.fromEntries(keys.map((key) => [key, [1, 3]])));
    asked.mockClear();
    await bench.tell(...of(4));
    await bench.effectsLike(Object.fromEntries(keys.map((key) => [key, [1, 3, 4]])));
    expect(asked).not.toHaveBeenCalled();
  });

  test('may be said too late by one that has lost the partition: its successor has judged the event himself, and the order holds', async () => {
    let letGo: () => void = () => undefined;
    let isHanging = false;
    const late = await bench.consume('reads', {
      drainMs: 200,
      triesBeforeParking: 1,
      handle: async (batch) => {
        if (!batch.events.some(({ sequence }) => sequence === 2)) return bench.applyOnce(batch);
        isHanging = true;
        await new Promise<void>((resolve) => (letGo = resolve));
        throw new TypeError('a bug');
      },
    });
    await bench.tell(event('a', 1));
    await bench.effectsLike({ a: [1] });
    await bench.tell(event('a', 2));
    await eventually('the handler hanging', () => isHanging);
    await late.stop();
    const successor = await bench.consume('reads');
    await bench.effectsLike({ a: [1, 2] });
    letGo();
    await eventually('the late one having parked the key', async () => {
      letGo();
      return (await bench.parked()).length === 1;
    });
    await bench.tell(event('a', 3));
    await bench.effectsLike({ a: [1, 2, 3] });
    await successor.redrive(bench.topic, 'a');
    expect(await bench.effects()).toEqual({ a: [1, 2, 3] });
    expect(await bench.parked()).toEqual([]);
  });
});

describe('a redrive', () => {
  const park = (key: string, count: number) =>
    bench.deadLetters
      .park(`${bench.schema.schema}.reads`, bench.topic, message(event(key, 1), 1), { kind: 'fault', reason: 'a bug' })
      .then(() =>
        bench.deadLetters.parkBehind(
          `${bench.schema.schema}.reads`,
          bench.topic,
          upTo(count)
            .slice(1)
            .map((sequence) => message(event(key, sequence), sequence)),
        ),
      );

  test('goes on from where it failed', async () => {
    const seen: number[] = [];
    let isMended = false;
    const consumer = await bench.consume('reads', {
      handle: async ({ events }) => {
        seen.push(...events.map(({ sequence }) => sequence));
        if (!isMended && events.some(({ sequence }) => sequence === 70)) throw new TypeError('a bug');
      },
    });
    await park('a', 100);
    await expect(consumer.redrive(bench.topic, 'a')).rejects.toThrow('a bug');
    expect(seen.splice(0)).toEqual(upTo(70));
    isMended = true;
    expect(await consumer.redrive(bench.topic, 'a')).toBe(31);
    expect(seen).toEqual(upTo(100).slice(69));
    expect(await bench.parked()).toEqual([]);
  });

  test('holds nobody up, and what comes meanwhile is behind it, in order', async () => {
    const seen: number[] = [];
    let letGo: (() => void) | undefined;
    const consumer = await bench.consume('reads', {
      handle: async ({ events }) => {
        if (seen.length === 1) await new Promise<void>((resolve) => (letGo = resolve));
        seen.push(...events.map(({ sequence }) => sequence));
      },
    });
    await park('a', 3);
    expect(await bench.parked()).toMatchObject([{ key: 'a', redriving: null }]);
    const redriving = consumer.redrive(bench.topic, 'a');
    await eventually('the redrive being at work', () => letGo);
    // The partition's owner is not held up while the redrive is: it answers at once.
    const parked = await bench.deadLetters.parkBehind(consumer.group, bench.topic, [message(event('a', 4), 4)]);
    expect([...parked]).toEqual(['a']);
    expect(await bench.parked()).toMatchObject([{ key: 'a', redriving: 4 }]);
    await expect(consumer.redrive(bench.topic, 'a')).rejects.toThrow('being redriven already');
    letGo?.();
    expect(await redriving).toBe(4);
    expect(seen).toEqual(upTo(4));
  });

  test('brings over what an older release put into a dead-letter topic', async () => {
    const group = `${bench.schema.schema}.reads`;
    const dead = `${bench.topic}.dead.${group}`;
    await bench.log.createLastingTopic(dead);
    bench.atEnd(() => bench.forgetTopic(dead));
    const producer = bench.log.producer();
    await producer.connect();
    const asItWas = (told: AnyEvent, offset: number) => {
      const { key, value, headers } = message(told, offset);
      return { key, value, headers: { ...headers, 'dead-letter-offset': String(offset) } };
    };
    const messages = [event('other', 1), event('a', 1), event('other', 2), event('a', 2)].map(asItWas);
    await producer.send({ topic: dead, acks: -1, messages });
    await producer.disconnect();
    await bench.schema.query(`INSERT INTO parked_keys (consumer_group, topic, key, reason, dead_offset) VALUES ($1, $2, 'a', 'a bug', 1)`, [
      group,
      bench.topic,
    ]);
    const consumer = await bench.consume('reads');
    await bench.deadLetters.parkBehind(group, bench.topic, [message(event('a', 3), 9)]);
    expect(await consumer.redrive(bench.topic, 'a')).toBe(3);
    expect(await bench.effects()).toEqual({ a: upTo(3) });
    expect(await bench.parked()).toEqual([]);
  });

  test('reads one key among 100,000 others, and a batch asks only for its own keys', async () => {
    const group = `${bench.schema.schema}.reads`;
    const consumer = await bench.consume('reads');
    await bench.schema.query(
      `INSERT INTO parked_keys (consumer_group, topic, key, reason) SELECT $1, $2, 'key' || n, 'a bug' FROM generate_series(1, 100000) AS n`,
      [group, bench.topic],
    );
    await bench.schema.query(
      `INSERT INTO parked_events (consumer_group, topic, key, source_offset, value, headers)
       SELECT $1, $2, 'key' || n, n, '{}', '{}' FROM generate_series(1, 100000) AS n`,
      [group, bench.topic],
    );
    await bench.schema.query('ANALYZE parked_keys, parked_events');
    await park('a', 3);
    const plan = async (sql: string, values: unknown[]) =>
      JSON.stringify((await bench.schema.query(`EXPLAIN (FORMAT JSON) ${sql}`, values)).rows);
    expect(
      await plan('SELECT key FROM parked_keys WHERE consumer_group = $1 AND topic = $2 AND key = ANY($3)', [
        group,
        bench.topic,
        ['a', 'b'],
      ]),
    ).not.toContain('Seq Scan');
    expect(
      await plan('SELECT value FROM parked_events WHERE consumer_group = $1 AND topic = $2 AND key = $3 ORDER BY source_offset LIMIT 50', [
        group,
        bench.topic,
        'a',
      ]),
    ).not.toContain('Seq Scan');
    expect(await consumer.redrive(bench.topic, 'a')).toBe(3);
    expect((await bench.effects()).a).toEqual(upTo(3));
  });
});
