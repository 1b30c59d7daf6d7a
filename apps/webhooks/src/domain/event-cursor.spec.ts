/* A cursor says what was written into it, one place has one cursor, and whatever else is shown is none: nothing throws. */
import { type AppId, appIdSchema, cursorSchema } from '@communication-center/contracts';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { readCursor, writeCursor } from './event-cursor.js';

const appIds = fc.stringMatching(/^[a-z0-9][a-z0-9_-]{0,62}$/).filter((text) => appIdSchema.safeParse(text).success) as fc.Arbitrary<AppId>;
const positions = fc.maxSafeNat();

test('a cursor says its app and its place, and passes every door that takes one', () => {
  fc.assert(
    fc.property(appIds, positions, (appId, position) => {
      const cursor = writeCursor({ appId, position });
      expect(readCursor(cursor)).toEqual({ appId, position });
      expect(cursorSchema.safeParse(cursor).success).toBe(true);
    }),
  );
});

test('two places, or two apps, have two cursors', () => {
  fc.assert(
    fc.property(appIds, positions, appIds, positions, (oneApp, one, otherApp, other) => {
      const isSame = oneApp === otherApp && one === other;
      expect(writeCursor({ appId: oneApp, position: one }) === writeCursor({ appId: otherApp, position: other })).toBe(isSame);
    }),
  );
});

test('whatever is no cursor is none: text by chance, cursors that were changed, what is nearly one', () => {
  const changed = fc
    .tuple(appIds, positions, fc.nat(200), fc.string({ minLength: 1, maxLength: 3 }))
    .map(([appId, position, at, letters]) => {
      const cursor = writeCursor({ appId, position });
      return `${cursor.slice(0, at % cursor.length)}${letters}${cursor.slice(at % cursor.length)}`;
    });
  const inside = fc.string({ maxLength: 60 }).map((text) => Buffer.from(`e.${text}`).toString('base64url'));
  fc.assert(
    fc.property(fc.oneof(fc.string(), fc.base64String(), changed, inside), (text) => {
      const read = readCursor(text);
      // What is read, however it was come by, is what its one cursor says.
      if (read) expect([writeCursor(read), Number.isSafeInteger(read.position)]).toEqual([text, true]);
    }),
    { numRuns: 2000 },
  );
  for (const text of [
    '',
    'start',
    'end',
    'e',
    '____',
    Buffer.from('e.-5.app').toString('base64url'),
    Buffer.from('e.1.APP').toString('base64url'),
  ])
    expect(readCursor(text), text).toBeUndefined();
});
