/*
 * However many replicas take of a bucket, and however they take turns: together they let no more through than its burst, what has come
 * since, and the part each takes ahead. Without Redis each does so alone, and nobody waits for it.
 */
import type { Rate } from '@communication-center/contracts';
import fc from 'fast-check';
import { expect, test, vi } from 'vitest';
import { type Ledger, partOf, SharedBuckets } from './shared-buckets.js';
import type { Taken } from './shared-levels.js';
import { type Bucket, fullBucket, levelAt, taken } from './token-bucket.js';

/** What Redis does, in memory. */
class LedgerInMemory implements Ledger {
  readonly buckets = new Map<string, Bucket>();
  roundTrips = 0;
  fails = false;
  hangs = false;
  /** For how long what is told, and what is answered, is on its way: whoever takes meanwhile is not in it. */
  onTheWay = async () => undefined as unknown;

  constructor(private readonly now: () => number) {}

  async settle(all: readonly Taken[]): Promise<number[]> {
    this.roundTrips += 1;
    if (this.hangs) await new Promise(() => undefined);
    if (this.fails) throw new Error('Redis is away');
    await this.onTheWay();
    const levels = all.map(({ name, count, ...rate }) => {
      const bucket = taken(this.buckets.get(name) ?? fullBucket(rate, this.now()), rate, this.now(), count);
      this.buckets.set(name, bucket);
      return levelAt(bucket, rate, this.now());
    });
    await this.onTheWay();
    return levels;
  }
}

function replicas(count: number, most?: number) {
  let clock = 0;
  const now = () => clock;
  const ledger = new LedgerInMemory(now);
  const errors: unknown[] = [];
  const all = Array.from({ length: count }, () => new SharedBuckets(ledger, (error) => errors.push(error), now, most));
  return { all, ledger, errors, pass: (ms: number) => (clock += ms) };
}

const turn = () => new Promise((resolve) => setImmediate(resolve));
const asked = (rate: Rate, name = 'dials app a') => [{ name, rate }];
const isLetThrough = async (buckets: SharedBuckets, rate: Rate, name?: string) => !(await buckets.take(asked(rate, name))).lacks;

test('replicas together let through the burst, what has come since, and a part each at most', async () => {
  const rates = fc.record({ perSecond: fc.integer({ min: 1, max: 50 }), burst: fc.integer({ min: 1, max: 60 }) });
  const acts = fc.array(fc.record({ afterMs: fc.nat(300), by: fc.array(fc.nat(2), { maxLength: 40 }) }), { maxLength: 12 });
  await fc.assert(
    fc.asyncProperty(rates, acts, async (rate, steps) => {
      const { all, ledger, pass } = replicas(3);
      ledger.onTheWay = turn;
      let [through, time] = [0, 0];
      const take = async (by: number) => {
        if (await isLetThrough(all[by] as SharedBuckets, rate)) through += 1;
      };
      for (const { by, afterMs } of steps) {
        pass(afterMs);
        time += afterMs;
        // Some come while what others took is on its way.
        const taking: Promise<void>[] = [];
        for (const [index, one] of by.entries()) {
          taking.push(take(one));
          if (index % 3 === 2) await turn();
        }
        // No longer than nobody waits: Redis answers in time.
        await Promise.all(taking);
      }
      for (const buckets of all) buckets.stop();
      expect(through).toBeLessThanOrEqual(rate.burst + (time / 1000) * rate.perSecond + 3 * partOf(rate) + 1e-6);
    }),
    { numRuns: 60 },
  );
});

test('one replica alone lets through exactly the burst', async () => {
  const { all } = replicas(1);
  const outcomes = await Promise.all(Array.from({ length: 50 }, () => isLetThrough(all[0] as SharedBuckets, { perSecond: 1, burst: 20 })));
  expect(outcomes.filter(Boolean)).toHaveLength(20);
});

test('what one has used up, another refuses', async () => {
  const { all, pass } = replicas(2);
  const [one, other] = all as [SharedBuckets, SharedBuckets];
  const rate = { perSecond: 0.01, burst: 40 };
  for (let n = 0; n < 60; n += 1) await isLetThrough(one, rate);
  const through: boolean[] = [];
  for (let n = 0; n < 20; n += 1) through.push(await isLetThrough(other, rate));
  expect(through.filter(Boolean).length).toBeLessThanOrEqual(partOf(rate));
  pass(500);
  expect(await isLetThrough(other, rate)).toBe(false);
});

test('an act that one of its buckets refuses takes of none, and says which and for how long', async () => {
  const { all } = replicas(1);
  const buckets = all[0] as SharedBuckets;
  const [user, app] = [
    { name: 'dials user u', rate: { perSecond: 0.5, burst: 2 } },
    { name: 'dials app a', rate: { perSecond: 1, burst: 10 } },
  ];
  await buckets.take([user, app]);
  await buckets.take([user, app]);
  const { lacks, standings } = await buckets.take([user, app]);
  expect([lacks?.name, lacks?.waitMs]).toEqual(['dials user u', 2000]);
  expect(standings.map(({ level }) => level)).toEqual([0, 8]);
});

test('what many take within a second costs a few round trips, and what is refused none', async () => {
  const { all, ledger } = replicas(1);
  const buckets = all[0] as SharedBuckets;
  const rate = { perSecond: 1000, burst: 10_000 };
  for (let n = 0; n < 2000; n += 1) await isLetThrough(buckets, rate);
  expect(ledger.roundTrips).toBeLessThanOrEqual(4);
  const small = { perSecond: 0.01, burst: 3 };
  for (let n = 0; n < 3; n += 1) await isLetThrough(buckets, small, 'b');
  await new Promise((resolve) => setTimeout(resolve, 5));
  const before = ledger.roundTrips;
  for (let n = 0; n < 1000; n += 1) expect(await isLetThrough(buckets, small, 'b')).toBe(false);
  expect(ledger.roundTrips).toBe(before);
});

test('while Redis fails each replica counts alone, tells it once in a while, and goes on together afterwards', async () => {
  const { all, ledger, errors, pass } = replicas(2);
  const [one, other] = all as [SharedBuckets, SharedBuckets];
  const rate = { perSecond: 1, burst: 16 };
  ledger.fails = true;
  const counts: number[] = [];
  for (const buckets of [one, other]) {
    let through = 0;
    for (let n = 0; n < 40; n += 1) if (await isLetThrough(buckets, rate)) through += 1;
    counts.push(through);
  }
  expect(counts).toEqual([16, 16]);
  expect(errors.length).toBeLessThanOrEqual(2);
  ledger.fails = false;
  pass(4000);
  let through = 0;
  for (let n = 0; n < 20; n += 1) for (const buckets of [one, other]) if (await isLetThrough(buckets, rate)) through += 1;
  expect(through).toBeLessThanOrEqual(8 + 2 * partOf(rate));
});

test('nobody waits longer than 50 ms for a Redis that hangs, and for a while nobody at all', async () => {
  const errors: unknown[] = [];
  const ledger = new LedgerInMemory(() => performance.now());
  ledger.hangs = true;
  const buckets = new SharedBuckets(ledger, (error) => errors.push(error));
  const rate = { perSecond: 1, burst: 8 };
  const timeOf = async () => {
    const began = performance.now();
    await isLetThrough(buckets, rate);
    return performance.now() - began;
  };
  await timeOf();
  const waited = await timeOf();
  expect(waited).toBeGreaterThan(40);
  // Of a Redis that hangs nothing ever comes; on a machine that is full a timer of 50 ms may be late by much.
  expect(waited).toBeLessThan(1000);
  const asked = ledger.roundTrips;
  await timeOf();
  expect(ledger.roundTrips, 'nobody is asked').toBe(asked);
  buckets.stop();
});

test('what is taken while something is told is told afterwards, whatever comes then', async () => {
  const { all, ledger } = replicas(1);
  const buckets = all[0] as SharedBuckets;
  ledger.onTheWay = turn;
  const rate = { perSecond: 0.001, burst: 16 };
  await isLetThrough(buckets, rate, 'a');
  await turn();
  expect(ledger.roundTrips).toBe(1);
  // The first is on its way now.
  await isLetThrough(buckets, rate, 'a');
  await isLetThrough(buckets, rate, 'b');
  await vi.waitUntil(() => ['a', 'b'].map((name) => Math.round(ledger.buckets.get(name)?.level ?? 0)).join() === '14,15', { timeout: 500 });
});

test('limits that are set anew hold at once', async () => {
  const { all } = replicas(1);
  const buckets = all[0] as SharedBuckets;
  for (let n = 0; n < 4; n += 1) await isLetThrough(buckets, { perSecond: 0.01, burst: 2 });
  expect(await isLetThrough(buckets, { perSecond: 0.01, burst: 2 })).toBe(false);
  expect(await isLetThrough(buckets, { perSecond: 0.01, burst: 5 })).toBe(true);
});

test('it keeps no more buckets than it may', async () => {
  const { all } = replicas(1, 100);
  const buckets = all[0] as SharedBuckets;
  for (let n = 0; n < 500; n += 1) await isLetThrough(buckets, { perSecond: 1, burst: 5 }, `reads address ${n}`);
  expect(buckets.size).toBe(100);
  buckets.stop();
});
