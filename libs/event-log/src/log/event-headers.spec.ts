import type { AnyEvent } from '@communication-center/contracts';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { fromMessage, toMessage } from './event-headers.js';

const anEvent = (data: unknown, sequence: number) =>
  ({
    specversion: '1.0',
    id: 'b7d1',
    source: '/calls',
    type: 'call.ended',
    time: '2026-01-01T00:00:00.000Z',
    subject: 'c1',
    callid: 'c1',
    appid: 'demo',
    sequence,
    dataversion: 1,
    data,
  }) as unknown as AnyEvent;

test('an event comes back from its message as it went in, extension attributes included', () => {
  fc.assert(
    fc.property(fc.jsonValue({ noNegativeZero: true } as never), fc.integer({ min: 1, max: 2 ** 31 }), (data, sequence) => {
      const event = anEvent(JSON.parse(JSON.stringify(data)), sequence);
      const { value, headers } = toMessage('c1', event);
      expect(fromMessage({ value, headers })).toEqual(event);
    }),
  );
});

test('attributes are headers with the prefix of the CloudEvents Kafka binding', () => {
  const { headers } = toMessage('c1', anEvent({}, 7));
  expect(headers).toMatchObject({
    ce_specversion: '1.0',
    ce_type: 'call.ended',
    ce_callid: 'c1',
    ce_sequence: '7',
    'content-type': 'application/json',
  });
});

test('a tombstone is no event', () => {
  expect(fromMessage({ value: toMessage('c1', null).value, headers: {} })).toBeNull();
});

test('a message that is no CloudEvent is refused', () => {
  expect(() => fromMessage({ value: Buffer.from('{}'), headers: { ce_type: 'call.ended' } })).toThrow();
  expect(() => fromMessage({ value: Buffer.from('not json'), headers: {} })).toThrow();
});
