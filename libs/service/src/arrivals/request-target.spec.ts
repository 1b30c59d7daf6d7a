/*
 * No request chooses whom the gateway speaks to with its token.
 */
import { expect, test } from 'vitest';
import { isOriginForm, placeOn } from './request-target.js';

test.each(['/', '/v1/calls?limit=5', '/v1/presence/a%2F%2Fb', '/v1//calls'])('%s is a path of the door', (target) => {
  expect(isOriginForm(target)).toBe(true);
});

test.each(['http://127.0.0.1:9999/v1/presence/stream', '127.0.0.1:9999', '*', '//host/v1', '/\\host/v1', '\\\\host', 'v1/calls', ''])(
  '%s is none',
  (target) => {
    expect(isOriginForm(target)).toBe(false);
  },
);

test.each(['/v1/presence/stream?x=1', 'http://elsewhere:9999/v1/presence/stream?x=1', '//elsewhere/v1/presence/stream?x=1'])(
  'the server is asked that was meant, though the path is %s',
  (path) => {
    expect(placeOn('http://presence:3000', path).href).toBe('http://presence:3000/v1/presence/stream?x=1');
  },
);
