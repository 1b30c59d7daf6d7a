/*
 * A page reads and does nothing with another app's token: each app says whose pages may ask in its name, and a change of that is
 * seen at once. Who is no page is not asked.
 */
import { once } from 'node:events';
import type { ServerFrame, UserView } from '@communication-center/contracts';
import { socketSubprotocol } from '@communication-center/contracts';
import { eventually, Fleet, type TestApp } from '@communication-center/testing';
import { beforeAll, expect, test } from 'vitest';
import { WebSocket } from 'ws';

const fleet = new Fleet();
const [ours, theirs] = ['https://ours.example', 'https://theirs.example'];
let mine: TestApp;
let other: TestApp;
let open: TestApp;

beforeAll(async () => {
  mine = await fleet.makeApp({ options: { allowedOrigins: [ours, 'http://localhost:5173'] } });
  other = await fleet.makeApp({ options: { allowedOrigins: [theirs] } });
  open = await fleet.makeApp();
  for (const app of [mine, other, open]) await fleet.makeUser(app, 'alice');
});

async function ask(path: string, origin: string | undefined, key: string, method = 'GET') {
  const response = await fetch(new URL(path, fleet.url), {
    method,
    headers: { authorization: `Bearer ${key}`, ...(origin && { origin }), ...(method === 'PUT' && { 'content-type': 'application/json' }) },
    ...(method === 'PUT' && { body: '{"name":"by a page"}' }),
  });
  const { code } = (await response.json()) as { code?: string };
  return [response.status, code, response.headers.get('access-control-allow-origin'), response.headers.get('vary')];
}

test('an answer is for pages of the app’s own origins, and of every origin where the app names none', async () => {
  expect(await ask('/v1/users/alice', ours, mine.key)).toEqual([200, undefined, ours, 'Origin']);
  expect(await ask('/v1/users/alice', 'http://localhost:5173', mine.key)).toEqual([200, undefined, 'http://localhost:5173', 'Origin']);
  expect(await ask('/v1/users/alice', theirs, open.key)).toEqual([200, undefined, theirs, 'Origin']);
  expect(await ask('/v1/users/alice', new URL(fleet.url).origin, mine.key)).toEqual([200, undefined, new URL(fleet.url).origin, 'Origin']);
  expect(await ask('/v1/users/alice', undefined, mine.key)).toEqual([200, undefined, null, null]);
});

test('a page reads nothing with the token of an app that does not allow its origin, and does nothing', async () => {
  const token = await fleet.tokenOf(other, 'alice');
  for (const key of [other.key, token])
    for (const origin of [ours, 'null', 'https://theirs.example.evil.example'])
      expect(await ask('/v1/users/alice', origin, key)).toEqual([403, 'forbidden', null, 'Origin']);
  expect(await ask('/v1/presence/stream', ours, other.key)).toEqual([403, 'forbidden', null, 'Origin']);
  expect(await ask('/v1/users/mallory', ours, other.key, 'PUT')).toEqual([403, 'forbidden', null, 'Origin']);
  expect((await fleet.rest('GET', '/v1/users/mallory', other.key)).status).toBe(404);
  expect(await ask('/v1/users/alice', ours, 'cc_wrong')).toEqual([401, 'unauthenticated', ours, 'Origin']);
});

test('a change of an app’s origins is seen within a second or so, by REST and by sockets', async () => {
  const app = await fleet.makeApp({ options: { allowedOrigins: [theirs] } });
  await fleet.makeUser(app, 'alice');
  expect((await ask('/v1/users/alice', ours, app.key))[0]).toBe(403);
  expect(await firstFrame(ours, app)).toMatchObject({ type: 'error', error: { code: 'forbidden' } });
  const body = { name: app.appId, trustsBareAlias: true, options: { allowedOrigins: [ours] } };
  expect((await fleet.rest('PUT', `/v1/apps/${app.appId}`, fleet.state.secrets.operatorKey, body)).status).toBe(200);
  await eventually('the new origin being allowed', async () => (await ask('/v1/users/alice', ours, app.key))[0] === 200, 1500);
  expect((await ask('/v1/users/alice', theirs, app.key))[0]).toBe(403);
  expect(await firstFrame(ours, app)).toMatchObject({ type: 'connected' });
});

async function firstFrame(origin: string, app: TestApp): Promise<ServerFrame> {
  const socket = new WebSocket(`${fleet.url.replace('http', 'ws')}/v1/socket`, socketSubprotocol, { origin });
  try {
    await once(socket, 'open');
    const told = once(socket, 'message');
    const token = await fleet.tokenOf(app, 'alice');
    socket.send(JSON.stringify({ type: 'connect', id: 1, appId: app.appId, userAlias: 'alice', deviceId: 'page', token }));
    return JSON.parse(String((await told)[0])) as ServerFrame;
  } finally {
    socket.close();
  }
}

test('what is no origin is refused by name', async () => {
  const body = { name: 'x', options: { allowedOrigins: ['https://shop.example/', ours] } };
  const { status, body: problem } = await fleet.rest<{ fields: { field: string }[] } & UserView>(
    'PUT',
    `/v1/apps/${mine.appId}`,
    fleet.state.secrets.operatorKey,
    body,
  );
  expect([status, problem.fields.map(({ field }) => field)]).toEqual([400, ['options.allowedOrigins.0']]);
});

test('a preflight is answered before anybody’s token is seen', async () => {
  const response = await fetch(new URL('/v1/users/alice', fleet.url), {
    method: 'OPTIONS',
    headers: { origin: ours, 'access-control-request-method': 'PUT' },
  });
  expect([response.status, response.headers.get('access-control-allow-origin')]).toEqual([204, ours]);
  expect(response.headers.get('access-control-allow-headers')).toContain('authorization');
});
