/*
 * A client reads what a Center of its own release tells as it was written, and what one of the next release tells without a
 * failure: names it does not know as they came, variants it does not know as `unknown`.
 */
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import {
  callEventSchema,
  callListSchema,
  callStateSchema,
  mediaServerFrameSchema,
  presenceSchema,
  serverFrameSchema,
  toldSchema,
} from './index.js';
import recorded from './recorded-calls.json' with { type: 'json' };

const at = '2026-01-01T00:00:00.000Z';
const callId = '019b7777-0000-7000-8000-000000000001';
const call = (more: object = {}) => ({
  status: 'connected',
  callId,
  sequence: 3,
  callType: 'audio_video',
  initiator: 'alice',
  participants: [
    { state: 'connected', userAlias: 'alice', since: at, deviceId: 'a' },
    { state: 'gone', userAlias: 'bob', at, reason: 'busy', deviceId: null },
  ],
  manyToMany: false,
  dialedAt: at,
  answeredAt: at,
  maxParticipants: 8,
  maxDurationSeconds: 60,
  ringSeconds: 60,
  customData: { any: { thing: [1, null] } },
  ...more,
});

/** Adds a field to every object inside, as any later release may. */
function grown(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(grown);
  if (typeof value !== 'object' || value === null) return value;
  const fields = Object.entries(value).map(([field, inside]) => [field, field === 'customData' ? inside : grown(inside)]);
  return { ...Object.fromEntries(fields), addedLater: { at, list: [1] } };
}

describe.each(recorded)('the recorded call "$name"', ({ events, folded }) => {
  test('is read as it was written, and the same with fields of a later release', () => {
    for (const event of events) {
      expect(toldSchema(callEventSchema).parse(event)).toEqual(callEventSchema.parse(event));
      expect(toldSchema(callEventSchema).parse(grown(event))).toEqual(callEventSchema.parse(event));
    }
    expect(toldSchema(callStateSchema).parse(grown(folded))).toEqual(callStateSchema.parse(folded));
  });
});

test('a new name is told as it came', () => {
  const told = toldSchema(callStateSchema).parse(
    call({ status: 'ended', endedAt: at, reason: 'transferred', talkSeconds: 1, callType: 'hologram' }),
  );
  expect(told).toMatchObject({ status: 'ended', reason: 'transferred', callType: 'hologram' });
});

test('a new state of a person is unknown by name, beside those who are known', () => {
  const participants = [...call().participants, { state: 'on_hold', userAlias: 'carol', since: at, heldBy: 'bob' }];
  const told = toldSchema(callStateSchema).parse(call({ participants }));
  expect(told.participants).toEqual([...call().participants, { state: 'unknown', named: 'on_hold', userAlias: 'carol' }]);
});

test('a new status of a call keeps what every call has', () => {
  const told = toldSchema(callStateSchema).parse(call({ status: 'parked', parkedIn: 'lot 7' }));
  expect(told).toMatchObject({ status: 'unknown', named: 'parked', callId, sequence: 3, participants: call().participants });
  expect(told).not.toHaveProperty('parkedIn');
});

test('an event of a new type, or with newer data, is unknown by name and keeps its envelope', () => {
  const event = { ...recorded[0]?.events[0], type: 'call.transferred', data: { to: 'carol' } };
  const { callid, sequence, time } = event;
  expect(toldSchema(callEventSchema).parse(event)).toMatchObject({ type: 'unknown', named: 'call.transferred', callid, sequence, time });
  const newer = { ...recorded[0]?.events[0], dataversion: 2 };
  expect(toldSchema(callEventSchema).parse(newer)).toMatchObject({ type: 'unknown', named: 'call.dialed', callid, sequence });
});

test('a new frame is unknown by name, on both sockets', () => {
  expect(toldSchema(serverFrameSchema).parse({ type: 'weather', degrees: 20 })).toEqual({ type: 'unknown', named: 'weather' });
  expect(toldSchema(mediaServerFrameSchema).parse({ type: 'layers' })).toEqual({ type: 'unknown', named: 'layers' });
});

test('limits and formats of texts are the writer’s', () => {
  const long = 'x'.repeat(200);
  const told = toldSchema(callStateSchema).parse(call({ initiator: long, callId: 'call:1' }));
  expect(told).toMatchObject({ initiator: long, callId: 'call:1' });
});

test('records of calls and presence are open as well', () => {
  const part = {
    userAlias: 'bob',
    role: 'observer',
    outcome: 'forwarded',
    reason: 'transferred',
    deviceId: null,
    ringSeconds: 0,
    talkSeconds: 0,
  };
  const list = { calls: [{ ...call({ status: 'parked' }), parts: [part] }], nextCursor: null };
  expect(toldSchema(callListSchema).parse(list).calls[0]).toMatchObject({ status: 'unknown', named: 'parked', parts: [part] });
  const presence = {
    userAlias: 'bob',
    status: 'out_of_office',
    doNotDisturb: false,
    version: 3,
    calls: [{ callId, state: 'held', with: [], deviceId: null }],
    devices: [{ deviceId: 'd', platform: 'watch', status: 'asleep', since: at }],
    lastSeenAt: null,
  };
  expect(toldSchema(presenceSchema).parse(presence)).toEqual(presence);
});

test('a kind of schema that nothing told has is a mistake, and said so', () => {
  expect(() => toldSchema(z.date())).toThrow('of type date');
});
