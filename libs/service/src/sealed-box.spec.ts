import { randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import { SealedBox } from './sealed-box.js';

const box = new SealedBox(randomBytes(32).toString('base64'));

test('what was sealed opens for its owner alone, and with its key alone', () => {
  const sealed = box.seal('row-1', 'whsec_secret');
  expect(box.open('row-1', sealed)).toBe('whsec_secret');
  expect(() => box.open('row-2', sealed)).toThrow();
  expect(() => new SealedBox(randomBytes(32).toString('base64')).open('row-1', sealed)).toThrow();
});

test('a changed byte does not open', () => {
  const sealed = box.seal('row-1', 'whsec_secret');
  sealed[sealed.length - 1] = (sealed.at(-1) ?? 0) ^ 1;
  expect(() => box.open('row-1', sealed)).toThrow();
});
