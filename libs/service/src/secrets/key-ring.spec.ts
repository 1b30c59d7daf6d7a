/*
 * A ring uses its first key and believes the others; what it signs says by which. How it is written must be plain to whoever
 * writes it for the first time.
 */
import { randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import { z } from 'zod';
import { KeyRing, keyRingSetting } from './key-ring.js';

const [first, second] = [randomBytes(32), randomBytes(32)];
const text = (...keys: Buffer[]) => keys.map((key) => key.toString('base64')).join(', ');

test('the first key is used, and each is found by its id, which is the same wherever the key stands', () => {
  const [one, other] = [KeyRing.parse(text(first, second)), KeyRing.parse(text(second, first))];
  expect(one.current.bytes).toEqual(first);
  expect(other.byId(one.current.id)?.bytes).toEqual(first);
  expect(one.current.id).toMatch(/^[0-9a-f]{8}$/);
  expect(one.byId('00000000')).toBeUndefined();
});

test('a signature is believed by every ring that has its key, and by no other', () => {
  const [before, after] = [new KeyRing([first, second]), new KeyRing([second, first])];
  const signature = before.sign('a nonce');
  expect(signature.startsWith(`${before.current.id}.`)).toBe(true);
  expect(after.isSigned('a nonce', signature)).toBe(true);
  expect(new KeyRing([second]).isSigned('a nonce', signature)).toBe(false);
  expect(after.isSigned('another', signature)).toBe(false);
});

test('nothing else is a signature, whatever it looks like', () => {
  const ring = new KeyRing([first, second]);
  const [id = '', mac = ''] = ring.sign('x').split('.');
  for (const made of [
    '',
    '.',
    id,
    `${id}.`,
    mac,
    `.${mac}`,
    `${id}.${mac}.`,
    `${id}.${mac}x`,
    `${id}.${mac.slice(1)}`,
    `${id}.${'é'.repeat(mac.length)}`,
  ])
    expect(ring.isSigned('x', made), made).toBe(false);
  const other = ring.all[1]?.id ?? '';
  expect(ring.isSigned('x', `${other}.${mac}`)).toBe(false);
});

test('a setting takes one key or several, and says what is wrong with any other text', () => {
  const setting = keyRingSetting(32);
  expect(setting.parse(text(first)).all).toHaveLength(1);
  expect(setting.parse(text(first, second)).all).toHaveLength(2);
  for (const wrong of ['', ',', `${text(first)},`, text(randomBytes(16)), text(first, randomBytes(33)), `new:${text(first)}`]) {
    const { error } = setting.safeParse(wrong);
    expect(error && z.prettifyError(error)).toContain('must be 32 bytes in base64, or several of these, separated by commas');
  }
  expect(keyRingSetting(32, { orMore: true }).safeParse(text(randomBytes(48))).success).toBe(true);
  expect(keyRingSetting(32, { orMore: true }).safeParse(text(randomBytes(31))).success).toBe(false);
});
