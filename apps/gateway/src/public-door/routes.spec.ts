import { expect, test } from 'vitest';
import { ownerOf } from './routes.js';

test.each([
  ['/v1/calls', 'calls', '/v1/calls'],
  ['/v1/calls?limit=5', 'calls', '/v1/calls?limit=5'],
  ['/v1/presence/bob%2Fx', 'presence', '/v1/presence/bob%2Fx'],
  ['/v1/user-tokens', 'directory', '/v1/user-tokens'],
  ['/v1/operations/presence/projections/who-is-where/rebuild', 'presence', '/v1/operations/projections/who-is-where/rebuild'],
])('%s belongs to %s', (path, service, there) => {
  expect(ownerOf(path)).toEqual({ service, path: there });
});

test.each([
  '/v1/callsx',
  '/internal/snapshot',
  '/v1/operations',
  '/health/ready',
  '/v1/../internal/snapshot',
  '/v1/calls/../../internal/snapshot',
  '/v1/calls/%2e%2e/%2e%2e/internal/snapshot',
  '//elsewhere.example/v1/x',
])('%s is nobody’s', (path) => {
  expect(ownerOf(path)).toBeUndefined();
});
