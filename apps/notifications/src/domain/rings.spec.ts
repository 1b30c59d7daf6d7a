/*
 * Who is rung, and when it is over, is what devices and histories say: it comes of the same fold.
 */
import { type AnyEvent, type CallEvent, type DeviceId, type Participant, readEvent } from '@communication-center/contracts';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { endReasonOn, ringEndsOf, ringsOf } from './rings.js';

const callId = '01a212f5-72f3-745f-9835-9b692595a83a';
const time = '2026-11-28T10:00:00.000Z';

function event(type: string, sequence: number, data: object): CallEvent {
  const envelope = {
    specversion: '1.0' as const,
    id: `${callId}-${sequence}`,
    source: '/calls',
    time,
    subject: callId,
    appid: 'demo',
    callid: callId,
  };
  return readEvent('calls.events', { ...envelope, type, sequence, dataversion: 1, data } as unknown as AnyEvent);
}

const dialed = (more: object = {}) =>
  event('call.dialed', 1, {
    audience: ['alice', 'bob', 'carol', 'dora'],
    initiator: 'alice',
    initiatorDevice: 'a1',
    callees: ['bob', 'carol', 'dora'],
    callType: 'audio_video',
    ringSeconds: 30,
    maxParticipants: 8,
    maxDurationSeconds: 60,
    ...more,
  });
const rung = (one: CallEvent) => ringsOf(one).map(({ userAlias }) => userAlias);
const audience = ['alice', 'bob', 'carol', 'dora'];

test('a dial rings its callees until its ring time is over, and not who dialed', () => {
  expect(rung(dialed())).toEqual(['bob', 'carol', 'dora']);
  expect(ringsOf(dialed({ waiting: ['bob'] }))[0]).toMatchObject({
    caller: 'alice',
    deadline: '2026-11-28T10:00:30.000Z',
    waiting: true,
    sequence: 1,
  });
});

test('nobody who is refused is rung; of a dial by a server its initiator is', () => {
  expect(rung(dialed({ refused: [{ userAlias: 'carol', reason: 'do_not_disturb' }] }))).toEqual(['bob', 'dora']);
  expect(rung(dialed({ initiatorDevice: null }))).toEqual(['alice', 'bob', 'carol', 'dora']);
});

test('an invitation rings one, by who invited, unless that one is refused', () => {
  const invited = (more: object = {}) =>
    event('call.participant_invited', 5, {
      audience,
      userAlias: 'dora',
      initiator: 'alice',
      invitedBy: 'bob',
      callType: 'audio_only',
      ringSeconds: 10,
      ...more,
    });
  expect(ringsOf(invited())).toMatchObject([{ userAlias: 'dora', caller: 'bob', sequence: 5 }]);
  expect(ringsOf(invited({ invitedBy: null }))).toMatchObject([{ caller: 'alice' }]);
  expect(ringsOf(invited({ refused: 'busy' }))).toEqual([]);
});

test('an answer ends the ring of who answered; other devices hear answered_elsewhere, the one that did hears nothing', () => {
  const [end, ...others] = ringEndsOf(event('call.answered', 3, { audience, userAlias: 'bob', deviceId: 'b1' }));
  expect(others).toEqual([]);
  expect(end).toMatchObject({ userAlias: 'bob', sequence: 3 });
  if (!end) expect.fail();
  expect([endReasonOn('b2' as DeviceId, end), endReasonOn('b1' as DeviceId, end)]).toEqual(['answered_elsewhere', undefined]);
});

test('the end of a call ends every ring, for its reason', () => {
  const ends = ringEndsOf(event('call.ended', 4, { audience, reason: 'cancelled', talkSeconds: 0 }));
  expect(ends.map((end) => [end.userAlias, endReasonOn('d' as DeviceId, end)])).toEqual(
    audience.map((userAlias) => [userAlias, 'cancelled']),
  );
});

test('what says that somebody rings, or silences one device, ends no ring', () => {
  const one = { audience, userAlias: 'bob', deviceId: 'b1' };
  expect(ringEndsOf(event('call.ringing', 2, one))).toEqual([]);
  expect(ringEndsOf(event('call.ignored', 2, one))).toEqual([]);
  expect(ringEndsOf(event('call.busy', 2, { audience, userAlias: 'bob', waiting: true }))).toEqual([]);
});

test('no device is told of an end that is none', () => {
  const states = fc.constantFrom<Participant['state']>('ringing', 'connected', 'gone');
  fc.assert(
    fc.property(states, fc.option(fc.constantFrom('d1', 'd2'), { nil: null }), (state, deviceId) => {
      const part = {
        state,
        userAlias: 'bob',
        since: time,
        until: time,
        at: time,
        confirmed: false,
        reason: 'cancelled',
        deviceId,
      } as never;
      const reason = endReasonOn('d1' as DeviceId, { callId, sequence: 2, appId: 'demo', userAlias: 'bob', part } as never);
      if (state === 'ringing') expect(reason).toBeUndefined();
    }),
  );
});
