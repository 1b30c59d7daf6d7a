/*
 * What a socket is told, and how much it may say.
 */
import type { CallEvent, CallState, DeviceId, UserAlias } from '@communication-center/contracts';
import { describe, expect, test } from 'vitest';
import { CallSequences } from './call-sequences.js';
import { FrameBudget } from './frame-budget.js';
import { ringEndedFor } from './ring-ended.js';

const now = '2026-01-01T00:10:00.000Z';
const event = (callid: string, sequence: number, more: object = {}) =>
  ({
    type: 'call.ringing',
    callid,
    sequence,
    time: now,
    data: { audience: [], userAlias: 'bob', deviceId: null },
    ...more,
  }) as unknown as CallEvent;

describe('a socket hears of a call', () => {
  const snapshot = [{ callId: 'known', sequence: 3 }] as unknown as CallState[];

  test('only what is newer than its snapshot, and nothing twice', () => {
    const sequences = new CallSequences(snapshot, now);
    expect([2, 3, 4, 4, 5].map((sequence) => sequences.take(event('known', sequence)))).toEqual([false, false, true, false, true]);
  });

  test('from its beginning when it began after the snapshot', () => {
    const sequences = new CallSequences(snapshot, now);
    expect([1, 2, 1].map((sequence) => sequences.take(event('new', sequence)))).toEqual([true, true, false]);
  });

  test('not at all when it was over so long before that the snapshot left it out', () => {
    const sequences = new CallSequences(snapshot, now);
    expect(sequences.take(event('ancient', 1, { time: '2026-01-01T00:04:00.000Z' }))).toBe(false);
  });
});

describe('a ring ends on a device', () => {
  const bob = 'bob' as UserAlias;
  const phone = 'phone' as DeviceId;
  const told = (type: string, data: object) => ringEndedFor(event('c', 2, { type, data: { userAlias: 'bob', ...data } }), bob, phone);

  test.each([
    ['when another device answers', 'call.answered', { deviceId: 'tablet' }, { reason: 'answered_elsewhere', byDevice: 'tablet' }],
    ['when another device declines', 'call.declined', { deviceId: 'tablet' }, { reason: 'declined_elsewhere', byDevice: 'tablet' }],
    ['when a server declines', 'call.declined', { deviceId: null }, { reason: 'declined', byDevice: null }],
    ['when the time is over', 'call.missed', { reason: 'no_answer' }, { reason: 'no_answer', byDevice: null }],
    ['when the caller cancels', 'call.missed', { reason: 'cancelled' }, { reason: 'cancelled', byDevice: null }],
  ])('%s', (_when, type, data, expected) => {
    expect(told(type, data)).toEqual(expected);
  });

  test('not by what the device did itself, nor by what others did', () => {
    expect(told('call.answered', { deviceId: 'phone' })).toBeUndefined();
    expect(told('call.answered', { userAlias: 'carol', deviceId: 'x' })).toBeUndefined();
    expect(told('call.ringing', { deviceId: 'tablet' })).toBeUndefined();
  });
});

test('a budget lets a burst through, then so many a second', () => {
  const budget = new FrameBudget(3, 2, 0);
  expect([0, 0, 0, 0].map((at) => budget.take(at))).toEqual([true, true, true, false]);
  expect([500, 500, 1000].map((at) => budget.take(at))).toEqual([true, false, true]);
});
