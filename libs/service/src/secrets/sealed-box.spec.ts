/*
 * What was sealed opens for its owner alone, names its key, and opens for as long as that key is kept: also what was sealed before keys
 * had ids.
 */
import { randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import { KeyRing } from './key-ring.js';
import { headerOf, SealedBox } from './sealed-box.js';

const [first, second] = [
  { id: '2025-12', bytes: randomBytes(32) },
  { id: '2026-11', bytes: randomBytes(32) },
];
const boxOf = (...keys: { id?: string; bytes: Buffer }[]) => new SealedBox(new KeyRing(keys));
const box = boxOf(first);

test('what was sealed opens for its owner alone, and with its key alone', () => {
  const sealed = box.seal('row-1', 'whsec_secret');
  expect(box.open('row-1', sealed)).toBe('whsec_secret');
  expect(() => box.open('row-2', sealed)).toThrow('for this owner');
  expect(() => boxOf(second).open('row-1', sealed)).toThrow('the key 2025-12, which it names, is not here');
});

test('a changed byte does not open, be it of the text or of the key that is named', () => {
  for (const at of [0, 4, 5, 8, 20, 30, -1]) {
    const sealed = box.seal('row-1', 'whsec_secret');
    const index = at < 0 ? sealed.length + at : at;
    sealed[index] = (sealed[index] ?? 0) ^ 1;
    expect(() => box.open('row-1', sealed)).toThrow('does not open');
  }
});

test('what is no sealed secret at all does not open', () => {
  for (const junk of ['', 'x', 'cck1', 'cck1\u00ff', 'cck1\u0007'])
    expect(() => box.open('row-1', Buffer.from(junk))).toThrow('does not open');
});

test('a value names the key that is first; a key that is added behind it opens what another replica seals with that one first', () => {
  const [before, after] = [boxOf(first, second), boxOf(second, first)];
  const [old, fresh] = [before.seal('row', 'a'), after.seal('row', 'b')];
  expect(old.subarray(0, 12).toString()).toBe('cck1\u00072025-12');
  expect(fresh.subarray(0, 12).toString()).toBe('cck1\u00072026-11');
  for (const replica of [before, after]) expect([replica.open('row', old), replica.open('row', fresh)]).toEqual(['a', 'b']);
  // The first key is gone: what it sealed is gone with it, and nothing else.
  expect(boxOf(second).open('row', fresh)).toBe('b');
  expect(() => boxOf(second).open('row', old)).toThrow('is not here');
});

test('while a key gets its id, replicas that know it without one, or by another, open what the others seal', () => {
  const replicas = [boxOf({ bytes: first.bytes }), box, boxOf({ id: 'renamed', bytes: first.bytes })];
  for (const one of replicas) for (const other of replicas) expect(other.open('row', one.seal('row', 'a'))).toBe('a');
});

test('two keys that were given the same id at different times are not taken for each other', () => {
  const sealed = boxOf({ id: 'key', bytes: first.bytes }).seal('row', 'a');
  expect(boxOf({ id: 'key', bytes: second.bytes }, { id: 'old', bytes: first.bytes }).open('row', sealed)).toBe('a');
});

test('a key without an id seals as the first release did, which may run beside this one and opens nothing else', () => {
  expect(headerOf(new KeyRing([{ bytes: first.bytes }]).current)).toHaveLength(0);
  // Nonce, tag and text, and nothing before them.
  expect(boxOf({ bytes: first.bytes }).seal('row', 'abc')).toHaveLength(12 + 16 + 3);
});

test('what the first release sealed opens with whichever of the keys it was', () => {
  const key = { id: 'old', bytes: Buffer.alloc(32, 7) };
  // Written by the release of 2026-11-27.
  const written = ['CQkJCQkJCQkJCQkJzzpe/0D25ZCpFNrCuuJlRFDt9/Hdr6MExg25XQ==', 'AQMDAwMDAwMDAwMDd/gGdxTkXuxsKnabJd8GVF0pxNSelM2NN18s0w=='];
  for (const sealed of written.map((text) => Buffer.from(text, 'base64'))) {
    for (const ring of [boxOf({ bytes: key.bytes }), boxOf(key), boxOf(first, key)])
      expect(ring.open('row-1', sealed)).toBe('whsec_before');
    expect(() => box.open('row-1', sealed)).toThrow('does not open');
    expect(() => boxOf(key).open('row-2', sealed)).toThrow('does not open');
  }
});
