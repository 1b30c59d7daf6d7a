/*
 * The published contract is generated from the services' own routes and schemas: a change that does not show in docs/ fails here,
 * and so does a route that nobody described.
 */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import type { DescribedRoutes } from '@communication-center/service';
import { beforeAll, expect, test } from 'vitest';
import { describedRoutes } from './docs/src/described.js';
import { requireSound } from './docs/src/lint-documents.js';
import { openApi } from './docs/src/openapi.js';
import { type PublicRoute, publicRoutes } from './docs/src/public-routes.js';

const root = resolve(import.meta.dirname, '..');
let routes: PublicRoute[];
let described: DescribedRoutes;
const documentOf = (some: readonly PublicRoute[]) => openApi(some, described);

beforeAll(async () => {
  [routes, described] = await Promise.all([publicRoutes(root), describedRoutes(root)]);
});

test('docs/protocol, docs/settings.md and docs/limits.md say what the contracts, routes, settings and limits say', () => {
  const done = spawnSync(process.execPath, [resolve(root, 'tools/docs/dist/generate.js'), '--check'], { encoding: 'utf8' });
  expect(done.stderr).toBe('');
  expect(done.status).toBe(0);
});

test('a route that is not described, and a description without a route, fail by name', () => {
  const [first] = routes as [PublicRoute];
  expect(() => documentOf([...routes, { ...first, method: 'POST', path: '/v1/surprises' }])).toThrow('POST /v1/surprises');
  expect(() => documentOf(routes.filter(({ path }) => path !== '/v1/user-tokens'))).toThrow('POST /v1/user-tokens');
});

test('a path parameter that nothing parses, and a body without a name, fail by name', () => {
  const answer = routes.find(({ path }) => path === '/v1/calls/{callId}/answer') as PublicRoute;
  const others = routes.filter((route) => route !== answer);
  expect(() => documentOf([...others, { ...answer, params: {} }])).toThrow('callId is parsed by no schema');
  expect(() => documentOf([...others, { ...answer, body: answer.params.callId as never }])).toThrow('its body has no name');
});

test('every route says that it refuses whoever has no credential, but for those that are open to nobody', () => {
  const { paths } = documentOf(routes) as { paths: Record<string, Record<string, { responses: object; security?: object }>> };
  const operations = Object.values(paths).flatMap((one) => Object.values(one));
  expect(operations.every(({ responses }) => '401' in responses)).toBe(true);
  expect(operations.filter(({ security }) => security)).toEqual([
    paths['/v1/recording-files/{token}']?.get,
    paths['/v1/broadcast-streams/{token}/{file}']?.get,
    ...['/v1/user-tokens', '/v1/unsubscribe/{token}', '/v1/sms-status/{token}'].map((path) => paths[path]?.post),
  ]);
});

test('the linter finds what standard tools cannot resolve', async () => {
  const text = readFileSync(resolve(root, 'docs/protocol/asyncapi.json'), 'utf8');
  const broken = text.replace('"#/components/schemas/signalling.client.dial"', '"#/components/schemas/nowhere"');
  await expect(requireSound([{ name: 'asyncapi.json', text: broken, but: ['security-defined'] }])).rejects.toThrow('no-unresolved-refs');
});
