import { describe, expect, test } from 'vitest';
import { type CallState, callEventSchema, customDataSchema, deviceIdSchema, foldCallEvent, foldVersion, userAliasSchema } from './index.js';
import recorded from './recorded-calls.json' with { type: 'json' };

describe('a user alias', () => {
  test.each(['alice', 'usr_1234566789', 'Zoë Müller', '田中', 'a/b?c#d', '👩‍🚒', 'x'.repeat(128)])('may be %s', (alias) => {
    expect(userAliasSchema.safeParse(alias).success).toBe(true);
  });

  test.each(['', ' alice', 'alice ', 'a\nb', 'a\u0000b', 'x'.repeat(129), '\ud800'])('may not be %j', (alias) => {
    expect(userAliasSchema.safeParse(alias).success).toBe(false);
  });
});

test('a device id is plain text without blanks', () => {
  expect(deviceIdSchema.safeParse('0b7f-web:1.2_x').success).toBe(true);
  expect(deviceIdSchema.safeParse('my phone').success).toBe(false);
});

test('custom data is bounded in bytes, not in characters', () => {
  expect(customDataSchema.safeParse({ note: 'x'.repeat(4000) }).success).toBe(true);
  expect(customDataSchema.safeParse({ note: 'ü'.repeat(2100) }).success).toBe(false);
});

/** Histories as they were once written. They fold for ever: a change that breaks one breaks a log that exists. */
describe.each(recorded)('the recorded call "$name"', ({ events, folded }) => {
  const parsed = events.map((event) => callEventSchema.parse(event));

  test('still parses and folds to what it meant', () => {
    expect(parsed.reduce<CallState | undefined>(foldCallEvent, undefined)).toEqual(folded);
  });

  test('folds to the same when its events are repeated', () => {
    const repeated = parsed.flatMap((event, index) => [...parsed.slice(Math.max(0, index - 1), index), event]);
    expect(repeated.reduce<CallState | undefined>(foldCallEvent, undefined)).toEqual(folded);
  });
});

test('states that are kept are folded anew when the fold makes something else of the same events', async () => {
  const states = recorded.flatMap(({ events }) => {
    let call: CallState | undefined;
    return events.map((event) => {
      call = foldCallEvent(call, callEventSchema.parse(event));
      return call;
    });
  });
  const hash = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(JSON.stringify(states)));
  const digest = Buffer.from(hash).toString('hex').slice(0, 12);
  expect({ foldVersion, digest }, 'raise foldVersion, then note the new digest here').toEqual({ foldVersion: 5, digest: '970fb907573e' });
});

test('an event of a newer release is refused, not misread', () => {
  const [first] = recorded[0]?.events ?? [];
  expect(callEventSchema.safeParse({ ...first, dataversion: 2 }).error?.issues[0]?.message).toContain('newer release');
});

test('a history without its beginning is refused', () => {
  const [, second] = (recorded[0]?.events ?? []).map((event) => callEventSchema.parse(event));
  expect(() => foldCallEvent(undefined, second as never)).toThrow('before its call.dialed');
});
