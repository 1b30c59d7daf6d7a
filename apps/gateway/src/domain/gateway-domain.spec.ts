/*
 * What a socket is told.
 */
import type { CallEvent, CallState, DeviceId, UserAlias } from '@communication-center/contracts';
import { beforeEach, describe, expect, test } from 'vitest';
import { CallSequences } from './call-sequences.js';

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

const bobsPhone = { userAlias: 'bob' as UserAlias, deviceId: 'phone' as DeviceId };

describe('a socket hears of a call', () => {
  const snapshot = [{ callId: 'known', sequence: 3, participants: [] }] as unknown as CallState[];

  test('only what is newer than its snapshot, and nothing twice', () => {
    const sequences = new CallSequences(bobsPhone, snapshot, now);
    expect([2, 3, 4, 4, 5].map((sequence) => sequences.take(event('known', sequence)) !== undefined)).toEqual([
      false,
      false,
      true,
      false,
      true,
    ]);
  });

  test('from its beginning when it began after the snapshot', () => {
    const sequences = new CallSequences(bobsPhone, snapshot, now);
    expect([1, 2, 1].map((sequence) => sequences.take(event('new', sequence)) !== undefined)).toEqual([true, true, false]);
  });

  test('not at all when it was over so long before that the snapshot left it out', () => {
    const sequences = new CallSequences(bobsPhone, snapshot, now);
    expect(sequences.take(event('ancient', 1, { time: '2026-01-01T00:04:00.000Z' }))).toBeUndefined();
  });
});

describe('a ring ends on a device', () => {
  const ringing = [{ state: 'ringing', userAlias: 'bob', since: now, until: now, confirmed: false }];
  const snapshot = [{ callId: 'c', sequence: 1, participants: ringing }] as unknown as CallState[];
  let sequences: CallSequences;
  let sequence: number;
  const told = (type: string, data: object) =>
    sequences.take(event('c', ++sequence, { type, data: { userAlias: 'bob', ...data } }))?.ringEnded;

  beforeEach(() => {
    sequences = new CallSequences(bobsPhone, snapshot, now);
    sequence = 1;
  });

  const given = { declineReason: 'do_not_disturb' };
  test.each([
    ['when another device answers', 'call.answered', { deviceId: 'tablet' }, { reason: 'answered_elsewhere', byDevice: 'tablet' }],
    [
      'when another device declines',
      'call.declined',
      { deviceId: 'tablet', reason: 'do_not_disturb' },
      { reason: 'declined_elsewhere', byDevice: 'tablet', ...given },
    ],
    [
      'when a server declines',
      'call.declined',
      { deviceId: null, reason: 'do_not_disturb' },
      { reason: 'declined', byDevice: null, ...given },
    ],
    ['when the time is over', 'call.missed', { reason: 'no_answer' }, { reason: 'no_answer', byDevice: null }],
    ['when the caller cancels', 'call.missed', { reason: 'cancelled' }, { reason: 'cancelled', byDevice: null }],
    ['when the user is put out', 'call.kicked', { by: null }, { reason: 'kicked', byDevice: null }],
  ])('%s', (_when, type, data, expected) => {
    expect(told(type, data)).toEqual(expected);
    expect(told('call.missed', { reason: 'error' }), 'it ended once').toBeUndefined();
  });

  test('and another one begins with an invitation', () => {
    told('call.missed', { reason: 'no_answer' });
    expect(told('call.participant_invited', { ringSeconds: 20 })).toBeUndefined();
    expect(told('call.missed', { reason: 'cancelled' })).toEqual({ reason: 'cancelled', byDevice: null });
  });

  test.each([
    ['what the device did itself', 'call.answered', { deviceId: 'phone' }],
    ['what the device refused itself', 'call.declined', { deviceId: 'phone', reason: 'none' }],
    ['what others did', 'call.answered', { userAlias: 'carol', deviceId: 'x' }],
    ['a device that confirms', 'call.ringing', { deviceId: 'tablet' }],
  ])('not by %s', (_what, type, data) => {
    expect(told(type, data)).toBeUndefined();
  });

  test('not where nobody rang: the Center put on record that the user is not to be disturbed', () => {
    told('call.participant_invited', { ringSeconds: 20, refused: 'do_not_disturb' });
    expect(told('call.declined', { deviceId: null, reason: 'do_not_disturb' })).toBeUndefined();
    expect(told('call.missed', { reason: 'do_not_disturb' })).toBeUndefined();
  });
});
