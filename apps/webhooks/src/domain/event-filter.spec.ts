import fc from 'fast-check';
import { expect, test } from 'vitest';
import { needsCallFacts, type Told, wants, wantsType } from './event-filter.js';

const dial = { callType: 'audio_video' as const, customData: { order: 4711, kind: 'sale', note: null, nested: { a: 1 } } };
const ended: Told = { type: 'call.ended', data: { audience: ['alice', 'bob'], reason: 'hung_up' }, call: dial };
const presence: Told = { type: 'presence.changed', data: { userAlias: 'alice' }, call: undefined };
const noted: Told = { type: 'audit.noted', data: { target: 'alice' }, call: undefined };
const asked = (filters: object, told: Told, eventTypes = ['*']) => wants({ eventTypes, filters }, told);

test('an endpoint gets the types it asked for', () => {
  expect(wantsType(['call.*'], 'call.ended')).toBe(true);
  expect(wantsType(['call.ended'], 'call.ended')).toBe(true);
  expect(wantsType(['call.ended'], 'call.dialed')).toBe(false);
  expect(wantsType(['presence.*'], 'call.ended')).toBe(false);
  expect(wantsType(['*'], 'presence.changed')).toBe(true);
  expect(wantsType(['call.upgrade_*'], 'call.upgrade_refused')).toBe(true);
  expect(wantsType(['call.upgrade_*'], 'call.ended')).toBe(false);
  expect(wantsType(['call.*ed'], 'call.ended')).toBe(true);
  expect(wantsType(['call.ended.*'], 'call.ended')).toBe(false);
});

test('a pattern takes what a regular expression takes with any letters for each *', () => {
  const piece = fc.string({ unit: fc.constantFrom('a', 'b', '.'), maxLength: 4 });
  fc.assert(
    fc.property(
      fc.array(piece, { minLength: 1, maxLength: 4 }),
      fc.string({ unit: fc.constantFrom('a', 'b', '.'), maxLength: 10 }),
      (pieces, type) => {
        const expected = new RegExp(`^${pieces.map((one) => one.replaceAll('.', '\\.')).join('.*')}$`).test(type);
        expect([pieces.join('*'), type, wantsType([pieces.join('*')], type)]).toEqual([pieces.join('*'), type, expected]);
      },
    ),
    { numRuns: 2000 },
  );
});

test('a filter by users tells of calls in which one has or had a part, and of these users', () => {
  expect(asked({ userAliases: ['bob', 'carol'] }, ended)).toBe(true);
  expect(asked({ userAliases: ['carol'] }, ended)).toBe(false);
  expect(asked({ userAliases: ['alice'] }, presence)).toBe(true);
  expect(asked({ userAliases: ['bob'] }, presence)).toBe(false);
  expect(asked({ userAliases: ['bob'] }, noted), 'an act is of no user').toBe(true);
});

test('a filter by what the dial of a call said holds back its other events as well, and nothing that is of no call', () => {
  expect(asked({ callTypes: ['audio_video'] }, ended)).toBe(true);
  expect(asked({ callTypes: ['audio_only'] }, ended)).toBe(false);
  expect(asked({ callTypes: ['audio_only'] }, presence)).toBe(true);
  expect(asked({ customData: { order: 4711, note: null } }, ended)).toBe(true);
  for (const customData of [{ order: '4711' }, { order: 4711, kind: 'loan' }, { missing: null }, { toString: 'x' }])
    expect([customData, asked({ customData }, ended)]).toEqual([customData, false]);
  expect(asked({ customData: { order: 4711 } }, { ...ended, call: { ...dial, customData: undefined } })).toBe(false);
  expect(asked({ customData: { order: 1 } }, { ...ended, call: undefined }), 'of which nothing is known').toBe(true);
});

test('all of a filter must hold, and one that asks nothing holds nothing back', () => {
  expect(asked({}, ended)).toBe(true);
  expect(asked({ userAliases: ['bob'], callTypes: ['audio_only'] }, ended)).toBe(false);
  expect(asked({ userAliases: ['bob'], callTypes: ['audio_video'] }, ended, ['call.dialed'])).toBe(false);
  const needing = [{ callTypes: ['audio_only' as const] }, { customData: {} }, { userAliases: ['bob' as never] }, {}];
  expect(needing.map((filters) => needsCallFacts({ eventTypes: [], filters }))).toEqual([true, true, false, false]);
});
