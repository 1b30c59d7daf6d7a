/*
 * A text goes in parts that hold what a phone shows, all of it and in order; and in no more of them than its alphabet asks for.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { addressOf, mostParts, partHeader, partsOfSms } from './sms-text.js';

test('parts together are the text, none is too long for one SMS, and none ends within a character', () => {
  const some = fc.oneof(
    fc.string({ maxLength: 300, unit: 'grapheme' }),
    fc.string({ maxLength: 700, unit: fc.constantFrom(...'ab €[]äß漢😀') }),
  );
  fc.assert(
    fc.property(some, (raw) => {
      const text = raw.replaceAll(/\p{Cc}/gu, ' ').trim();
      const sms = partsOfSms(text);
      if (!sms) return expect(text.length).toBeGreaterThan(67 * mostParts - 10);
      expect(sms.parts.join('')).toBe(text);
      for (const part of sms.parts) {
        const places =
          sms.alphabet === 'ucs2' ? part.length : [...part].reduce((sum, one) => sum + ('^{}\\[~]|€'.includes(one) ? 2 : 1), 0);
        const most = { gsm7: [160, 153], ucs2: [70, 67] }[sms.alphabet][sms.parts.length === 1 ? 0 : 1];
        expect(places).toBeLessThanOrEqual(most ?? 0);
        expect(part.isWellFormed()).toBe(true);
      }
    }),
  );
});

test('160 letters of the GSM alphabet are one SMS, of others 70; an euro sign takes two places', () => {
  expect(partsOfSms('a'.repeat(160))).toEqual({ alphabet: 'gsm7', parts: ['a'.repeat(160)] });
  expect(partsOfSms('a'.repeat(161))?.parts.map(({ length }) => length)).toEqual([153, 8]);
  expect(partsOfSms('€'.repeat(81))?.parts.map(({ length }) => length)).toEqual([76, 5]);
  expect(partsOfSms('ж'.repeat(71))).toMatchObject({ alphabet: 'ucs2', parts: ['ж'.repeat(67), 'ж'.repeat(4)] });
  expect(partsOfSms('ж'.repeat(671))).toBeUndefined();
});

test('a part says which of how many it is', () => {
  expect(partHeader(0x1ff, 1, 0)).toBeUndefined();
  expect([...(partHeader(0x1ff, 3, 1) ?? [])]).toEqual([5, 0, 3, 0xff, 3, 2]);
});

test('a sender is a number, a short code or a name', () => {
  expect(addressOf('+4915112345678')).toEqual({ ton: 1, npi: 1, address: '4915112345678' });
  expect(addressOf('72345')).toMatchObject({ ton: 3, npi: 0 });
  expect(addressOf('Shop')).toMatchObject({ ton: 5, npi: 0, address: 'Shop' });
});
