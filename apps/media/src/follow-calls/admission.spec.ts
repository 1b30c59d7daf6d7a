/*
 * Who is let in is judged by what this process heard; only where that is too little, its owner is asked, and where that is in vain
 * nobody is let in.
 */
import type { AnyEvent } from '@communication-center/contracts';
import type { MediaGrant } from '@communication-center/contracts/media-grant';
import { ProblemError } from '@communication-center/service';
import { expect, test } from 'vitest';
import { Admission } from './admission.js';
import { happeningOf } from './happenings.js';
import { KnownCalls } from './known-calls.js';

const heardAll = { isAllHeard: true };
const callId = '019b7777-0000-7000-8000-000000000001';
const grant = { appId: 'demo', callId, userAlias: 'ben', deviceId: 'sofa', sequence: 4, rights: [] } as unknown as MediaGrant;
const departed = { userAlias: 'ben', deviceId: 'sofa', reason: 'hung_up' };
const event = (type: string, sequence: number, data: object = {}) =>
  ({
    specversion: '1.0',
    id: `${type}-${sequence}`,
    source: '/calls',
    time: '2026-01-01T00:00:00.000Z',
    subject: callId,
    appid: 'demo',
    sequence,
    dataversion: 1,
    type,
    callid: callId,
    data: { audience: ['ann', 'ben'], ...data },
  }) as unknown as AnyEvent;

/** Judges by `heard`; the calls service tells `stored`, or cannot be asked. */
function judging(heard: AnyEvent[], stored?: AnyEvent[]) {
  const known = new KnownCalls(10);
  for (const one of heard) known.note(happeningOf(one));
  const asked: number[] = [];
  const read = async (_callId: string, after: number) => {
    asked.push(after);
    if (!stored) throw new ProblemError('service_unavailable');
    return stored.filter(({ sequence }) => sequence > after);
  };
  return { admission: new Admission(known, read), asked, hear: (one: AnyEvent) => known.note(happeningOf(one)) };
}

test.each([
  ['hung up', event('call.hung_up', 5, departed)],
  ['left', event('call.left', 5, { ...departed, reason: 'connection_lost' })],
  ['was kicked', event('call.kicked', 5, { userAlias: 'ben', by: 'ann' })],
  ['moved the call to another device', event('call.joined', 5, { userAlias: 'ben', deviceId: 'phone' })],
  ['is in a call that has ended', event('call.ended', 5, { reason: 'hung_up', talkSeconds: 1 })],
])('who %s is not let in, whether that was heard or must be asked', async (_how, happened) => {
  const [heard, told] = [judging([happened]), judging([], [happened])];
  for (const { admission } of [heard, told])
    await expect(admission.require(grant, heardAll)).rejects.toMatchObject({ code: 'room_closed' });
  expect([heard.asked, told.asked]).toEqual([[], [4]]);
});

test('nobody is asked about a call whose events since the grant were heard', async () => {
  const { admission, asked } = judging([event('call.dialed', 1), event('call.ringing', 2)]);
  await admission.require(grant, heardAll);
  expect(asked).toEqual([]);
});

test('what was asked once need not be asked again', async () => {
  const { admission, asked } = judging([event('call.ringing', 9)], [event('call.ringing', 5), event('call.of_a_later_release', 6)]);
  await expect(admission.require(grant, heardAll)).rejects.toMatchObject({ code: 'service_unavailable' });
  expect(asked).toEqual([4]);
  const whole = judging([], [event('call.ringing', 5)]);
  await whole.admission.require(grant, heardAll);
  await whole.admission.require(grant, heardAll);
  expect(whole.asked).toEqual([4]);
});

test('while not all that happened was heard, its owner is asked of a call though its events were heard, unless its end was', async () => {
  const fresh = { isAllHeard: false };
  const { admission, asked } = judging([event('call.dialed', 1), event('call.ringing', 4)], [event('call.hung_up', 5, departed)]);
  await expect(admission.require(grant, fresh)).rejects.toMatchObject({ code: 'room_closed' });
  await expect(admission.require(grant, fresh)).rejects.toMatchObject({ code: 'room_closed' });
  expect(asked, 'what is over stays over').toEqual([4]);
  const [goesOn, cannotAsk] = [judging([event('call.ringing', 4)], []), judging([event('call.ringing', 4)])];
  await goesOn.admission.require(grant, fresh);
  await expect(cannotAsk.admission.require(grant, fresh)).rejects.toMatchObject({ code: 'service_unavailable' });
});

test('nobody is let in on a guess while the calls service cannot be asked', async () => {
  await expect(judging([]).admission.require(grant, heardAll)).rejects.toMatchObject({ code: 'service_unavailable' });
});

test('who leaves while being let in is known to have left', async () => {
  const { admission, hear } = judging([event('call.dialed', 1)]);
  await admission.require(grant, heardAll);
  hear(event('call.kicked', 5, { userAlias: 'ben', by: 'ann' }));
  expect(() => admission.requireStill(grant)).toThrow(ProblemError);
});
