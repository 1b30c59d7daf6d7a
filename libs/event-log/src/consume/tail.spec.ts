/*
 * A tail that fails goes on where it was, as the only member of a group that has never had another: nobody has to be taken for
 * dead before it hears again.
 */
import { EventEmitter } from 'node:events';
import type { Topic } from '@communication-center/contracts';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { EventLog } from '../log/event-log.js';
import { Tail } from './tail.js';

type EachBatch = (payload: {
  batch: { partition: number; messages: { offset: string; key?: Buffer; value?: null }[]; offsetLag: () => string };
}) => Promise<void>;

/** Stands in for kafkajs' consumer. */
class FakeConsumer extends EventEmitter {
  readonly sought: unknown[] = [];
  isDisconnected = false;
  eachBatch: EachBatch = async () => undefined;

  constructor(
    readonly groupId: string,
    private readonly fate: 'joins' | 'fails',
  ) {
    super();
  }

  async connect(): Promise<void> {}
  async subscribe(): Promise<void> {}
  async run({ eachBatch }: { eachBatch: EachBatch }): Promise<void> {
    this.eachBatch = eachBatch;
    if (this.fate === 'joins') this.emit('consumer.group_join');
    else this.crash();
  }
  async disconnect(): Promise<void> {
    this.isDisconnected = true;
  }
  seek(place: unknown): void {
    this.sought.push(place);
  }
  crash(): void {
    this.emit('consumer.crash', { payload: { error: new Error('no broker'), restart: false } });
  }
}

let fates: ('joins' | 'fails')[];
let consumers: FakeConsumer[];
let tail: Tail;
let erased: string[];

beforeEach(() => {
  vi.useFakeTimers();
  [fates, consumers, erased] = [[], [], []];
  const consumer = ({ groupId }: { groupId: string }) => {
    const made = new FakeConsumer(groupId, fates.shift() ?? 'joins');
    consumers.push(made);
    return made;
  };
  const log = { clientId: 'test', ends: async () => [{ partition: 0, high: 7n }], kafka: { consumer } };
  tail = new Tail({
    log: log as unknown as EventLog,
    topic: 'calls.events' as Topic,
    onEvent: () => undefined,
    onErased: (key) => erased.push(key),
    onError: () => undefined,
  });
});

afterEach(async () => {
  await tail.stop();
  vi.useRealTimers();
});

test('goes on from its memory in a new group, within a second', async () => {
  await tail.start();
  await consumers[0]?.eachBatch({ batch: { partition: 0, messages: [{ offset: '7' }, { offset: '8' }], offsetLag: () => '0' } });
  consumers[0]?.crash();
  expect(tail.standing.state).toBe('stopped');
  await vi.advanceTimersByTimeAsync(1000);
  expect(consumers.map(({ isDisconnected }) => isDisconnected)).toEqual([true, false]);
  expect(new Set(consumers.map(({ groupId }) => groupId)).size).toBe(2);
  expect(consumers[1]?.sought).toEqual([{ topic: 'calls.events', partition: 0, offset: '9' }]);
  expect(tail.standing.state).toBe('running');
});

test('tells of each key that is erased, in its turn, and of nothing twice', async () => {
  await tail.start();
  const messages = ['demo/ann', 'demo/bob'].map((key, index) => ({ offset: String(7 + index), key: Buffer.from(key), value: null }));
  await consumers[0]?.eachBatch({ batch: { partition: 0, messages, offsetLag: () => '0' } });
  await consumers[0]?.eachBatch({ batch: { partition: 0, messages: messages.slice(1), offsetLag: () => '0' } });
  expect(erased).toEqual(['demo/ann', 'demo/bob']);
});

test('tells a hundred events in a row, all partitions together, and goes on when whatever else there is to do has had its turn', async () => {
  await tail.start();
  const some = (partition: number) => ({
    partition,
    messages: Array.from({ length: 80 }, (_, index) => ({ offset: String(7 + index), key: Buffer.from(`${partition}`), value: null })),
    offsetLag: () => '0',
  });
  const handled = Promise.all([0, 1].map((partition) => consumers[0]?.eachBatch({ batch: some(partition) })));
  await Promise.resolve();
  expect(erased).toHaveLength(100);
  await vi.advanceTimersByTimeAsync(0);
  await handled;
  expect(erased.filter((key) => key === '0')).toHaveLength(80);
  expect(erased).toHaveLength(160);
});

test('has started once any of its tries has got partitions', async () => {
  fates = ['fails', 'fails', 'joins'];
  let isStarted = false;
  const starting = tail.start().then(() => (isStarted = true));
  await vi.advanceTimersByTimeAsync(400);
  expect([isStarted, consumers.length]).toEqual([false, 1]);
  await vi.advanceTimersByTimeAsync(2000);
  await starting;
  expect(consumers).toHaveLength(3);
});

test('that was stopped is not followed by another', async () => {
  await tail.start();
  await tail.stop();
  consumers[0]?.crash();
  await vi.advanceTimersByTimeAsync(5000);
  expect(consumers).toHaveLength(1);
});

test('may begin with what was there before, and says once when all of that has been told', async () => {
  const told: string[] = [];
  const log = {
    clientId: 'test',
    ends: async () => [
      { partition: 0, low: 0n, high: 9n },
      { partition: 1, low: 0n, high: 4n },
    ],
    since: async () =>
      new Map([
        [0, 7n],
        [1, 4n],
      ]),
    kafka: { consumer: ({ groupId }: { groupId: string }) => consumers[consumers.push(new FakeConsumer(groupId, 'joins')) - 1] },
  } as unknown as EventLog;
  const following = new Tail({
    log,
    topic: 'calls.events',
    fromAgoMs: 1000,
    onEvent: () => undefined,
    onErased: (key) => told.push(key),
    onCaughtUp: () => told.push('caught up'),
    onError: () => undefined,
  });
  await following.start();
  const batch = (offset: string) => ({
    partition: 0,
    messages: [{ offset, key: Buffer.from(offset), value: null }],
    offsetLag: () => '0',
  });
  for (const offset of ['6', '7', '8', '9']) await consumers.at(-1)?.eachBatch({ batch: batch(offset) });
  expect(told).toEqual(['7', '8', 'caught up', '9']);
});
