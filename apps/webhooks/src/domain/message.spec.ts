/* What a receiver is sent of an event, and to whom notices go. */
import type { AnyEvent } from '@communication-center/contracts';
import { expect, test } from 'vitest';
import { laneCount, laneOf } from '../messages/lane-of.js';
import { bodyOf, messageOf } from './message.js';
import { wanted } from './wanted.js';

const event = {
  specversion: '1.0',
  id: '00000000-0000-7000-8000-000000000001',
  source: '/calls',
  time: '2026-11-28T00:00:00.000Z',
  subject: 'call-1',
  appid: 'app',
  sequence: 3,
  dataversion: 1,
  type: 'call.ended',
  data: { reason: 'hung_up' },
} as unknown as AnyEvent;

test('a body tells what happened, of which call, in which place of the call and of the log', () => {
  expect(JSON.parse(bodyOf({ ...messageOf(event), position: 7 }))).toEqual({
    type: 'call.ended',
    timestamp: '2026-11-28T00:00:00.000Z',
    data: { appId: 'app', callId: 'call-1', sequence: 3, position: 7, occurredAt: '2026-11-28T00:00:00.000Z', reason: 'hung_up' },
  });
});

test('an endpoint is not told of its own troubles, and another is', () => {
  const notice = { ...messageOf(event), type: 'endpoint.disabled', subject: 'one' };
  expect(wanted({ endpointId: 'one', eventTypes: ['endpoint.*'], filters: {} }, notice, undefined)).toBe(false);
  expect(wanted({ endpointId: 'other', eventTypes: ['endpoint.*'], filters: {} }, notice, undefined)).toBe(true);
});

test('apps are spread over all lanes', () => {
  const lanes = new Set(Array.from({ length: 1000 }, (_, number) => laneOf(`app-${number}`)));
  expect([...lanes].every((lane) => lane >= 0 && lane < laneCount)).toBe(true);
  expect(lanes.size).toBe(laneCount);
});
