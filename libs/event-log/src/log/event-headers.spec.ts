import type { AnyEvent } from '@communication-center/contracts';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { fromMessage, glimpseOf, toMessage } from './event-headers.js';

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

test('who is concerned is said beside the event, and is no part of it', () => {
  const aliases = fc.array(
    fc.string({ minLength: 1, unit: 'binary' }).filter((alias) => alias.isWellFormed()),
    { maxLength: 9 },
  );
  fc.assert(
    fc.property(aliases, (audience) => {
      const event = anEvent({ audience, userAlias: 'ann' }, 3);
      const message = overTheWire(toMessage('c1', event));
      expect(glimpseOf(message)).toEqual({ appid: 'demo', subject: 'c1', sequence: 3, type: 'call.ended', concerned: audience });
      expect(fromMessage(message)).toEqual(event);
    }),
  );
  const presence = { ...anEvent({ userAlias: 'ann' }, 3), type: 'presence.changed' } as AnyEvent;
  expect(glimpseOf(overTheWire(toMessage('demo/ann', presence)))?.concerned).toEqual(['ann']);
});

test('a message does not say whom it concerns where the audience is large, or nobody knows', () => {
  const crowd = Array.from({ length: 60 }, (_, number) => `somebody-with-a-name-${number}`);
  for (const data of [{ audience: crowd }, { userAlias: 'ann' }, {}, null, 'text', { audience: 'ann' }, { audience: [1] }])
    expect(glimpseOf(overTheWire(toMessage('c1', anEvent(data, 1))))).toBeUndefined();
  expect(glimpseOf(overTheWire(toMessage('c1', null)))).toBeUndefined();
});

test('a header that is at fault says nothing, whatever it holds', () => {
  const { value, headers } = toMessage('c1', anEvent({ audience: ['ann'] }, 1));
  for (const broken of [
    { concerned: 'ann' },
    { concerned: '{}' },
    { ce_sequence: 'x' },
    { ce_sequence: undefined },
    { ce_appid: undefined },
  ])
    expect(glimpseOf({ value, headers: { ...headers, ...broken } })).toBeUndefined();
});

/** As a consumer gets it: header values are bytes. */
function overTheWire({ value, headers }: ReturnType<typeof toMessage>) {
  return { value, headers: Object.fromEntries(Object.entries(headers).map(([name, text]) => [name, Buffer.from(String(text))])) };
}

test.each([
  ['too many headers', { headers: Object.fromEntries(Array.from({ length: 65 }, (_, n) => [`x${n}`, 'y'])) }],
  ['an attribute without an end', { headers: { ce_subject: 'x'.repeat(4097) } }],
  ['data nested without end', { value: Buffer.from('{"a":'.repeat(50_000)) }],
  ['data of too many values', { value: Buffer.from(`[${'0,'.repeat(300_000)}0]`) }],
])('%s is the fault of its message, told as such, and nobody’s else', (_what, odd) => {
  const message = toMessage('c1', anEvent({}, 1));
  const read = () => fromMessage({ value: odd.value ?? message.value, headers: { ...message.headers, ...odd.headers } });
  expect(read).toThrow(RangeError);
});

test('the deepest event that was ever let in is still read: 4 KiB of custom data, all of them brackets', () => {
  const customData = JSON.parse(`${'{"a":'.repeat(680)}1${'}'.repeat(680)}`) as object;
  const { value, headers } = toMessage('c1', anEvent({ customData }, 1));
  expect(fromMessage({ value, headers })).toMatchObject({ data: { customData } });
});

test('whatever bytes a message has, it is read or refused', () => {
  const bytes = fc.oneof(
    fc.uint8Array({ maxLength: 60 }),
    fc.string().map((text) => Buffer.from(text)),
    fc.json().map((text) => Buffer.from(text)),
  );
  const names = fc.constantFrom('ce_id', 'ce_sequence', 'ce_appid', 'ce_subject', 'ce___proto__', 'ce_constructor', 'concerned', '', 'ce_');
  fc.assert(
    fc.property(bytes, fc.array(fc.tuple(names, bytes), { maxLength: 12 }), (value, headers) => {
      const message = {
        value: Buffer.from(value),
        headers: {
          ...toMessage('c1', anEvent({}, 1)).headers,
          ...Object.fromEntries(headers.map(([name, one]) => [name, Buffer.from(one)])),
        },
      };
      try {
        fromMessage(message);
      } catch (error) {
        expect(['SyntaxError', 'RangeError', 'ZodError', '$ZodError']).toContain((error as Error).name);
      }
      expect(() => glimpseOf(message)).not.toThrow();
    }),
    { numRuns: 1000 },
  );
});
