/* What an operator begins is answered within seconds: with its outcome, or with where it is followed while it goes on. */
import { EventLogServer } from '@communication-center/event-log';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { OperationsController } from './operations.controller.js';

const operator = { kind: 'operator' } as const;
const parked = { group: 'calls.call-history', topic: 'calls.events', key: 'c1' };
let told: unknown[];
let answer: Record<string, unknown>;
const reply = {
  status: (status: number) => {
    answer.status = status;
    return reply;
  },
  header: (name: string, value: string) => {
    answer[name] = value;
    return reply;
  },
};
const log = { info: (about: object) => told.push(about), warn: (about: object) => told.push(about) };

beforeEach(() => {
  vi.useFakeTimers();
  [told, answer] = [[], {}];
});
afterEach(() => void vi.useRealTimers());

const controller = (server: Partial<EventLogServer>) => new OperationsController(server as EventLogServer, log as never);

test('a redrive that takes long goes on after its answer, and its failure is on record', async () => {
  const { promise, reject } = Promise.withResolvers<number>();
  const redriving = controller({ redrive: () => promise }).redrive(operator, parked, reply as never);
  await vi.advanceTimersByTimeAsync(4999);
  expect(answer).toEqual({});
  await vi.advanceTimersByTimeAsync(1);
  expect([await redriving, answer]).toEqual([{ handled: null }, { status: 202, location: '../dead-letters' }]);
  reject(new Error('a bug'));
  await vi.advanceTimersByTimeAsync(0);
  expect(told).toMatchObject([{ act: 'dead_letters.redrive', key: 'c1', err: { code: 'conflict' } }]);
});

test('a short one is answered with its outcome', async () => {
  const done = controller({ redrive: async () => 3 }).redrive(operator, parked, reply as never);
  expect([await done, answer]).toEqual([{ handled: 3 }, {}]);
  const failed = controller({ redrive: () => Promise.reject(new Error('a bug')) }).redrive(operator, parked, reply as never);
  await expect(failed).rejects.toMatchObject({ code: 'conflict' });
  expect(vi.getTimerCount()).toBe(0);
});

test('a rebuild names the projection that tells how it goes', async () => {
  const rebuild = { state: 'folding', folded: 0 } as never;
  const server = {
    rebuild: async () => rebuild,
    rebuilds: async () => [{ name: 'call-history', rebuild }],
    projections: () => ['call-history'],
  };
  await controller(server).rebuild(operator, 'call-history', reply as never);
  expect(new URL(String(answer.location), 'http://door/v1/operations/calls/projections/call-history/rebuild').pathname).toBe(
    '/v1/operations/calls/projections/call-history',
  );
  expect(await controller(server).projection(operator, 'call-history')).toEqual({ name: 'call-history', rebuild });
  await expect(controller(server).projection(operator, 'other')).rejects.toMatchObject({ code: 'not_found' });
});
