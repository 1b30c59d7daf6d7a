/*
 * No request chooses whom a service speaks to with its token, and none names what is no text.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ProblemError } from '../problem-error.js';
import { isOriginForm, placeOn, requireTarget } from './request-target.js';

test.each(['/', '/v1/calls?limit=5', '/v1/presence/a%2F%2Fb', '/v1/calls?next=//host', '/v1/presence/%E2%82%AC', '/v1/%F0%9F%98%80'])(
  '%s is a path of the door',
  (target) => {
    expect(isOriginForm(target)).toBe(true);
    expect(() => requireTarget(target)).not.toThrow();
  },
);

test.each([
  'http://127.0.0.1:9999/v1/presence/stream',
  '127.0.0.1:9999',
  '*',
  '//host/v1',
  '/v1//calls',
  '/v1/calls//',
  '/v1/\\/host',
  '/\\host/v1',
  '\\\\host',
  'v1/calls',
  '',
])('%s is none', (target) => {
  expect(isOriginForm(target)).toBe(false);
  expect(() => requireTarget(target)).toThrow(ProblemError);
});

test.each([
  ['/v1/users/a%00', '(path)'],
  ['/v1/users/%ff', '(path)'],
  ['/v1/users/%', '(path)'],
  ['/v1/users/%C0%80', '(path)'],
  ['/v1/presence/%ED%A0%80', '(path)'],
  ['/v1/presence?userAlias=a%00', 'userAlias'],
  ['/v1/presence?limit=1&userAlias=%E0%80%AF', 'userAlias'],
  ['/v1/calls?cursor=%zz', 'cursor'],
  ['/v1/calls?%00=1', '%00'],
])('%s is refused by the name of %s', (target, field) => {
  expect(() => requireTarget(target)).toThrow(
    expect.objectContaining({ code: 'invalid_request', fields: [expect.objectContaining({ field })] }),
  );
});

test.each(['/v1/presence/stream?x=1', 'http://elsewhere:9999/v1/presence/stream?x=1', '//elsewhere/v1/presence/stream?x=1'])(
  'the server is asked that was meant, though the path is %s',
  (path) => {
    expect(placeOn('http://presence:3000', path).href).toBe('http://presence:3000/v1/presence/stream?x=1');
  },
);

test('whatever a path says, what is let through is asked of the server that was meant', () => {
  const piece = fc.constantFrom('/', '\\', '//', '.', '..', '%2e', '%2f', 'v1', '@', ':', 'host', '#', '?', ' ', '\t', 'http:', '%5c');
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
      const path = `/${pieces.join('')}`;
      if (isOriginForm(path)) expect(placeOn('http://presence:3000', path).host).toBe('presence:3000');
    }),
  );
});
