import { describe, expect, test } from 'vitest';
import {
  appBodySchema,
  callListQuerySchema,
  createCallBodySchema,
  declineCallBodySchema,
  endpointBodySchema,
  presenceListQuerySchema,
  unknownFields,
  userBodySchema,
  userPatchSchema,
  userTokenBodySchema,
} from './index.js';

const named = (fields: { field: string; message: string }[]) => fields.map(({ field, message }) => [field, message.split(': ').at(-1)]);

describe('a field that a schema does not have is named, with the nearest that it has', () => {
  test.each([
    [createCallBodySchema, { callees: ['bob'], calltype: 'audio_only' }, 'calltype', 'callType'],
    [createCallBodySchema, { callees: ['bob'], ring_seconds: 20 }, 'ring_seconds', 'ringSeconds'],
    [createCallBodySchema, { callee: ['bob'] }, 'callee', 'callees'],
    [userBodySchema, { mail: 'bob@example.com' }, 'mail', 'email'],
    [appBodySchema, { name: 'shop', options: { ringSecond: 20 } }, 'options.ringSecond', 'ringSeconds'],
    [callListQuerySchema, { useralias: 'bob' }, 'useralias', 'userAlias'],
    [callListQuerySchema, { user: 'bob' }, 'user', 'userAlias'],
    [endpointBodySchema, { url: 'https://example.com', events: ['call.*'] }, 'events', 'eventTypes'],
    [userTokenBodySchema, { userAlias: 'bob', expiresIn: 60 }, 'expiresIn', 'expiresInSeconds'],
    [userPatchSchema, { do_not_disturb: true }, 'do_not_disturb', 'doNotDisturb'],
    [userBodySchema, { fullName: 'Robert' }, 'fullName', 'name'],
    [presenceListQuerySchema, { statuses: 'busy' }, 'statuses', 'status'],
    [declineCallBodySchema, { raison: 'busy' }, 'raison', 'reason'],
  ])('%#', (schema, input, field, nearest) => {
    expect(named(unknownFields(schema, input))).toEqual([[field, nearest]]);
  });
});

test('every one of them is named', () => {
  expect(unknownFields(createCallBodySchema, { callees: ['bob'], one: 1, two: 2 }).map(({ field }) => field)).toEqual(['one', 'two']);
});

test('free data is the integrator’s own, and what is no object has no fields', () => {
  expect(unknownFields(createCallBodySchema, { callees: ['bob'], customData: { any: { thing: 1 } } })).toEqual([]);
  for (const input of [undefined, null, 'text', 7, ['callees']]) expect(unknownFields(createCallBodySchema, input)).toEqual([]);
});

test('a field named as what every object has is unknown as any other', () => {
  expect(unknownFields(userBodySchema, JSON.parse('{"__proto__": 1, "constructor": 2}')).map(({ field }) => field)).toEqual([
    '__proto__',
    'constructor',
  ]);
});

test('a name as long as a body may be, or thousands of names, cost no time', () => {
  // What grows with the square of either would take minutes.
  const many = Object.fromEntries(Array.from({ length: 40_000 }, (_, index) => [`f${index}`, 1]));
  expect(unknownFields(userBodySchema, many)).toHaveLength(20);
  expect(unknownFields(userBodySchema, { ['x'.repeat(200_000)]: 1 })).toHaveLength(1);
}, 20_000);
