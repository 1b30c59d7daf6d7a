/*
 * In production no secret keeps the door that everybody can open: none of the launcher's, none of the examples, none that is
 * guessed by trying. A random one is never taken for weak.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { weaknessOf } from './weak-secrets.js';

test.each([
  ['the operator key of a local fleet', 'op_dev-only_b0t5Lq3VnZ0b5r1', /npm start/],
  ['a key of a local fleet', `${Buffer.concat([Buffer.from('dev-only.'), Buffer.alloc(23, 7)]).toString('base64')}`, /npm start/],
  ['an identity of a local fleet', JSON.stringify({ kty: 'OKP', kid: 'calls-dev-only', d: 'x' }), /npm start/],
  ['a database of a local fleet', 'postgresql://center:dev-only-4hHk2LmQ@db:5432/postgres', /npm start/],
  ['the default of docker-compose.yml', 'center', /everybody/],
  ['the same in an address', 'postgresql://center:center@db:5432/postgres', /everybody/],
  ['a placeholder, however it is written', 'Change-Me!', /everybody/],
  ['a key of zeros', Buffer.alloc(32).toString('base64'), /guess/],
  ['a short one', 'x7Kq9', /guess/],
])('%s is weak', (_what, secret, why) => {
  expect(weaknessOf(secret)).toMatch(why);
});

test.each(['redis://cache.internal:6379', 'postgresql://center@db:5432/center?sslmode=verify-full', 'postgresql:///center?host=/run'])(
  'an address without a password is left to who runs the server: %s',
  (address) => {
    expect(weaknessOf(address)).toBeUndefined();
  },
);

test('random secrets are good, as keys and as passwords in addresses', () => {
  const bytes = fc.uint8Array({ minLength: 24, maxLength: 48 }).filter((some) => new Set(some).size > 16);
  fc.assert(
    fc.property(bytes, (random) => {
      const key = Buffer.from(random).toString('base64');
      expect(weaknessOf(key)).toBeUndefined();
      expect(weaknessOf(`postgresql://center:${encodeURIComponent(key)}@db:5432/center`)).toBeUndefined();
    }),
  );
});

test('what is said of a weak secret does not show it', () => {
  for (const secret of ['center', 'x7Kq9', 'op_dev-only_b0t5Lq']) expect(weaknessOf(secret)).not.toContain(secret);
});
