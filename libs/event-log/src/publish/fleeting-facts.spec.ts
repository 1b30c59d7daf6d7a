/*
 * What may be lost is told in few requests, in order, again where that may help, and never kept for longer than it is of use.
 */
import type { AnyEvent, AppId } from '@communication-center/contracts';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { FleetingFacts } from './fleeting-facts.js';

let sent: string[][];
let failing: number;
let producers: number;
let faults: string[];
let connecting: Promise<void>;

beforeEach(() => {
  vi.useFakeTimers();
  [sent, failing, producers, faults, connecting] = [[], 0, 0, [], Promise.resolve()];
});
afterEach(() => void vi.useRealTimers());

const log = () => {
  producers += 1;
  return {
    connect: async () => connecting,
    disconnect: async () => undefined,
    send: async ({ messages }: { messages: { key: string }[] }) => {
      failing -= 1;
      if (failing >= 0) throw new Error('no broker');
      sent.push(messages.map(({ key }) => key));
    },
  };
};
const facts = (more: object = {}) =>
  new FleetingFacts({
    log: { producer: log } as never,
    topic: 'rings.events',
    onError: (_error, doing) => faults.push(doing),
    ...more,
  });

const event = (sequence: number): AnyEvent => ({
  specversion: '1.0',
  id: `e${sequence}`,
  source: '/test',
  time: '2026-01-01T00:00:00.000Z',
  subject: 'c',
  appid: 'demo' as AppId,
  sequence,
  dataversion: 1,
  type: 'ring.confirmed',
  data: {},
});

test('what comes together goes together, and what comes fast in as few requests as its pace allows', async () => {
  const one = facts();
  for (const key of ['a', 'b', 'c']) one.tell(key, event(1));
  await vi.advanceTimersByTimeAsync(1);
  expect(sent).toEqual([['a', 'b', 'c']]);
  for (let at = 0; at < 10; at += 1) {
    one.tell(`d${at}`, event(1));
    await vi.advanceTimersByTimeAsync(4);
  }
  await vi.advanceTimersByTimeAsync(60);
  expect(sent.flat()).toHaveLength(13);
  expect(sent.length).toBeLessThanOrEqual(3);
  expect(producers).toBe(1);
});

test('a group that failed goes again, by another producer, before what came later', async () => {
  failing = 2;
  const one = facts();
  one.tell('a', event(1));
  await vi.advanceTimersByTimeAsync(1);
  one.tell('b', event(2));
  await vi.advanceTimersByTimeAsync(1000);
  expect([sent, faults.length, producers, one.lost]).toEqual([[['a', 'b']], 2, 3, 0]);
});

test('what is of no use any more is given up and counted, and so is what there is no room for', async () => {
  failing = 1000;
  const one = facts({ mostWaiting: 3 });
  for (const key of ['a', 'b', 'c', 'd']) one.tell(key, event(1));
  expect(one.lost).toBe(1);
  await vi.advanceTimersByTimeAsync(5000);
  expect(one.lost).toBe(4);
  failing = 0;
  one.tell('e', event(1));
  await vi.advanceTimersByTimeAsync(1);
  expect(sent).toEqual([['e']]);
});

test('what waits at the end is told once more, and nothing after it', async () => {
  const one = facts();
  one.tell('a', event(1));
  const stopping = one.stop();
  one.tell('b', event(1));
  await vi.advanceTimersByTimeAsync(100);
  await stopping;
  expect([sent, one.lost]).toEqual([[['a']], 1]);
});
