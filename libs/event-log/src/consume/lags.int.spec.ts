/*
 * How far consumers are behind is known of each, whether a group or one that follows by itself, and how many keys are parked.
 */
import { eventually } from '@communication-center/testing';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Bench, event, upTo } from './bench.fixture.js';
import { ConsumerLags } from './lags.js';
import { Tail } from './tail.js';

let bench: Bench;

beforeEach(async () => {
  bench = await Bench.make();
});
afterEach(async () => bench.end());

const many = (count: number) => upTo(count).map((number) => event(`key-${number}`, 1));

/** Asks anew, whatever was known. */
async function lagsOf(consuming: ConstructorParameters<typeof ConsumerLags>[1]): Promise<Record<string, number>> {
  const lags = new ConsumerLags(bench.log, consuming);
  try {
    return Object.fromEntries((await lags.read()).map(({ group, events }) => [group, events]));
  } finally {
    await lags.stop();
  }
}

test('a group that has consumed nothing lacks all there is, or, where it begins at the end, nothing', async () => {
  await bench.tell(...many(20));
  const about = { topics: [bench.topic] };
  const consuming = [
    { ...about, group: `${bench.schema.schema}.projection`, fromBeginning: true },
    { ...about, group: `${bench.schema.schema}.reaction`, fromBeginning: false },
  ];
  expect(Object.values(await lagsOf(() => consuming))).toEqual([20, 0]);
});

test('a group lacks what it has not handled, and nothing once it has', async () => {
  let letGo: () => void = () => undefined;
  const held = new Promise<void>((resolve) => {
    letGo = resolve;
  });
  const consumer = await bench.consume('reads', {
    handle: async (batch) => {
      await held;
      await bench.applyOnce(batch);
    },
  });
  await bench.tell(...many(20));
  const lag = async () => (await lagsOf(() => [consumer.consuming]))[consumer.group];
  await eventually('all of it being behind', async () => (await lag()) === 20);
  letGo();
  await eventually('nothing being behind', async () => (await lag()) === 0);
});

test('who follows a topic by itself lacks what it has not been told', async () => {
  const told: string[] = [];
  const tail = new Tail({ log: bench.log, topic: bench.topic, onEvent: ({ subject }) => told.push(subject), onError: bench.onError });
  await bench.tell(...many(5));
  await tail.start();
  bench.atEnd(() => tail.stop());
  expect(tail.standing).toMatchObject({ state: 'running', hasRun: true });
  const { positions } = tail.following;
  const before = new Map(positions);
  await bench.tell(...many(7));
  await eventually('all being told', () => told.length === 7);
  const about = { topics: [bench.topic], fromBeginning: false };
  expect(
    await lagsOf(() => [
      { ...about, group: 'now', positions },
      { ...about, group: 'before', positions: before },
    ]),
  ).toEqual({ now: 0, before: 7 });
});

test('while the brokers do not answer, nobody knows how far anybody is', async () => {
  const questions = () => ({ ends: () => new Promise(() => undefined), stop: async () => undefined }) as never;
  const lags = new ConsumerLags({ questions }, () => [{ group: 'a', topics: [bench.topic], fromBeginning: true }]);
  expect(await lags.read()).toEqual([]);
});

test('parked keys are counted by who parked them', async () => {
  await bench.consume('reads', {
    handle: async () => {
      throw new TypeError('it cannot be handled');
    },
    triesBeforeParking: 1,
  });
  await bench.tell(event('a', 1), event('a', 2), event('b', 1));
  await eventually('both keys being counted', async () => {
    const [counted] = await bench.deadLetters.counts();
    return counted?.group === `${bench.schema.schema}.reads` && counted.keys === 2;
  });
});
