/*
 * What tells a credential stays in no cache, and a picture whose address is not of the web is shown to nobody, though it was saved
 * before addresses were judged. Asked of the real fleet, through its door.
 */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { Fleet, Phones, ringOf } from '@communication-center/testing';
import { afterAll, expect, test } from 'vitest';

const fleet = new Fleet();
const phones = new Phones(fleet);
afterAll(() => phones.closeAll());

const openApi = JSON.parse(readFileSync(resolve(import.meta.dirname, '../docs/protocol/openapi.json'), 'utf8')) as {
  paths: Record<string, Record<string, unknown>>;
};

async function headersOf(method: string, path: string, key?: string, body?: unknown): Promise<{ status: number; told: object }> {
  const response = await fetch(new URL(path, fleet.url), {
    method,
    headers: { ...(key && { authorization: `Bearer ${key}` }), ...(body !== undefined && { 'content-type': 'application/json' }) },
    ...(body !== undefined && { body: JSON.stringify(body) }),
    signal: AbortSignal.timeout(10_000),
  });
  await response.body?.cancel();
  const { headers } = response;
  return {
    status: response.status,
    told: {
      cache: headers.get('cache-control'),
      type: headers.get('x-content-type-options'),
      policy: headers.get('content-security-policy'),
    },
  };
}

const kept = { cache: 'no-store', type: 'nosniff', policy: "default-src 'none'; frame-ancestors 'none'" };

test('every route of the interface refuses whoever has no credential, and says what may be done with that', async () => {
  const routes = Object.entries(openApi.paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => [method.toUpperCase(), path.replace('{service}', 'calls').replace(/\{\w+\}/g, 'x')] as const),
  );
  expect(routes.length).toBeGreaterThan(40);
  const answers = await Promise.all(routes.map(async ([method, path]) => [method, path, await headersOf(method, path)] as const));
  // A token may be asked for without a credential where an app trusts a bare alias: what is asked is read first there.
  const refusal = (path: string) =>
    /^\/v1\/(user-tokens$|unsubscribe\/|sms-status\/|recording-files\/|broadcast-streams\/)/.test(path) ? 400 : 401;
  const otherwise = answers.filter(([, path, answer]) => !isDeepStrictEqual(answer, { status: refusal(path), told: kept }));
  expect(otherwise).toEqual([]);
});

test('what tells keys, secrets, tokens and credentials stays in no cache', async () => {
  const app = await fleet.makeApp();
  const { operatorKey } = fleet.state.secrets;
  const alice = await phones.connect(app, 'alice');
  const bob = await phones.connect(app, 'bob');
  const call = await alice.center.call(['bob']);
  await (await ringOf(bob)).answer();
  const token = await fleet.tokenOf(app, 'alice');
  const tellers: [string, string, string, unknown?][] = [
    ['POST', `/v1/apps/${app.appId}/api-keys`, operatorKey, { name: 'another' }],
    ['GET', `/v1/apps/${app.appId}/api-keys`, operatorKey],
    ['POST', `/v1/apps/${app.appId}/secrets`, operatorKey, {}],
    ['POST', '/v1/user-tokens', app.key, { userAlias: 'alice' }],
    ['POST', '/v1/webhook-endpoints', app.key, { url: 'http://127.0.0.1:9/hook' }],
    ['GET', `/v1/calls/${call.callId}`, token],
  ];
  for (const [method, path, key, body] of tellers) {
    const { status, told } = await headersOf(method, path, key, body);
    expect([path, Math.floor(status / 100), told]).toEqual([path, 2, kept]);
  }
  await call.hangUp();
});

test('a picture that was saved before addresses were judged is told to nobody', async () => {
  const app = await fleet.makeApp();
  await fleet.makeUser(app, 'alice', { picture: 'https://example.com/alice.png' });
  await fleet.makeUser(app, 'mallory', {});
  await fleet.query('directory', `UPDATE users SET picture = 'javascript:alert(1)' WHERE app_id = $1 AND user_alias = 'mallory'`, [
    app.appId,
  ]);
  const pictures = async () =>
    Promise.all(['alice', 'mallory'].map(async (who) => (await fleet.rest('GET', `/v1/users/${who}`, app.key)).body.picture));
  expect(await pictures()).toEqual(['https://example.com/alice.png', null]);
  const alice = await phones.connect(app, 'alice');
  const profiles = await alice.center.profiles(['alice', 'mallory']);
  expect(JSON.stringify(profiles)).toContain('alice.png');
  expect(JSON.stringify(profiles)).not.toContain('javascript');
});
