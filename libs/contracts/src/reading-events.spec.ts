/* What is asked by a query is what endpoints have as filters: said once or several times, and refused by its name where it is wrong. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { eventStreamQuerySchema, eventsQuerySchema } from './reading-events.js';

const faultsOf = (query: object) => eventsQuerySchema.safeParse(query).error?.issues.map(({ path }) => path.join('.'));

test('a filter is said once, or several times', () => {
  expect(
    eventsQuerySchema.parse({
      eventType: 'call.*',
      userAlias: ['a', 'b'],
      callType: 'audio_only',
      customData: '{"line":"sales","vip":true}',
    }),
  ).toEqual({
    eventType: ['call.*'],
    userAlias: ['a', 'b'],
    callType: ['audio_only'],
    customData: { line: 'sales', vip: true },
    limit: 100,
    wait: 0,
  });
});

test.each([
  [{ after: 'abc', since: '2026-11-28T09:30:00Z' }, ['since']],
  [{ customData: '{"line":' }, ['customData']],
  [{ customData: '{"line":{"deep":1}}' }, ['customData.line']],
  [{ customData: '[1]' }, ['customData']],
  [{ eventType: 'call ended' }, ['eventType.0']],
  [{ limit: '0' }, ['limit']],
  [{ wait: '31' }, ['wait']],
  [{ after: 'a:b' }, ['after']],
  [{ evenType: 'call.*' }, ['']],
])('%j is refused', (query, faults) => {
  expect(faultsOf(query)).toEqual(faults);
});

test('no query throws, whatever it is made of', () => {
  const names = ['eventType', 'userAlias', 'callType', 'customData', 'callId', 'payloadVersion', 'after', 'since', 'limit', 'wait'];
  const values = fc.oneof(fc.string(), fc.json(), fc.array(fc.string(), { maxLength: 3 }), fc.constant(undefined));
  fc.assert(
    fc.property(fc.dictionary(fc.constantFrom(...names), values), (query) => {
      for (const schema of [eventsQuerySchema, eventStreamQuerySchema]) schema.safeParse(query);
    }),
  );
});
