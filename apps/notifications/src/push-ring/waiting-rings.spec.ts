/*
 * Whatever comes: of apps that wait each has its turn, nothing is taken that is over or twice, what one app has in order stays so, and an app
 * that asks for less than its share of the room loses nothing to a crowd of another's.
 */
import type { AppId, CallId, UserAlias } from '@communication-center/contracts';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Ring } from '../domain/rings.js';
import { WaitingRings } from './waiting-rings.js';

const ring = (app: string, call: number, sequence = 1): Ring => ({
  callId: `call-${app}-${call}` as CallId,
  sequence,
  appId: app as AppId,
  userAlias: 'bob' as UserAlias,
  caller: 'alice' as UserAlias,
  callType: 'audio_only',
  waiting: false,
  began: '',
  deadline: '',
  traceparent: null,
});
const callsOf = (rings: readonly Ring[], app: string) => rings.filter(({ appId }) => appId === app).map(({ callId }) => callId);

test('a ring of another app is among the next that are written, however many of one wait', () => {
  const waiting = new WaitingRings(20_000, () => undefined);
  for (let call = 0; call < 15_000; call += 1) waiting.add(ring('crowd', call));
  waiting.take(250);
  waiting.add(ring('other', 1));
  expect(callsOf(waiting.take(250), 'other')).toHaveLength(1);
});

test('where the room is full of one app’s crowd, another app’s ring has its place, and what gave it up is counted', () => {
  let leftOut = 0;
  const waiting = new WaitingRings(100, () => (leftOut += 1));
  for (let call = 0; call < 150; call += 1) waiting.add(ring('crowd', call));
  expect(leftOut).toBe(50);
  for (let call = 0; call < 40; call += 1) waiting.add(ring('other', call));
  expect({ leftOut, size: waiting.size, counted: waiting.leftOut }).toEqual({ leftOut: 90, size: 100, counted: 90 });
  const taken = waiting.take(200);
  expect(callsOf(taken, 'other')).toHaveLength(40);
  expect(callsOf(taken, 'crowd')).toEqual(Array.from({ length: 60 }, (_, call) => `call-crowd-${call}`));
});

test('a crowd of 40,000 is taken in, and let go, in no time', () => {
  const waiting = new WaitingRings(20_000, () => undefined);
  const from = performance.now();
  for (let call = 0; call < 20_000; call += 1) waiting.add(ring('crowd', call));
  for (let call = 0; call < 20_000; call += 1) waiting.add(ring(`app-${call % 100}`, call));
  for (let call = 0; call < 20_000; call += 1) waiting.ended({ ...ring('crowd', call), sequence: 2 });
  while (waiting.size > 0) waiting.take(250);
  expect(performance.now() - from).toBeLessThan(3000);
});

const act = fc.oneof(
  { weight: 6, arbitrary: fc.record({ act: fc.constant('add' as const), app: fc.constantFrom('a', 'b', 'c'), call: fc.nat(30) }) },
  { weight: 2, arbitrary: fc.record({ act: fc.constant('end' as const), app: fc.constantFrom('a', 'b', 'c'), call: fc.nat(30) }) },
  { weight: 1, arbitrary: fc.record({ act: fc.constant('take' as const), most: fc.integer({ min: 1, max: 9 }) }) },
);

test('whatever comes, each that waits has its turn, in order, and nothing that is over', () => {
  fc.assert(
    fc.property(fc.array(act, { maxLength: 200 }), fc.integer({ min: 3, max: 30 }), (acts, most) => {
      let leftOut = 0;
      const waiting = new WaitingRings(most, () => (leftOut += 1));
      const [ended, taken] = [new Set<Ring>(), new Set<Ring>()];
      const added: Ring[] = [];
      const take = (count: number) => {
        const size = waiting.size;
        const some = waiting.take(count);
        expect(some).toHaveLength(Math.min(size, count));
        const counts = ['a', 'b', 'c'].map((app) => callsOf(some, app).length);
        for (const one of some) {
          expect(ended.has(one) || taken.has(one)).toBe(false);
          taken.add(one);
        }
        return counts;
      };
      for (const one of acts) {
        if (one.act === 'add') {
          const made = ring(one.app, one.call, added.length + 1);
          added.push(made);
          waiting.add(made);
        } else if (one.act === 'end') {
          const end = ring(one.app, one.call, added.length + 1);
          for (const other of added) if (other.callId === end.callId) ended.add(other);
          waiting.ended(end);
        } else take(one.most);
        expect(waiting.size).toBeLessThanOrEqual(most);
      }
      take(most);
      const [lost, over] = [added.length - taken.size, [...ended].filter((one) => !taken.has(one)).length];
      expect(lost).toBeGreaterThanOrEqual(leftOut);
      expect(lost).toBeLessThanOrEqual(leftOut + over);
      for (const app of ['a', 'b', 'c']) {
        const order = [...taken].filter(({ appId }) => appId === app).map(({ sequence }) => sequence);
        expect(order).toEqual(order.toSorted((x, y) => x - y));
      }
    }),
  );
});
