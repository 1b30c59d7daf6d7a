/*
 * A cursor is good for the question it was given for, and nothing that anybody makes up is good for any.
 */
import { cursorSchema } from '@communication-center/contracts';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { readCursor, writeCursor } from './cursors.js';

const place = z.tuple([z.string().min(1), z.uuid()]);
const question = { list: 'calls', appId: 'shop', userAlias: null };
const callId = '01890000-0000-7000-8000-000000000000';

test('what was written is read back, whatever the place is called, and passes the schema of cursors', () => {
  fc.assert(
    fc.property(fc.string({ minLength: 1, maxLength: 128, unit: 'grapheme' }), fc.uuid(), (name, id) => {
      const cursor = writeCursor(question, [name, id]);
      expect(cursorSchema.parse(cursor)).toBe(cursor);
      expect(readCursor(question, place, cursor)).toEqual([name, id]);
    }),
  );
});

test('a question that says nothing of a filter is the same as one that says null', () => {
  const cursor = writeCursor({ appId: 'shop', list: 'calls' }, ['a', callId]);
  expect(readCursor(question, place, cursor)).toEqual(['a', callId]);
});

test.each([
  ['of another app', { ...question, appId: 'other' }],
  ['of another user', { ...question, userAlias: 'bob' }],
  ['of another list', { ...question, list: 'presence' }],
  ['of another filter', { ...question, status: 'ended' }],
])('one %s is refused by name', (_of, asked) => {
  const cursor = writeCursor(asked, ['a', callId]);
  expect(() => readCursor(question, place, cursor)).toThrow(
    expect.objectContaining({ code: 'invalid_request', fields: [expect.objectContaining({ field: 'cursor' })] }),
  );
});

test('nothing that is made up is read, and nothing of it ends in another error', () => {
  const good = writeCursor(question, ['a', callId]);
  const mutated = fc
    .tuple(fc.nat(good.length), fc.nat(4), fc.string({ maxLength: 4 }))
    .map(([at, gone, put]) => good.slice(0, at) + put + good.slice(at + gone));
  const made = fc.oneof(
    mutated,
    fc.string(),
    fc.json().map((json) => Buffer.from(json).toString('base64url')),
    fc.uint8Array({ maxLength: 80 }).map((bytes) => Buffer.from(bytes).toString('base64url')),
  );
  fc.assert(
    fc.property(made, (cursor) => {
      try {
        expect(place.safeParse(readCursor(question, place, cursor)).success).toBe(true);
      } catch (error) {
        expect(error).toMatchObject({ code: 'invalid_request' });
      }
    }),
    { numRuns: 1000 },
  );
});
