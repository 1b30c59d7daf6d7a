/* What is taken for plain is what the schema takes, whatever it is. */
import { anyEventSchema } from '@communication-center/contracts';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { isPlainEnvelope } from './plain-envelope.js';

const good = {
  ...{ specversion: '1.0', id: 'one', source: '/calls', type: 'call.dialed', time: '2026-02-28T23:59:59.123Z', subject: 'a-call' },
  ...{ appid: 'demo', sequence: 1, dataversion: 1, traceparent: undefined as string | undefined },
};

test('an event as the Center writes it is plain', () => {
  expect(isPlainEnvelope(good)).toBe(true);
  expect(isPlainEnvelope({ ...good, traceparent: '00-0-0-01', callid: 'a-call' })).toBe(true);
});

test('whatever is in an attribute, what is plain is what the schema takes', () => {
  const two = fc.integer({ min: 0, max: 99 }).map((number) => String(number).padStart(2, '0'));
  const time = fc
    .tuple(two, two, two, two, two)
    .map(([month, day, hour, minute, second]) => `2026-${month}-${day}T${hour}:${minute}:${second}.000Z`);
  const odd = fc.oneof(
    fc.string(),
    fc.integer(),
    fc.double(),
    fc.constantFrom('', null, undefined, Number.NaN, 'demo', '1.0', '-demo', 'x'.repeat(64)),
    time,
  );
  fc.assert(
    fc.property(fc.constantFrom(...Object.keys(good)), odd, time, (name, value, at) => {
      const event = { ...good, time: at, [name]: value };
      if (isPlainEnvelope(event)) expect(anyEventSchema.safeParse({ ...event, data: {} }).success).toBe(true);
    }),
    { numRuns: 3000 },
  );
});
