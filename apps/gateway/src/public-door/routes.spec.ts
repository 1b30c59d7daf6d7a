import { expect, test } from 'vitest';
import { ownerOf, routesTo } from './routes.js';

const owned = (path: string) => ({ path, kind: 'short' as const });

test.each([
  ['/v1/calls', 'calls', '/v1/calls'],
  ['/v1/calls?limit=5', 'calls', '/v1/calls?limit=5'],
  ['/v1/presence/bob%2Fx', 'presence', '/v1/presence/bob%2Fx'],
  ['/v1/user-tokens', 'directory', '/v1/user-tokens'],
  ['/v1/operations/presence/projections/who-is-where/rebuild', 'presence', '/v1/operations/projections/who-is-where/rebuild'],
])('%s belongs to %s', (path, service, there) => {
  expect(ownerOf(path)).toEqual({ service, path: there, kind: 'short' });
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

test('the most specific resource owns a path, in whatever order services are named', () => {
  const calls = { name: 'calls', resources: [owned('/v1/calls')] };
  const recordings = { name: 'recordings', resources: [owned('/v1/calls/{callId}/recordings'), owned('/v1/recordings')] };
  const exports = { name: 'exports', resources: [owned('/v1/calls/today/recordings')] };
  for (const services of [
    [calls, recordings, exports],
    [exports, recordings, calls],
  ]) {
    const routes = routesTo(services);
    const ownerAt = (path: string) => ownerOf(path, routes)?.service;
    expect(ownerAt('/v1/calls/c1/recordings/r1?part=2')).toBe('recordings');
    expect(ownerAt('/v1/calls/today/recordings')).toBe('exports');
    expect(ownerAt('/v1/calls/c1/recordingsx')).toBe('calls');
    expect(ownerAt('/v1/calls//recordings')).toBe('calls');
    expect(ownerAt('/v1/calls/c1')).toBe('calls');
    expect(ownerAt('/v1/recordings')).toBe('recordings');
  }
});

test('a resource says how it is passed on', () => {
  expect(ownerOf('/v1/presence/stream')?.kind).toBe('stream');
  expect(ownerOf('/v1/presence')?.kind).toBe('short');
  expect(ownerOf('/v1/presence/streams')?.kind).toBe('short');
});
