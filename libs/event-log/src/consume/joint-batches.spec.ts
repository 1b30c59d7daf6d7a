/*
 * What is joined is handled once, in order within its partition, and its offsets move only behind what was handled. A partition that
 * fails costs the others nothing but a second try.
 */
import fc from 'fast-check';
import type { KafkaMessage } from 'kafkajs';
import { beforeEach, describe, expect, test } from 'vitest';
import { JointBatches, type Portion } from './joint-batches.js';
import { SeenKeys } from './seen-keys.js';

const message = (partition: number, offset: number): KafkaMessage => ({
  key: Buffer.from(`key-${partition}`),
  value: null,
  headers: {},
  offset: String(offset),
  timestamp: '0',
  attributes: 0,
});
const nameOf = ({ key, offset }: KafkaMessage) => `${key}@${offset}`;

let transactions: string[][];
let handled: Map<number, string[]>;
let failed: string[];
let isBad: (name: string) => boolean;
let mostAtOnce: number;
let atOnce: number;

beforeEach(() => {
  transactions = [];
  handled = new Map();
  failed = [];
  isBad = () => false;
  [mostAtOnce, atOnce] = [0, 0];
});

function batches(maxBatch = 200, concurrency = 4): JointBatches {
  const apply = async (_topic: string, messages: readonly KafkaMessage[]) => {
    mostAtOnce = Math.max(mostAtOnce, ++atOnce);
    await new Promise((resolve) => setImmediate(resolve));
    atOnce -= 1;
    const names = messages.map(nameOf);
    if (names.some(isBad)) throw new Error('bad');
    transactions.push(names);
  };
  return new JointBatches({ together: apply, alone: apply, maxBatch, concurrency });
}

function portion(partition: number, count: number, more: Partial<Portion> = {}): Portion {
  return {
    topic: 'calls',
    partition,
    messages: Array.from({ length: count }, (_, index) => message(partition, index)),
    seen: new SeenKeys(),
    isMine: () => true,
    onHandled: (offset) => void handled.set(partition, [...(handled.get(partition) ?? []), offset]),
    onFailed: async (messages, _error, inARow) => void failed.push(`${messages.map(nameOf)} ${inARow}`),
    ...more,
  };
}

describe('what comes at the same moment', () => {
  test('is one transaction, and moves each partition to its own end', async () => {
    const joint = batches();
    await Promise.all([portion(1, 2), portion(2, 1), portion(3, 1)].map((one) => joint.handle(one)));
    expect(transactions).toEqual([['key-1@0', 'key-1@1', 'key-2@0', 'key-3@0']]);
    expect(Object.fromEntries(handled)).toEqual({ 1: ['1'], 2: ['0'], 3: ['0'] });
  });

  test('is a transaction for each topic, side by side', async () => {
    const joint = batches();
    await Promise.all([portion(1, 1), portion(1, 1, { topic: 'sessions' })].map((one) => joint.handle(one)));
    expect(transactions).toHaveLength(2);
    expect(mostAtOnce).toBe(2);
  });

  test('is never waited for: what comes alone is handled at once, though others are at work', async () => {
    const joint = batches();
    const first = joint.handle(portion(1, 1));
    await Promise.resolve();
    await Promise.all([first, joint.handle(portion(2, 1))]);
    expect(transactions).toEqual([['key-1@0'], ['key-2@0']]);
    expect(mostAtOnce).toBe(2);
  });

  test('is handled in groups side by side where it is much, a few of each partition at a time', async () => {
    const joint = batches(20, 4);
    await Promise.all([portion(1, 1000), ...[2, 3, 4, 5, 6].map((partition) => portion(partition, 1))].map((one) => joint.handle(one)));
    expect(mostAtOnce).toBe(4);
    // The single ones were not behind the thousand.
    expect(transactions.slice(0, 4).flat()).toEqual(expect.arrayContaining([2, 3, 4, 5, 6].map((partition) => `key-${partition}@0`)));
    expect(transactions.every((one) => one.length <= 20)).toBe(true);
    expect(handled.get(1)?.at(-1)).toBe('999');
  });
});

describe('where it fails', () => {
  test('each partition goes alone, and only the one at fault does not get on', async () => {
    isBad = (name) => name === 'key-2@0';
    const joint = batches();
    await Promise.all([portion(1, 2), portion(2, 1), portion(3, 1)].map((one) => joint.handle(one)));
    expect(transactions).toEqual(expect.arrayContaining([['key-1@0', 'key-1@1'], ['key-3@0']]));
    expect(Object.fromEntries(handled)).toEqual({ 1: ['1'], 3: ['0'] });
    expect(failed).toEqual(['key-2@0 1']);
  });

  test('the one at fault stays alone until it succeeds, and is joined again then', async () => {
    isBad = (name) => name.startsWith('key-2');
    const joint = batches();
    const all = () => Promise.all([portion(1, 1), portion(2, 1), portion(3, 1)].map((one) => joint.handle(one)));
    await all();
    transactions = [];
    await all();
    expect(transactions).toEqual([['key-1@0', 'key-3@0']]);
    expect(failed).toEqual(['key-2@0 1', 'key-2@0 2']);
    isBad = () => false;
    await all();
    transactions = [];
    await all();
    expect(transactions).toEqual([['key-1@0', 'key-2@0', 'key-3@0']]);
  });

  test('what was handled before it is not handled again', async () => {
    isBad = (name) => name === 'key-1@7';
    const joint = batches(4);
    await Promise.all([portion(1, 10), portion(2, 10)].map((one) => joint.handle(one)));
    expect(handled.get(1)?.at(-1)).toBe('5');
    expect(handled.get(2)?.at(-1)).toBe('9');
    expect(failed).toEqual(['key-1@6,key-1@7 1']);
  });
});

test('a partition that is given to another is left alone from then on, the others go on', async () => {
  let isMine = true;
  const joint = batches(2);
  const onHandled = (offset: string) => {
    handled.set(1, [...(handled.get(1) ?? []), offset]);
    isMine = false;
  };
  await Promise.all([joint.handle(portion(1, 3, { isMine: () => isMine, onHandled })), joint.handle(portion(2, 3))]);
  expect(Object.fromEntries(handled)).toEqual({ 1: ['0'], 2: ['0', '1', '2'] });
});

test('whoever brought a portion hears that its offset was not taken', async () => {
  const joint = batches();
  const onHandled = () => {
    throw new TypeError('not assigned');
  };
  await expect(joint.handle(portion(1, 1, { onHandled }))).rejects.toThrow('not assigned');
});

test('whatever comes and fails: each partition is handled in order, once, up to what is at fault in it', async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.record({ count: fc.integer({ min: 1, max: 30 }), bad: fc.option(fc.integer({ min: 0, max: 29 })) }), {
        minLength: 1,
        maxLength: 8,
      }),
      fc.integer({ min: 1, max: 40 }),
      fc.integer({ min: 1, max: 4 }),
      async (partitions, maxBatch, concurrency) => {
        transactions = [];
        handled = new Map();
        failed = [];
        const bad = new Set(partitions.flatMap((one, partition) => (one.bad === null ? [] : [`key-${partition}@${one.bad}`])));
        isBad = (name) => bad.has(name);
        const joint = batches(maxBatch, concurrency);
        await Promise.all(partitions.map(({ count }, partition) => joint.handle(portion(partition, count))));
        const taken = transactions.flat();
        for (const [partition, one] of partitions.entries()) {
          const mine = taken.filter((name) => name.startsWith(`key-${partition}@`));
          expect(mine).toEqual(mine.map((_, index) => `key-${partition}@${index}`));
          const isAtFault = one.bad !== null && one.bad < one.count;
          if (isAtFault) expect(mine.length).toBeLessThanOrEqual(one.bad as number);
          else expect(mine).toHaveLength(one.count);
          expect(handled.get(partition)?.at(-1)).toBe(mine.length === 0 ? undefined : String(mine.length - 1));
        }
        expect(transactions.every((one) => one.length <= Math.max(maxBatch, partitions.length))).toBe(true);
      },
    ),
    { numRuns: 200 },
  );
});
