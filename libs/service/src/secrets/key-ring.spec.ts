/*
 * A ring uses its first key and believes the others; what it signs says by which. How it is written must be plain to whoever
 * writes it for the first time.
 */
import { createHmac, randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import { KeyRing, keyRingSetting } from './key-ring.js';

const [first, second] = [randomBytes(32).toString('base64'), randomBytes(32).toString('base64')];

test('the first key is used, and each is found by the id before it', () => {
  const ring = KeyRing.parse(`2026-11:${second}, 2025-12:${first}`);
  expect(ring.current).toEqual({ id: '2026-11', bytes: Buffer.from(second, 'base64'), isNamed: true });
  expect(ring.byId('2025-12')?.bytes).toEqual(Buffer.from(first, 'base64'));
  expect(ring.byId('constructor')).toBeUndefined();
});

test('the id of a key that stands without one is told by the key, wherever it stands', () => {
  const [alone, behind] = [KeyRing.parse(first), KeyRing.parse(`new:${second},${first}`)];
  expect(alone.current).toMatchObject({ id: expect.stringMatching(/^[0-9a-f]{8}$/), isNamed: false });
  expect(behind.byId(alone.current.id)?.bytes).toEqual(alone.current.bytes);
});

test('a signature names its key, and is believed by every ring that has the key, and by no other', () => {
  const [before, after] = [KeyRing.parse(`a:${first},b:${second}`), KeyRing.parse(`b:${second},a:${first}`)];
  const signature = before.sign('a nonce');
  expect(signature).toMatch(/^a:[\w-]{32}$/);
  expect(after.isSigned('a nonce', signature)).toBe(true);
  expect(KeyRing.parse(`b:${second}`).isSigned('a nonce', signature)).toBe(false);
  expect(after.isSigned('another', signature)).toBe(false);
});

test('while a key gets its id, those who know it by one, by another and by none believe each other', () => {
  const rings = [first, `a:${first}`, `${first},b:${second}`, `b:${second},renamed:${first}`].map((text) => KeyRing.parse(text));
  const signers = rings.filter(({ current }) => current.bytes.equals(Buffer.from(first, 'base64')));
  expect(signers).toHaveLength(3);
  for (const one of signers) for (const other of rings) expect(other.isSigned('a nonce', one.sign('a nonce'))).toBe(true);
  // As the first release signs, which may run beside this one.
  expect(KeyRing.parse(first).sign('a nonce')).toBe(
    createHmac('sha256', Buffer.from(first, 'base64')).update('a nonce').digest('base64url').slice(0, 32),
  );
});

test('nothing else is a signature, whatever it looks like', () => {
  const ring = KeyRing.parse(`a:${first},b:${second}`);
  const mac = ring.sign('x').slice(2);
  for (const made of ['', ':', 'a', 'a:', `:${mac}`, `a:${mac}:`, `a:${mac}x`, `a:${mac.slice(1)}`, `b:${mac}`, `a:${'é'.repeat(32)}`])
    expect(ring.isSigned('x', made), made).toBe(false);
});

test('a setting takes one key or several, and says what is wrong with any other text, without the keys', () => {
  const setting = keyRingSetting(32);
  for (const right of [first, `a:${first}`, `${first},b:${second}`, `a:${first} , b:${second}`])
    expect(setting.safeParse(right).success).toBe(true);
  const short = randomBytes(16).toString('base64');
  for (const wrong of [
    '',
    ',',
    `${first},`,
    short,
    `a:${first},b:${short}`,
    `A:${first}`,
    `${'a'.repeat(17)}:${first}`,
    `a b:${first}`,
    `a.b:${first}`,
  ]) {
    const [issue] = setting.safeParse(wrong).error?.issues ?? [];
    expect(issue?.message, wrong).toContain('must be 32 bytes in base64, or several of these, separated by commas');
  }
  for (const alike of [`a:${first},a:${second}`, `${first},${second}`])
    expect(setting.safeParse(alike).error?.issues[0]?.message).toBe('each of several keys must have an id of its own');
  const longer = keyRingSetting(32, { orMore: true });
  expect([48, 31].map((bytes) => longer.safeParse(randomBytes(bytes).toString('base64')).success)).toEqual([true, false]);
});
