/*
 * What goes without being read goes in order: whoever wrote what lies before it, whatever was not told, and however the telling
 * is mixed up, no event and no tombstone leaves before one of its key that came earlier, none is lost, and none goes twice.
 */
import type { AnyEvent } from '@communication-center/contracts';
import fc from 'fast-check';
import { beforeEach, describe, expect, test } from 'vitest';
import { CommittedRows } from './committed-rows.js';
import type { Lane, OutboxRow, WrittenRow } from './lanes.js';

const lane: Lane = { topic: 'calls.events', partition: 0 };
const options = { topics: ['calls.events'], rowsPerLane: 500, bytesPerLane: 700_000 };
const always = () => true;

const rowOf = (id: number, key: string, sequence: number | null, more: Partial<WrittenRow> = {}): WrittenRow => ({
  ...lane,
  id: String(id),
  key,
  event: sequence === null ? null : ({ id: `${key}-${sequence}`, sequence } as AnyEvent),
  bytes: 100,
  ...more,
});

const told = (rows: readonly OutboxRow[]) => rows.map(({ key, event }) => `${key}${event?.sequence}`);

describe('a row that has just committed', () => {
  let committed: CommittedRows;

  beforeEach(() => {
    committed = new CommittedRows(options);
  });

  const add = (...rows: WrittenRow[]) => rows.map((row) => committed.add(row));
  const sends = () => {
    const { rows, unsure } = committed.take(always);
    committed.sent(rows);
    return { sent: told(rows), reads: unsure.length > 0 };
  };

  test('goes at once when it is the first of its key, or follows what was acknowledged here', () => {
    add(rowOf(1, 'a', 1), rowOf(2, 'a', 2));
    expect(sends()).toEqual({ sent: ['a1', 'a2'], reads: false });
    add(rowOf(3, 'a', 3), rowOf(4, 'b', 1));
    expect(sends()).toEqual({ sent: ['a3', 'b1'], reads: false });
  });

  test('is read when what lies before it was not acknowledged here', () => {
    add(rowOf(3, 'a', 3));
    expect(sends()).toEqual({ sent: [], reads: true });
    expect(committed.isEmpty).toBe(true);
  });

  test('does not count as sent before its partition has answered', () => {
    add(rowOf(1, 'a', 1));
    expect(told(committed.take(always).rows)).toEqual(['a1']);
    add(rowOf(2, 'a', 2));
    expect(sends()).toEqual({ sent: [], reads: true });
  });

  test('goes in the order of ids, though its writers tell of them in another', () => {
    add(rowOf(2, 'a', 2), rowOf(1, 'a', 1));
    expect(sends().sent).toEqual(['a1', 'a2']);
  });

  test('is read when it is told of after it has gone', () => {
    committed.sent([rowOf(1, 'a', 1), rowOf(2, 'a', 2)]);
    add(rowOf(1, 'a', 1));
    expect(sends()).toEqual({ sent: [], reads: true });
  });

  test('is read when it is a first one that may have gone and been forgotten', () => {
    committed.sent([rowOf(1, 'a', 1), rowOf(9, 'b', 1)]);
    committed.sent(Array.from({ length: 50_000 }, (_, index) => rowOf(10 + index, `other-${index}`, 1)));
    add(rowOf(1, 'a', 1));
    expect(sends()).toEqual({ sent: [], reads: true });
  });

  test('is not taken when its key may be used again, or it is a tombstone', () => {
    expect(add(rowOf(1, 'a', 1, { topic: 'directory.events' }), rowOf(2, 'a', null))).toEqual([false, false]);
  });

  test('is sent once, when it was read meanwhile', () => {
    add(rowOf(1, 'a', 1), rowOf(2, 'b', 1));
    committed.found([rowOf(1, 'a', 1)]);
    expect(sends().sent).toEqual(['b1']);
  });

  test('waits while its lane is not free, and is forgotten when the lane is another replica’s', () => {
    add(rowOf(1, 'a', 1), rowOf(2, 'b', 1, { partition: 1 }));
    expect(told(committed.take(({ partition }) => partition === 1).rows)).toEqual(['b1']);
    committed.keepOnly(() => false);
    expect(sends()).toEqual({ sent: [], reads: false });
  });

  test('goes with no more rows and bytes than a request may have; the rest waits', () => {
    const small = new CommittedRows({ ...options, rowsPerLane: 3, bytesPerLane: 250 });
    for (let id = 1; id <= 5; id += 1) small.add(rowOf(id, 'a', id, { bytes: id === 3 ? 1000 : 100 }));
    const requests = [];
    while (!small.isEmpty) {
      const { rows } = small.take(always);
      small.sent(rows);
      requests.push(told(rows));
    }
    expect(requests).toEqual([
      ['a1', 'a2', 'a3'],
      ['a4', 'a5'],
    ]);
  });

  test('is left to the outbox when too much waits', () => {
    expect(add(...Array.from({ length: 4001 }, (_, index) => rowOf(1 + index, `key-${index}`, 1))).filter(Boolean)).toHaveLength(4000);
    expect(sends().sent).toHaveLength(500);
    expect(add(rowOf(5000, 'late', 1))).toEqual([true]);
  });
});

/**
 * What a transaction writes of a key: an event; the last one and a tombstone, as of somebody who is erased; a tombstone alone, for
 * which the count skips one, as of somebody who was erased and of whom nothing was said.
 */
type Written = 'event' | 'farewell' | 'erasure';

type Step =
  | { is: 'write'; key: string; isHere: boolean; what: Written }
  /** Of the oldest or the newest transaction that was not told yet; or its telling is lost with the answer to its commit. */
  | { is: 'tell'; which: 'oldest' | 'newest' | 'lost' }
  /** `half` reaches the partition, where it was too much for one request. */
  | { is: 'send'; arrives: 'all' | 'half' | 'nothing' }
  /** A read, with what commits between its beginning and its answer. */
  | { is: 'read'; limit: number; meanwhile: Step[] };

const what: fc.Arbitrary<Written> = fc.oneof(
  { weight: 4, arbitrary: fc.constant('event' as const) },
  fc.constantFrom('farewell', 'erasure'),
);
const write: fc.Arbitrary<Step> = fc.record({
  is: fc.constant('write'),
  key: fc.constantFrom('a', 'b', 'c'),
  isHere: fc.oneof({ weight: 5, arbitrary: fc.constant(true) }, fc.constant(false)),
  what,
});
const tell: fc.Arbitrary<Step> = fc.record({
  is: fc.constant('tell'),
  which: fc.constantFrom('oldest', 'oldest', 'oldest', 'newest', 'lost'),
});
const send: fc.Arbitrary<Step> = fc.record({ is: fc.constant('send'), arrives: fc.constantFrom('all', 'all', 'all', 'half', 'nothing') });
const meanwhile = fc.array(fc.oneof(write, tell), { maxLength: 4 });
const read: fc.Arbitrary<Step> = fc.record({ is: fc.constant('read'), limit: fc.integer({ min: 1, max: 4 }), meanwhile });

/** One lane, its outbox and its topic, and a relay that does what {@link OutboxRelay} does with them. */
class Story {
  readonly committed = new CommittedRows(options);
  readonly topic: OutboxRow[] = [];
  outbox: WrittenRow[] = [];
  #untold: WrittenRow[][] = [];
  #toRead = false;
  readonly #versions = new Map<string, number>();
  #id = 0;
  fromMemory = 0;

  play(steps: readonly Step[]): void {
    for (const step of steps) this.#play(step);
  }

  /** What the outbox holds is found in the end. */
  end(): void {
    while (this.outbox.length > 0) {
      this.#toRead = true;
      this.#send('all', 100, []);
    }
  }

  #play(step: Step): void {
    if (step.is === 'write') this.#write(step);
    else if (step.is === 'tell') this.#tell(step.which);
    else if (step.is === 'send') this.#send(step.arrives, 2, []);
    else {
      this.#toRead = true;
      this.#send('all', step.limit, step.meanwhile);
    }
  }

  #write({ key, isHere, what: written }: { key: string; isHere: boolean; what: Written }): void {
    const sequence = (this.#versions.get(key) ?? 0) + 1;
    this.#versions.set(key, sequence);
    const sequences = { event: [sequence], farewell: [sequence, null], erasure: [null] }[written];
    const rows = sequences.map((one) => {
      this.#id += 1;
      return rowOf(this.#id, key, one);
    });
    this.outbox.push(...rows);
    if (isHere) this.#untold.push(rows);
  }

  #tell(which: 'oldest' | 'newest' | 'lost'): void {
    const rows = which === 'newest' ? this.#untold.pop() : this.#untold.shift();
    if (!rows || which === 'lost') return;
    for (const row of rows) if (!this.#toRead && !this.committed.add(row)) this.#readSoon();
  }

  #readSoon(): void {
    this.committed.drop(lane);
    this.#toRead = true;
  }

  #send(arrives: 'all' | 'half' | 'nothing', limit: number, between: readonly Step[]): void {
    let rows: OutboxRow[] = [];
    if (this.#toRead) {
      this.committed.drop(lane);
      this.#toRead = false;
      rows = this.outbox.slice(0, limit);
      this.play(between);
      if (rows.length === limit) this.#readSoon();
      this.committed.found(rows);
    } else {
      const taken = this.committed.take(always);
      if (taken.unsure.length > 0) this.#readSoon();
      rows = taken.rows;
      this.fromMemory += rows.length;
    }
    const arrived = { all: rows, half: rows.slice(0, rows.length >> 1), nothing: [] }[arrives];
    this.topic.push(...arrived);
    this.committed.sent(arrived);
    const ids = new Set(arrived.map(({ id }) => id));
    this.outbox = this.outbox.filter(({ id }) => !ids.has(id));
    if (arrived.length < rows.length) this.#readSoon();
  }

  get written(): number {
    return this.#id;
  }

  idsOf(key: string): number[] {
    return this.topic.filter((row) => row.key === key).map(({ id }) => Number(id));
  }
}

test('whoever writes, and whatever is told in whatever order, each key’s events and ends go in order, all of them, once', () => {
  let fromMemory = 0;
  fc.assert(
    fc.property(
      fc.array(fc.oneof({ weight: 6, arbitrary: write }, { weight: 6, arbitrary: tell }, { weight: 4, arbitrary: send }, read), {
        maxLength: 60,
        size: 'max',
      }),
      (steps) => {
        const story = new Story();
        story.play(steps);
        story.end();
        expect(story.topic).toHaveLength(story.written);
        for (const key of ['a', 'b', 'c']) {
          const found = story.idsOf(key);
          expect(found).toEqual(found.toSorted((one, other) => one - other));
        }
        fromMemory += story.fromMemory;
      },
    ),
    { numRuns: 2000 },
  );
  expect(fromMemory, 'the way that is tested was gone').toBeGreaterThan(500);
});
