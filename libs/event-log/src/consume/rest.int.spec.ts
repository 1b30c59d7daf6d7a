/*
 * Who follows a topic rests while nobody waits for its events, and misses none for it: what was published meanwhile comes first when
 * somebody waits, in its order, and what comes then comes at once. A rest costs a fetch a second, not one for each event.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { eventually } from '@communication-center/testing';
import type { Producer } from 'kafkajs';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { EventLog, Rest, Tail } from '../index.js';
import { toMessage } from '../log/event-headers.js';
import { Bench, event, upTo } from './bench.fixture.js';

/** So many brokers at most, each of which is asked by itself. */
const brokers = 3;
let bench: Bench;
let producer: Producer;

beforeEach(async () => {
  bench = await Bench.make({ partitions: 24 });
  producer = bench.log.producer();
  await producer.connect();
});
afterEach(async () => {
  await producer.disconnect();
  await bench.end();
});

const publish = (key: string, sequence: number) =>
  producer.send({ topic: bench.topic, acks: -1, messages: [toMessage(key, event(key, sequence))] });

const fetches = () => EventLog.requestCounts.get('Fetch') ?? 0;

/** A tail that hears for whoever listens: a listener is given every event from its coming to its going. */
async function follow() {
  const listeners = new Set<(sequence: number) => void>();
  const rest = Rest.unless(() => listeners.size > 0);
  const heard: number[] = [];
  const onEvent = ({ sequence }: { sequence: number }) => {
    heard.push(sequence);
    for (const listener of listeners) listener(sequence);
  };
  const tail = new Tail({ log: bench.log, topic: bench.topic, onEvent, rest, onError: bench.onError });
  await tail.start();
  bench.atEnd(() => tail.stop());
  const listen = (listener: (sequence: number) => void) => {
    listeners.add(listener);
    rest.wake();
    return () => void listeners.delete(listener);
  };
  return { tail, rest, heard, listen };
}

test('while nobody listens events are heard a second later, all of them and in order, for a few fetches', async () => {
  const { heard } = await follow();
  await publish('one', 1);
  await eventually('the first being heard', () => heard.length === 1);
  const before = fetches();
  for (const sequence of upTo(30)) {
    await publish('one', sequence + 1);
    await sleep(50);
  }
  await eventually('all being heard', () => heard.length === 31);
  expect(heard).toEqual(upTo(31));
  expect(fetches() - before).toBeLessThan(brokers * 5);
});

test('who comes to listen is told at once what happens next, and what was published in the rest', async () => {
  const { rest, heard, listen } = await follow();
  await publish('one', 1);
  await eventually('a rest', () => heard.length === 1 && rest.awakeForMs === 0);
  await publish('one', 2);
  await sleep(50);
  expect(heard, 'it rests').toEqual([1]);
  const told: number[] = [];
  const came = performance.now();
  listen((sequence) => told.push(sequence));
  await eventually('what was published before being told', () => told.length === 1);
  await publish('one', 3);
  await eventually('what happens next being told', () => told.length === 2);
  expect(told).toEqual([2, 3]);
  expect(performance.now() - came).toBeLessThan(700);
});

test('nobody who comes and goes while events are published misses one that is newer than what he read when he came', async () => {
  const { rest, listen } = await follow();
  // As with presence: the state is written first, and its event goes to the log after that.
  let written = 0;
  let isOver = false;
  let hasRested = 0;
  const writing = (async () => {
    while (!isOver) {
      written += 1;
      await publish('one', written);
      await sleep(Math.random() * 8);
    }
  })();
  for (let visit = 0; visit < 25; visit += 1) {
    await sleep(Math.random() * 150);
    if (rest.awakeForMs === 0) hasRested += 1;
    const told: number[] = [];
    const leave = listen((sequence) => told.push(sequence));
    const read = written;
    await eventually('some newer events being told', () => (told.at(-1) ?? 0) >= read + 3);
    leave();
    const newer = told.filter((sequence) => sequence > read);
    expect(newer).toEqual(Array.from(newer, (_, index) => read + 1 + index));
  }
  isOver = true;
  await writing;
  expect(hasRested, 'visits that found it at rest').toBeGreaterThan(10);
}, 60_000);

test('a consumer that rests is stopped at once, and who takes over begins behind what it has handled', async () => {
  const [first, second]: number[][] = [[], []];
  const handling = (noted: number[]) => async (batch: { events: readonly { sequence: number }[] }) =>
    void noted.push(...batch.events.map(({ sequence }) => sequence));
  const consumer = await bench.consume('reads', { rest: new Rest(() => 20_000), handle: handling(first as number[]) });
  await publish('one', 1);
  await eventually('it being handled', () => first?.length === 1);
  await publish('one', 2);
  await sleep(300);
  expect(first, 'it rests').toEqual([1]);
  const began = performance.now();
  await consumer.stop();
  expect(performance.now() - began).toBeLessThan(1500);
  await bench.consume('reads', { handle: handling(second as number[]) });
  await eventually('the rest being handled', () => second?.length === 1);
  expect([first, second]).toEqual([[1], [2]]);
});

test('a consumer that rests is not taken for dead, and goes on when somebody waits', async () => {
  let isAwaited = false;
  const rest = Rest.unless(() => isAwaited);
  const noted: number[] = [];
  const handle = async (batch: { events: readonly { sequence: number }[] }) =>
    void noted.push(...batch.events.map(({ sequence }) => sequence));
  const consumer = await bench.consume('reads', { rest, handle });
  for (const sequence of upTo(8)) {
    await publish('one', sequence);
    await sleep(1000);
  }
  expect(consumer.state).toBe('running');
  await publish('one', 9);
  await sleep(20);
  await publish('one', 10);
  isAwaited = true;
  rest.wake();
  const woken = performance.now();
  await eventually('all being handled', () => noted.length === 10);
  expect(performance.now() - woken).toBeLessThan(700);
  expect(noted).toEqual(upTo(10));
  expect(bench.errors).toEqual([]);
}, 30_000);
