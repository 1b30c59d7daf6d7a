import { AsyncLocalStorage } from 'node:async_hooks';
import fc from 'fast-check';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { Gathering, type GatheringOptions, type Outcome } from './gathering.js';
import { continueTrace, currentTraceId, traceFields, traceIdOf, withTrace } from './trace.js';

interface Item {
  of: string;
  number: number;
}

/** Invariants: each item is begun once, in the order of its owner, and gets its own outcome; groups are bounded and so is what waits. */
describe('Gathering', () => {
  afterEach(() => void vi.useRealTimers());

  it('works at once on an item that comes alone', async () => {
    const { gathering, groups, finish } = atWork();
    const done = gathering.add(item('a', 1));
    await nextTurn();
    expect(groups).toEqual([[1]]);
    finish();
    expect(await done).toBe(1);
  });

  it('takes what arrives in one turn of the event loop together, and what comes during the work into the next', async () => {
    const { gathering, groups, finish } = atWork();
    const first = [gathering.add(item('a', 1)), gathering.add(item('a', 2))];
    await nextTurn();
    const later = [gathering.add(item('a', 3)), gathering.add(item('b', 4))];
    await nextTurn();
    await nextTurn();
    expect(groups).toEqual([[1, 2]]);
    finish();
    expect(await Promise.all(first)).toEqual([1, 2]);
    await nextTurn();
    expect(groups).toEqual([
      [1, 2],
      [3, 4],
    ]);
    finish();
    expect(await Promise.all(later)).toEqual([3, 4]);
  });

  it('works on as many groups side by side as it may', async () => {
    const { gathering, groups, finish } = atWork({ groups: 2, mostAtOnce: 2 });
    const done = [1, 2, 3, 4, 5].map((number) => gathering.add(item('a', number)));
    for (let turns = 0; turns < 5; turns += 1) await nextTurn();
    expect(groups).toEqual([
      [1, 2],
      [3, 4],
    ]);
    finish();
    for (let turns = 0; turns < 5; turns += 1) await nextTurn();
    finish();
    expect(await Promise.all(done)).toEqual([1, 2, 3, 4, 5]);
  });

  it('takes of each in turn, so that a crowd of one keeps nobody waiting', async () => {
    const { gathering, groups, finish } = atWork({ mostAtOnce: 4 });
    const crowd = Array.from({ length: 6 }, (_, number) => gathering.add(item('crowd', number)));
    const other = gathering.add(item('other', 100));
    await nextTurn();
    expect(groups).toEqual([[0, 100, 1, 2]]);
    finish();
    expect(await other).toBe(100);
    await nextTurn();
    finish();
    await Promise.all(crowd);
  });

  it('lets the next go beside a group that takes too long, and counts that one no more when it ends', async () => {
    const { gathering, groups, finish } = atWork({ slowMs: 20 });
    const first = gathering.add(item('a', 1));
    await nextTurn();
    const second = gathering.add(item('a', 2));
    await nextTurn();
    expect(groups).toEqual([[1]]);
    await new Promise((resolve) => setTimeout(resolve, 30));
    await nextTurn();
    expect(groups).toEqual([[1], [2]]);
    finish();
    expect(await Promise.all([first, second])).toEqual([1, 2]);
    const [third, fourth] = [gathering.add(item('a', 3)), nextTurn().then(() => gathering.add(item('a', 4)))];
    for (let turns = 0; turns < 3; turns += 1) await nextTurn();
    expect(groups).toEqual([[1], [2], [3]]);
    finish();
    await third;
    await nextTurn();
    finish();
    await fourth;
  });

  it('keeps to its pace only once more groups than it allows came without one', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
    const { gathering, groups, finish } = atWork({ paceMs: 10, unpaced: 3, groups: 99, mostAtOnce: 9 });
    const done: Promise<unknown>[] = [];
    const add = async (number: number) => {
      done.push(gathering.add(item('a', number)));
      await nextTurn();
    };
    for (const number of [1, 2, 3, 4, 5]) await add(number);
    expect(groups).toEqual([[1], [2], [3]]);
    vi.advanceTimersByTime(10);
    await nextTurn();
    expect(groups.slice(3)).toEqual([[4, 5]]);
    vi.advanceTimersByTime(20);
    for (const number of [6, 7, 8]) await add(number);
    expect(groups.slice(4)).toEqual([[6], [7]]);
    vi.advanceTimersByTime(1000);
    await nextTurn();
    for (const number of [9, 10, 11, 12]) await add(number);
    expect(groups.slice(6)).toEqual([[8], [9], [10]]);
    vi.advanceTimersByTime(10);
    await nextTurn();
    finish();
    await Promise.all(done);
  });

  it('begins groups apart where it has a pace, without keeping who comes after a pause, or a full group, waiting', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] });
    const { gathering, groups, finish } = atWork({ paceMs: 30, groups: 9, mostAtOnce: 3 });
    const done = [gathering.add(item('a', 1))];
    await nextTurn();
    expect(groups).toEqual([[1]]);
    done.push(gathering.add(item('a', 2)));
    vi.advanceTimersByTime(5);
    done.push(gathering.add(item('a', 3)));
    await nextTurn();
    expect(groups).toEqual([[1]]);
    vi.advanceTimersByTime(40);
    await nextTurn();
    expect(groups).toEqual([[1], [2, 3]]);
    done.push(...[4, 5, 6, 7].map((number) => gathering.add(item('a', number))));
    await nextTurn();
    expect(groups).toEqual([[1], [2, 3], [4, 5, 6]]);
    vi.advanceTimersByTime(30);
    await nextTurn();
    expect(groups.at(-1)).toEqual([7]);
    vi.advanceTimersByTime(50);
    done.push(gathering.add(item('a', 8)));
    await nextTurn();
    expect(groups.at(-1)).toEqual([8]);
    finish();
    expect(await Promise.all(done)).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
  });

  it('refuses what is too much of one, or in all, and has then begun nothing of it', async () => {
    const { gathering, groups, finish } = atWork({ mostWaiting: 3, mostWaitingOfOne: 2 });
    const taken = [gathering.add(item('a', 1)), gathering.add(item('a', 2))];
    await expect(gathering.add(item('a', 3))).rejects.toMatchObject({ code: 'rate_limited' });
    taken.push(gathering.add(item('b', 4)));
    await expect(gathering.add(item('c', 5))).rejects.toMatchObject({ code: 'service_unavailable' });
    await nextTurn();
    // What is at work does not wait any more.
    taken.push(gathering.add(item('a', 6)));
    finish();
    await nextTurn();
    await nextTurn();
    finish();
    expect(await Promise.all(taken)).toEqual([1, 2, 4, 6]);
    expect(groups.flat()).toEqual([1, 4, 2, 6]);
  });

  it('gives each its own outcome, also where one failed or none was told', async () => {
    const outcomes: Outcome<number>[] = [{ done: 1 }, { failed: new Error('no') }];
    const gathering = new Gathering<Item, number>({ work: async () => outcomes, mostAtOnce: 9, mostWaiting: 9 });
    const [one, two, three] = await Promise.allSettled([1, 2, 3].map((number) => gathering.add(item('a', number))));
    expect(one).toEqual({ status: 'fulfilled', value: 1 });
    expect(two).toMatchObject({ status: 'rejected', reason: { message: 'no' } });
    expect(three).toMatchObject({ status: 'rejected', reason: { message: 'The work told no outcome of it' } });
  });

  it('lets a group that failed fall apart where it may, so that who is at fault fails alone', async () => {
    const worked: number[][] = [];
    const gathering = new Gathering<Item, number>({
      work: async (items) => {
        worked.push(numbers(items));
        if (items.some(({ number }) => number === 2)) throw new Error(items.length > 1 ? 'one of them' : 'this one');
        return items.map(({ number }) => ({ done: number }));
      },
      mostAtOnce: 9,
      mostWaiting: 9,
      mayFallApart: (error) => (error as Error).message === 'one of them',
    });
    const settled = await Promise.allSettled([1, 2, 3].map((number) => gathering.add(item('a', number))));
    expect(worked).toEqual([[1, 2, 3], [1], [2], [3]]);
    expect(settled.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    expect(settled[1]).toMatchObject({ reason: { message: 'this one' } });
  });

  it('fails all of a group that may not fall apart, and works on the next', async () => {
    let broken = true;
    const gathering = new Gathering<Item, number>({
      work: async (items) => {
        if (broken) throw new Error('away');
        return items.map(({ number }) => ({ done: number }));
      },
      mostAtOnce: 9,
      mostWaiting: 9,
    });
    const settled = await Promise.allSettled([1, 2].map((number) => gathering.add(item('a', number))));
    expect(settled.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    broken = false;
    expect(await gathering.add(item('a', 3))).toBe(3);
  });

  it('works in no other context of an item', async () => {
    const context = new AsyncLocalStorage<string>();
    const seen: unknown[] = [];
    const gathering = new Gathering<Item, number>({
      work: async (items) => {
        seen.push(context.getStore());
        return items.map(({ number }) => ({ done: number }));
      },
      mostAtOnce: 1,
      mostWaiting: 9,
    });
    const added = ['first', 'second'].map((name, number) => context.run(name, () => gathering.add(item('a', number))));
    await Promise.all(added);
    expect(seen).toEqual([undefined, undefined]);
  });

  it('works in the trace of what comes alone, and names all traces of what comes together', async () => {
    const seen: unknown[] = [];
    const gathering = new Gathering<Item, number>({
      work: async (items) => {
        seen.push(items.length === 1 ? currentTraceId() : (traceFields() as { traceIds?: string[] }).traceIds);
        return items.map(({ number }) => ({ done: number }));
      },
      mostAtOnce: 9,
      mostWaiting: 9,
    });
    const traces = [continueTrace(), continueTrace()];
    const add = (traceparent: string) => withTrace(traceparent, () => gathering.add(item('a', 1)));
    await add(traces[0] as string);
    await Promise.all(traces.map(add));
    expect(seen).toEqual([traceIdOf(traces[0]), traces.map(traceIdOf)]);
  });

  it('keeps its invariants whatever arrives when, and however work goes', async () => {
    const arrival = fc.record({ of: fc.constantFrom('a', 'b', 'c'), turnsBefore: fc.nat(3) });
    const fates = fc.array(fc.record({ turns: fc.nat(4), fails: fc.boolean() }), { minLength: 1, maxLength: 5 });
    const property = fc.asyncProperty(
      fc.array(arrival, { maxLength: 40 }),
      fates,
      fc.integer({ min: 1, max: 5 }),
      fc.integer({ min: 1, max: 3 }),
      fc.boolean(),
      fc.constantFrom(0, 1),
      fc.integer({ min: 1, max: 3 }),
      async (arrivals, fates, mostAtOnce, most, fallsApart, paceMs, unpaced) => {
        const begun: Item[] = [];
        let [running, groupsRun, largest, busiest] = [0, 0, 0, 0];
        const gathering = new Gathering<Item, Item>({
          mostAtOnce,
          groups: most,
          paceMs,
          unpaced,
          mostWaiting: 20,
          mostWaitingOfOne: 10,
          whose: ({ of }) => of,
          mayFallApart: () => fallsApart,
          work: async (items) => {
            running += 1;
            largest = Math.max(largest, items.length);
            busiest = Math.max(busiest, running);
            const fate = fates[groupsRun++ % fates.length];
            for (let turn = 0; turn < (fate?.turns ?? 0); turn += 1) await nextTurn();
            running -= 1;
            const isWhole = items.length > 1 && fallsApart;
            if (fate?.fails && isWhole) throw new Error('one of them');
            begun.push(...items);
            if (fate?.fails) throw new Error('failed');
            return items.map((one) => ({ done: one }));
          },
        });
        const ends: Promise<void>[] = [];
        const taken: Item[] = [];
        for (const [number, { of, turnsBefore }] of arrivals.entries()) {
          for (let turn = 0; turn < turnsBefore; turn += 1) await nextTurn();
          const mine = { of, number };
          const end = gathering.add(mine).then(
            (got) => {
              expect(got).toBe(mine);
              taken.push(mine);
            },
            (error: Error & { code?: string }) => {
              if (error.code === undefined) taken.push(mine);
            },
          );
          ends.push(end);
        }
        await Promise.all(ends);
        expect(largest).toBeLessThanOrEqual(mostAtOnce);
        expect(busiest).toBeLessThanOrEqual(most);
        expect(new Set(begun)).toEqual(new Set(taken));
        expect(begun).toHaveLength(taken.length);
        if (most > 1) return;
        for (const owner of ['a', 'b', 'c']) {
          const order = numbers(begun.filter(({ of }) => of === owner));
          expect(order).toEqual(order.toSorted((one, other) => one - other));
        }
      },
    );
    await fc.assert(property, { numRuns: 150 });
  });
});

/** A gathering whose groups are done when told. */
function atWork(options: Partial<GatheringOptions<Item, number>> = {}) {
  const groups: number[][] = [];
  let waiting: (() => void)[] = [];
  const gathering = new Gathering<Item, number>({
    work: async (items) => {
      groups.push(numbers(items));
      await new Promise<void>((resolve) => waiting.push(resolve));
      return items.map(({ number }) => ({ done: number }));
    },
    mostAtOnce: 100,
    mostWaiting: 100,
    whose: ({ of }) => of,
    ...options,
  });
  const finish = () => {
    for (const resolve of waiting) resolve();
    waiting = [];
  };
  return { gathering, groups, finish };
}

const item = (of: string, number: number): Item => ({ of, number });
const numbers = (items: readonly Item[]) => items.map(({ number }) => number);
const nextTurn = () => new Promise<void>((resolve) => setImmediate(resolve));
