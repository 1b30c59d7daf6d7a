/* What an operator begins is answered within seconds: with its outcome, or with where it is followed while it goes on. */
import { EventLogServer } from '@communication-center/event-log';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { ActsOnRecord } from './acts-on-record.js';
import { OperationsController } from './operations.controller.js';
import { ProblemError } from './problem-error.js';

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
  [told, answer, onRecord, isRecordAway] = [[], {}, [], false];
});
afterEach(() => void vi.useRealTimers());

/** What was put on record, and what was done then: in that order. */
let onRecord: unknown[];
let isRecordAway: boolean;
const acts = {
  note: async (_subject: unknown, act: unknown) => {
    if (isRecordAway) throw new ProblemError('service_unavailable');
    onRecord.push(act);
  },
};
const ofDemo = { ownerOfParked: async () => ({ appId: 'demo' }), states: () => [{ group: parked.group, state: 'running' as const }] };
const controller = (server: Partial<EventLogServer>) =>
  new OperationsController({ ...ofDemo, ...server } as EventLogServer, acts as ActsOnRecord, log as never);

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

test('what an operator has done is on record before it is done, with the app whose events it concerns', async () => {
  const done = (name: string, outcome: unknown) => async () => {
    onRecord.push(name);
    return outcome as never;
  };
  const server = {
    redrive: done('redriven', 2),
    discard: done('discarded', 3),
    rebuild: done('rebuilt', {}),
    projections: () => ['history'],
  };
  await controller(server).redrive(operator, parked, reply as never);
  await controller(server).discard(operator, parked);
  await controller(server).rebuild(operator, 'history', reply as never);
  const target = 'calls.call-history calls.events c1';
  expect(onRecord).toEqual([
    { act: 'parked_key.redriven', target, appId: 'demo' },
    'redriven',
    { act: 'parked_key.discarded', target, appId: 'demo' },
    'discarded',
    { act: 'projection.rebuilt', target: 'history' },
    'rebuilt',
  ]);
});

test('what cannot be put on record is not done', async () => {
  isRecordAway = true;
  const never = async () => onRecord.push('done') as never;
  const server = { redrive: never, discard: never, rebuild: never, projections: () => ['history'] };
  const asked = controller(server);
  for (const asking of [
    asked.redrive(operator, parked, reply as never),
    asked.discard(operator, parked),
    asked.rebuild(operator, 'history', reply as never),
  ])
    await expect(asking).rejects.toMatchObject({ code: 'service_unavailable' });
  expect(onRecord).toEqual([]);
});

test('what is not there, or asked by somebody else, is neither done nor on record', async () => {
  const never = async () => onRecord.push('done') as never;
  const server = { ownerOfParked: async () => undefined, discard: never, rebuild: never, redrive: async () => undefined };
  const asked = controller({ ...server, projections: () => ['history'] });
  await expect(asked.discard(operator, parked)).rejects.toMatchObject({ code: 'not_found' });
  await expect(asked.rebuild(operator, 'none', reply as never)).rejects.toMatchObject({ code: 'not_found' });
  expect(await asked.redrive(operator, parked, reply as never)).toEqual({ handled: 0 });
  await expect(asked.redrive(operator, { ...parked, group: 'calls.none' }, reply as never)).rejects.toMatchObject({ code: 'not_found' });
  const admin = { kind: 'key', appId: 'demo', keyId: 'k', scopes: ['admin'] } as never;
  await expect(asked.rebuild(admin, 'history', reply as never)).rejects.toMatchObject({ code: 'forbidden' });
  await expect(asked.discard(admin, parked)).rejects.toMatchObject({ code: 'forbidden' });
  expect(onRecord).toEqual([]);
});
