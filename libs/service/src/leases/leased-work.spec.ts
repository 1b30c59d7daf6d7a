/* Work on leased rows: so much at a time, renewed at a pace that is not everybody's, broken off where it is another's, and ended within the grace. */
import fc from 'fast-check';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { HeldLease } from './held-lease.js';
import { hasRunOut, renewalIn } from './lease-times.js';
import { LeasedWork } from './leased-work.js';

interface Row {
  id: string;
  renewals: number;
}

/** Work whose rows, and whose database, are the test's. */
class Work extends LeasedWork<Row> {
  readonly waiting: Row[] = [];
  readonly events: string[] = [];
  readonly errors: unknown[];
  renewal: (row: Row) => Promise<Row | undefined> = async (row) => ({ ...row, renewals: row.renewals + 1 });
  doing: (lease: HeldLease<Row>) => Promise<void> = async (lease) => {
    while (await lease.renewed());
  };

  constructor(mostAtOnce: number) {
    const errors: unknown[] = [];
    const report = (error: unknown) => void errors.push(error);
    super({ name: 'work', report, maxPauseMs: 1000, leaseMs: 5000, renewEveryMs: 1000, mostAtOnce, graceMs: 3000 });
    this.errors = errors;
  }

  protected async look(room: number, begin: (row: Row) => void): Promise<null> {
    for (const row of this.waiting.splice(0, room)) begin(row);
    return null;
  }
  protected async carryOut(lease: HeldLease<Row>): Promise<void> {
    const { id } = lease.row;
    this.events.push(`begin ${id}`);
    await this.doing(lease);
    this.events.push(`end ${id}`);
  }
  protected renew(row: Row): Promise<Row | undefined> {
    return this.renewal(row);
  }
  protected async release({ id, renewals }: Row): Promise<void> {
    this.events.push(`release ${id} after ${renewals}`);
  }
}

beforeEach(() => void vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] }));
afterEach(() => void vi.useRealTimers());
async function after(ms: number): Promise<void> {
  await new Promise((resolve) => setImmediate(resolve));
  await vi.advanceTimersByTimeAsync(ms);
  await new Promise((resolve) => setImmediate(resolve));
}

function working(mostAtOnce: number, ids: string[], doing?: (lease: HeldLease<Row>) => Promise<void>): Work {
  const work = new Work(mostAtOnce);
  work.waiting.push(...ids.map((id) => ({ id, renewals: 0 })));
  work.doing = doing ?? work.doing;
  work.onApplicationBootstrap();
  return work;
}

test('renewals keep their pace, within a twentieth of it, and are not all at once', () => {
  fc.assert(
    fc.property(fc.integer({ min: 100, max: 60_000 }), fc.double({ min: 0, max: 0.999, noNaN: true }), (everyMs, random) => {
      const ms = renewalIn(everyMs, random);
      expect(ms).toBeGreaterThanOrEqual(everyMs * 0.95);
      expect(ms).toBeLessThan(everyMs * 1.05);
    }),
  );
  expect(renewalIn(1000, 0.1)).not.toBe(renewalIn(1000, 0.2));
});

test('a lease has run out when it is as old as it is good for', () => {
  expect([hasRunOut(1000, 5999, 5000), hasRunOut(1000, 6000, 5000)]).toEqual([false, true]);
});

test('so much is worked on at a time; what ends makes room at once', async () => {
  const ends: (() => void)[] = [];
  const work = working(2, ['a', 'b', 'c'], () => new Promise((resolve) => ends.push(resolve)));
  await after(0);
  expect(work.events).toEqual(['begin a', 'begin b']);
  ends[0]?.();
  await after(0);
  expect(work.events).toEqual(['begin a', 'begin b', 'end a', 'begin c']);
  for (const end of ends) end();
  await work.beforeApplicationShutdown();
});

test('what another process has is broken off, and not given back', async () => {
  const work = working(1, ['a']);
  await after(3500);
  work.renewal = async () => undefined;
  await after(1100);
  expect(work.events).toEqual(['begin a', 'end a']);
  await work.beforeApplicationShutdown();
  expect(work.events).toEqual(['begin a', 'end a']);
});

test('while the database cannot be asked a lease is held for as long as it is good, and no longer', async () => {
  const work = working(1, ['a']);
  await after(1100);
  work.renewal = () => Promise.reject(new Error('no database'));
  await after(3500);
  expect(work.events).toEqual(['begin a']);
  await after(2500);
  expect(work.events).toEqual(['begin a', 'end a']);
  expect(work.errors.length).toBeGreaterThanOrEqual(4);
  await work.beforeApplicationShutdown();
});

test('a service that stops ends its work at once, and gives it back as it was renewed last', async () => {
  const work = working(1, ['a']);
  await after(2200);
  await work.beforeApplicationShutdown();
  expect(work.events).toEqual(['begin a', 'end a', 'release a after 2']);
});

test('work that does not end within the grace is left to its lease', async () => {
  const work = working(1, ['a'], () => new Promise(() => undefined));
  await after(0);
  let isStopped = false;
  const stopped = work.beforeApplicationShutdown().then(() => (isStopped = true));
  await after(2900);
  expect(isStopped).toBe(false);
  await after(200);
  await stopped;
  expect(work.events).toEqual(['begin a']);
});

test('a lease is kept beside work that takes long, and no longer than that', async () => {
  let end: () => void = () => undefined;
  const work = working(1, ['a'], (lease) => lease.whileKept(new Promise<void>((resolve) => (end = resolve))));
  let renewals = 0;
  work.renewal = async (row) => {
    renewals += 1;
    return row;
  };
  await after(3300);
  expect(renewals).toBe(3);
  end();
  await after(5000);
  expect([renewals, work.events.at(-1)]).toEqual([3, 'end a']);
  await work.beforeApplicationShutdown();
});

test('work that fails is reported, and the next is begun', async () => {
  const work = working(1, ['a', 'b'], () => Promise.reject(new Error('a fault')));
  await after(0);
  await after(0);
  expect([work.events, work.errors.length]).toEqual([['begin a', 'begin b'], 2]);
  await work.beforeApplicationShutdown();
});
