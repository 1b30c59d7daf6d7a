/*
 * Whoever left a call does not get in again with a token from before; one that was given later lets him in.
 */
import type { AnyEvent, AppId, CallId, DeviceId, UserAlias } from '@communication-center/contracts';
import type { Postgres } from '@communication-center/service';
import { expect, test } from 'vitest';
import type { Grant } from '../credentials/media-tokens.js';
import { asDeparture, Departures } from './departures.js';

const callId = '019b7777-0000-7000-8000-000000000001';
const event = (type: string, data: object = {}, sequence = 5) =>
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
const kicked = { userAlias: 'ben', deviceId: 'sofa', by: 'ann', reason: 'kicked' };

test.each([
  ['hung up', event('call.hung_up', { userAlias: 'ben', deviceId: 'sofa', reason: 'hung_up' })],
  ['left', event('call.left', { userAlias: 'ben', deviceId: 'sofa', reason: 'connection_lost' })],
  ['was kicked', event('call.kicked', kicked)],
])('who %s has departed', (_how, told) => {
  expect(asDeparture(told)).toMatchObject({ sequence: 5, data: { userAlias: 'ben' } });
});

test('nothing else is a departure: a call that has ended closes its room, for all', () => {
  expect(asDeparture(event('call.ringing', { userAlias: 'ben', deviceId: 'sofa' }))).toBeUndefined();
  expect(asDeparture(event('call.ended', { reason: 'hung_up', talkSeconds: 1 }))).toBeUndefined();
  expect(asDeparture(event('call.of_a_later_release', { userAlias: 'ben' }))).toBeUndefined();
});

/** A database that answers with so many rows, and notes what it was asked. */
function answering(rowCount: number) {
  const asked: unknown[][] = [];
  const query = async (_text: string, values: unknown[]) => {
    asked.push(values);
    return { rowCount };
  };
  return { departures: new Departures({ query } as unknown as Postgres), asked };
}

const grant: Grant = {
  appId: 'demo' as AppId,
  callId: callId as CallId,
  userAlias: 'ben' as UserAlias,
  deviceId: 'sofa' as DeviceId,
  generation: 1,
  sequence: 4,
};

test('a token is judged by how far the call was when it was given', async () => {
  const { departures, asked } = answering(0);
  await departures.requirePresent(grant);
  expect(asked).toEqual([[callId, 'ben', 4]]);
  await expect(answering(1).departures.requirePresent(grant)).rejects.toMatchObject({ code: 'room_closed' });
});

test('departures are noted together, and nothing is asked where there are none', async () => {
  const { departures, asked } = answering(0);
  await departures.note([]);
  expect(asked).toEqual([]);
  const told = [event('call.kicked', kicked, 5), event('call.kicked', { ...kicked, userAlias: 'ann' }, 6)];
  await departures.note(told.flatMap((one) => asDeparture(one) ?? []));
  expect(asked).toEqual([
    [
      [callId, callId],
      ['ben', 'ann'],
      [5, 6],
    ],
  ]);
});
