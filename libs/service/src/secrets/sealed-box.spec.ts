/*
 * What was sealed opens for its owner alone, names its key, and opens for as long as that key is kept: also what was sealed before keys
 * had names.
 */
import { randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import { KeyRing } from './key-ring.js';
import { headerOf, SealedBox } from './sealed-box.js';

const [first, second] = [randomBytes(32), randomBytes(32)];
const boxOf = (...keys: Buffer[]) => new SealedBox(new KeyRing(keys));
const box = boxOf(first);

test('what was sealed opens for its owner alone, and with its key alone', () => {
  const sealed = box.seal('row-1', 'whsec_secret');
  expect(box.open('row-1', sealed)).toBe('whsec_secret');
  expect(() => box.open('row-2', sealed)).toThrow('for this owner');
  expect(() => boxOf(second).open('row-1', sealed)).toThrow(`the key ${new KeyRing([first]).current.id}, which it names, is not here`);
});

test('a changed byte does not open, be it of the text or of the key that is named', () => {
  for (const at of [0, 2, 8, 20, -1]) {
    const sealed = box.seal('row-1', 'whsec_secret');
    const index = at < 0 ? sealed.length + at : at;
    sealed[index] = (sealed[index] ?? 0) ^ 1;
    expect(() => box.open('row-1', sealed)).toThrow('does not open');
  }
});

test('what is no sealed secret at all does not open', () => {
  for (const junk of ['', 'x', '\u0001abcd']) expect(() => box.open('row-1', Buffer.from(junk))).toThrow('does not open');
});

test('a value names the key that is first; a key that is added behind it opens what another replica seals with that one first', () => {
  const before = boxOf(first, second);
  const after = boxOf(second, first);
  const [old, fresh] = [before.seal('row', 'a'), after.seal('row', 'b')];
  expect(old.subarray(0, 5)).toEqual(headerOf(new KeyRing([first]).current.id));
  expect(fresh.subarray(0, 5)).toEqual(headerOf(new KeyRing([second]).current.id));
  for (const replica of [before, after]) expect([replica.open('row', old), replica.open('row', fresh)]).toEqual(['a', 'b']);
  // The first key is gone: what it sealed is gone with it, and nothing else.
  expect(boxOf(second).open('row', fresh)).toBe('b');
  expect(() => boxOf(second).open('row', old)).toThrow('is not here');
});

test('what an earlier release sealed, without naming a key, opens with whichever of the keys it was, however its nonce begins', () => {
  const key = Buffer.alloc(32, 7);
  // Written by the release of 2026-11-27; the second one's nonce begins as a header does.
  const written = ['CQkJCQkJCQkJCQkJzzpe/0D25ZCpFNrCuuJlRFDt9/Hdr6MExg25XQ==', 'AQMDAwMDAwMDAwMDd/gGdxTkXuxsKnabJd8GVF0pxNSelM2NN18s0w=='];
  for (const sealed of written.map((text) => Buffer.from(text, 'base64'))) {
    for (const ring of [boxOf(key), boxOf(first, key)]) expect(ring.open('row-1', sealed)).toBe('whsec_before');
    expect(() => box.open('row-1', sealed)).toThrow('does not open');
    expect(() => boxOf(key).open('row-2', sealed)).toThrow('does not open');
  }
});
