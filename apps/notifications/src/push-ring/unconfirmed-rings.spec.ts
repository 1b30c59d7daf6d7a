/*
 * However dials, confirmations, ends and time are interleaved: a device with an open socket is pushed to once for each ring that it says
 * nothing of in time, and never for one that it has confirmed, or that is over.
 */
import type { AppId, CallId, DeviceId, UserAlias } from '@communication-center/contracts';
import fc from 'fast-check';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { Ring } from '../domain/rings.js';
import { type Confirmed, ConfirmedLately } from './confirmed-lately.js';
import { UnconfirmedRings } from './unconfirmed-rings.js';

const afterMs = 2000;
const devices = ['phone', 'tablet', 'laptop'] as DeviceId[];
const users = ['bob', 'carol'] as UserAlias[];

beforeEach(() => void vi.useFakeTimers({ now: new Date('2026-03-01T12:00:00Z') }));
afterEach(() => void vi.useRealTimers());

const ringOf = (userAlias: UserAlias, sequence: number, began = new Date()): Ring => ({
  callId: 'c' as CallId,
  sequence,
  appId: 'demo' as AppId,
  userAlias,
  caller: 'alice' as UserAlias,
  callType: 'audio_only',
  waiting: false,
  began: began.toISOString(),
  deadline: new Date(Date.now() + 60_000).toISOString(),
  traceparent: null,
});

function waiting() {
  const pushed: string[] = [];
  const confirmed = new ConfirmedLately();
  const rings = new UnconfirmedRings({
    afterMs,
    hasConfirmed: (ring, deviceId) => confirmed.of(ring, deviceId) !== undefined,
    onUnconfirmed: ({ userAlias, sequence }, silent) => pushed.push(...silent.map((deviceId) => `${userAlias} ${sequence} ${deviceId}`)),
  });
  const confirm = (userAlias: UserAlias, deviceId: DeviceId, sequence: number) => {
    const one: Confirmed = { callId: 'c', userAlias, deviceId, sequence, since: new Date().toISOString(), through: 'socket' };
    confirmed.note(one, Date.now());
    rings.confirmed(one);
  };
  return { pushed, rings, confirm };
}

const who = fc.constantFrom(...users);
const step = fc.oneof(
  fc.record({ does: fc.constant('dial' as const), who }),
  fc.record({ does: fc.constant('end' as const), who }),
  fc.record({ does: fc.constant('confirm' as const), who, deviceId: fc.constantFrom(...devices) }),
  fc.record({ does: fc.constant('pass' as const), ms: fc.integer({ min: 1, max: 1500 }) }),
);

test('whatever comes when, each device is pushed to as often as it was silent, and no more', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const { pushed, rings, confirm } = waiting();
      const due: string[] = [];
      const open = new Map<UserAlias, { sequence: number; until: number; silent: Set<DeviceId> }>();
      let sequence = 0;
      const pass = (ms: number) => {
        const now = Date.now() + ms;
        for (const [user, ring] of open)
          if (ring.until <= now) {
            due.push(...[...ring.silent].map((deviceId) => `${user} ${ring.sequence} ${deviceId}`));
            ring.silent.clear();
          }
        vi.advanceTimersByTime(ms);
      };
      for (const one of steps) {
        if (one.does === 'pass') pass(one.ms);
        if (one.does === 'dial') {
          // Nobody is rung again before the ring of before has ended.
          if (open.has(one.who)) continue;
          sequence += 1;
          open.set(one.who, { sequence, until: Date.now() + afterMs, silent: new Set(devices) });
          rings.expect(ringOf(one.who, sequence), devices, Date.now());
        }
        if (one.does === 'end') {
          sequence += 1;
          rings.ended({ callId: 'c' as CallId, userAlias: one.who, sequence });
          open.delete(one.who);
        }
        if (one.does === 'confirm') {
          confirm(one.who, one.deviceId, sequence);
          open.get(one.who)?.silent.delete(one.deviceId);
        }
      }
      pass(afterMs);
      expect(pushed.toSorted()).toEqual(due.toSorted());
      expect([rings.size, vi.getTimerCount()]).toEqual([0, 0]);
    }),
  );
});

test('a device may say that it rings before its ring is heard of, and what it said of an earlier ring does not count', () => {
  const { pushed, rings, confirm } = waiting();
  confirm('bob' as UserAlias, 'phone' as DeviceId, 3);
  confirm('bob' as UserAlias, 'tablet' as DeviceId, 2);
  rings.expect(ringOf('bob' as UserAlias, 3), devices, Date.now());
  vi.advanceTimersByTime(afterMs);
  expect(pushed).toEqual(['bob 3 tablet', 'bob 3 laptop']);
});

test('a ring that began a while ago is not waited for as long, and one of the future no longer than any', () => {
  const { pushed, rings } = waiting();
  rings.expect(ringOf('bob' as UserAlias, 1, new Date(Date.now() - 5000)), ['phone' as DeviceId], Date.now());
  vi.advanceTimersByTime(1);
  expect(pushed).toEqual(['bob 1 phone']);
  rings.expect(ringOf('carol' as UserAlias, 1, new Date(Date.now() + 60_000)), ['phone' as DeviceId], Date.now());
  vi.advanceTimersByTime(afterMs);
  expect(pushed).toHaveLength(2);
});

test('what was confirmed is forgotten once no ring can be that old, and is bounded', () => {
  const confirmed = new ConfirmedLately();
  const note = (callId: string, at: number) =>
    confirmed.note({ callId, userAlias: 'bob', deviceId: 'phone' as DeviceId, sequence: 1, since: '', through: 'push' }, at);
  const has = (callId: string) => confirmed.of({ callId, userAlias: 'bob', sequence: 1 }, 'phone') !== undefined;
  note('first', 1_000_000);
  expect(has('first')).toBe(true);
  note('later', 1_150_000);
  expect([has('first'), has('later')]).toEqual([true, true]);
  note('last', 1_500_000);
  expect([has('first'), has('later'), has('last')]).toEqual([false, false, true]);
  for (let index = 0; index < 200_001; index += 1) note(`of many ${index}`, 1_500_001);
  expect([has('last'), has('of many 200000')]).toEqual([false, true]);
});
