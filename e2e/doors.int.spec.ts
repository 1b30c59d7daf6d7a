/*
 * Bad input at every door gets a typed error, and changes nothing.
 */
import { createHmac } from 'node:crypto';
import { createServer, get } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { CallState, Problem, ServerFrame } from '@communication-center/contracts';
import { eventually, FlakyLine, Fleet, holds, Phones, RawSocket, type TestApp } from '@communication-center/testing';
import { afterEach, beforeAll, describe, expect, test } from 'vitest';

const fleet = new Fleet();
const phones = new Phones(fleet);
const unknownCall = '01890000-0000-7000-8000-000000000000';
let app: TestApp;
let other: TestApp;
let aliceToken: string;

beforeAll(async () => {
  app = await fleet.makeApp();
  other = await fleet.makeApp({ trustsBareAlias: false });
  for (const name of ['alice', 'bob', 'carol']) await fleet.makeUser(app, name);
  aliceToken = await fleet.tokenOf(app, 'alice');
});

afterEach(() => phones.closeAll());

/** Signs a JWT by hand, so that it can be wrong in every way. */
function jwt(header: object, payload: object, secret: string): string {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const signed = `${part(header)}.${part(payload)}`;
  return `${signed}.${createHmac('sha256', secret).update(signed).digest('base64url')}`;
}

const now = () => Math.floor(Date.now() / 1000);
const inAnHour = () => Math.floor(Date.now() / 1000) + 3600;

describe('REST', () => {
  test.each([
    ['without a key', undefined],
    ['with a wrong key', 'cc_wrong'],
    ['with a token that is none', 'abc.def.ghi'],
  ])('%s: unauthenticated', async (_how, key) => {
    const { status, body } = await fleet.rest('GET', '/v1/calls', key);
    expect([status, body.code]).toEqual([401, 'unauthenticated']);
  });

  test('a problem document names its type, status and code', async () => {
    const response = await fetch(new URL('/v1/calls/nonsense', fleet.url), { headers: { authorization: `Bearer ${app.key}` } });
    expect(response.headers.get('content-type')).toContain('application/problem+json');
    const problem = (await response.json()) as Problem;
    expect(problem).toMatchObject({ type: 'urn:communication-center:problem:invalid_request', status: 400, code: 'invalid_request' });
    expect(problem.fields?.length).toBeGreaterThan(0);
  });

  test('unknown app; app that does not trust a bare alias', async () => {
    const unknown = await fleet.rest('POST', '/v1/user-tokens', undefined, { appId: 'no-such-app', userAlias: 'alice' });
    expect([unknown.status, unknown.body.code]).toEqual([404, 'unknown_app']);
    const distrusting = await fleet.rest('POST', '/v1/user-tokens', undefined, { appId: other.appId, userAlias: 'alice' });
    expect([distrusting.status, distrusting.body.code]).toEqual([401, 'unauthenticated']);
  });

  test('every faulty field is named at once', async () => {
    const body = { userAlias: 'alice', callees: [], ringSeconds: 3, callType: 'smell', customData: { big: 'x'.repeat(5000) } };
    const answer = await fleet.rest<Problem>('POST', '/v1/calls', app.key, body);
    expect(answer.status).toBe(400);
    expect(answer.body.fields?.map(({ field }) => field).sort()).toEqual(['callType', 'callees', 'customData', 'ringSeconds']);
  });

  test('a body that is not JSON; one that is too large; a path that is not there', async () => {
    expect((await fleet.rest('POST', '/v1/calls', app.key, '{broken')).body.code).toBe('invalid_request');
    const large = await fleet.rest('POST', '/v1/calls', app.key, JSON.stringify({ padding: 'x'.repeat(1_048_576) }));
    expect([large.status, large.body.code]).toEqual([413, 'payload_too_large']);
    expect((await fleet.rest('GET', '/v1/nothing', app.key)).body.code).toBe('not_found');
  });

  test('a body nested without end, and one with too many values: named, not parsed', async () => {
    const deep = await fleet.rest<Problem>('POST', '/v1/calls', app.key, `{"customData":${'{"a":'.repeat(3000)}1${'}'.repeat(3001)}`);
    expect([deep.status, deep.body.code, deep.body.detail]).toEqual([400, 'invalid_request', expect.stringContaining('too_deep')]);
    const many = await fleet.rest<Problem>('POST', '/v1/calls', app.key, `{"callees":[${'0,'.repeat(50_000)}0]}`);
    expect([many.status, many.body.detail]).toEqual([400, expect.stringContaining('too_many_nodes')]);
  });

  test.each([
    ['NUL', '\0'],
    ['a lone surrogate', '\ud800'],
  ])('%s anywhere in custom data or a name: the field is named', async (_what, bad) => {
    const call = await fleet.rest<Problem>('POST', '/v1/calls', app.key, {
      userAlias: 'alice',
      callees: ['bob'],
      customData: { deep: [{ [`key${bad}`]: 1 }] },
    });
    expect([call.status, call.body.fields?.[0]?.field]).toEqual([400, 'customData']);
    const user = await fleet.rest<Problem>('PUT', '/v1/users/dora', app.key, { name: `Dora${bad}` });
    expect([user.status, user.body.fields?.[0]?.field]).toEqual([400, 'name']);
  });

  test('NUL in a path or a query, and bytes in a path that are no text, are refused', async () => {
    const paths = ['/v1/users/a', '/v1/presence/a'];
    const queries = ['/v1/presence?userAlias=a', '/v1/calls?userAlias=a', '/v1/calls?cursor=a'];
    const asked = [...[...paths, ...queries].map((path) => `${path}%00`), ...paths.map((path) => `${path}%ED%A0%80`)];
    for (const path of asked) expect([path, Math.floor((await fleet.rest('GET', path, app.key)).status / 100)]).toEqual([path, 4]);
    expect(Math.floor((await fleet.rest('PUT', '/v1/users/a%00', app.key, {})).status / 100)).toBe(4);
  });

  test('a cursor that was made up, cut, or given to another question or app is refused by name, by every list', async () => {
    const app = await fleet.makeApp();
    for (const name of ['alice', 'bob']) await fleet.makeUser(app, name);
    await fleet.rest('POST', '/v1/calls', app.key, { userAlias: 'alice', callees: ['bob'] });
    const lists = ['/v1/calls', '/v1/presence', `/v1/apps/${app.appId}/audit`];
    const made = ['x', '%00', 'WyJhIiwiYiJd', Buffer.from(JSON.stringify(['a', '\0'])).toString('base64url'), '2026-01-01T00:00:00.000Z_x'];
    for (const list of lists) {
      const page = await eventually(`a page of ${list}`, async () => {
        const { body } = await fleet.rest<{ nextCursor: string | null }>('GET', `${list}?limit=1`, app.key);
        return body.nextCursor;
      });
      expect([list, (await fleet.rest('GET', `${list}?limit=1&cursor=${page}`, app.key)).status]).toEqual([list, 200]);
      const foreign = lists.filter((one) => one !== list).map((one) => `${one}?cursor=${page}`);
      const wrong = [...made, page.slice(0, -3)].map((cursor) => `${list}?cursor=${cursor}`);
      for (const path of [...foreign, ...wrong]) {
        const { status, body } = await fleet.rest<Problem>('GET', path, app.key);
        expect([path, status, body.fields?.[0]?.field]).toEqual([path, 400, 'cursor']);
      }
      if (!list.includes('audit'))
        expect([list, (await fleet.rest('GET', `${list}?cursor=${page}`, other.key)).status]).toEqual([list, 400]);
    }
  });

  test('what no database keeps is refused by name in users, keys, apps and endpoints, and so is what no page may show', async () => {
    const hook = 'https://example.org/hook';
    const refused: [method: string, path: string, body: object, field: string][] = [
      ['PUT', '/v1/users/dora', { name: 'Do\0ra' }, 'name'],
      ['PATCH', '/v1/users/alice', { picture: 'https://example.org/\0' }, 'picture'],
      ['PUT', '/v1/users/dora', { picture: 'javascript:alert(1)' }, 'picture'],
      ['PUT', '/v1/users/dora', { picture: 'data:image/png;base64,AA' }, 'picture'],
      ['PUT', '/v1/users/dora', { picture: 'https://a:b@example.org/' }, 'picture'],
      ['POST', `/v1/apps/${app.appId}/api-keys`, { name: 'k\ud800' }, 'name'],
      ['PUT', `/v1/apps/${app.appId}`, { name: 'a\0' }, 'name'],
      ['POST', '/v1/webhook-endpoints', { url: hook, description: 'd\0' }, 'description'],
      ['POST', '/v1/webhook-endpoints', { url: 'javascript:alert(1)' }, 'url'],
      ['POST', '/v1/webhook-endpoints', { url: 'https://a:b@example.org/' }, 'url'],
    ];
    for (const [method, path, body, field] of refused) {
      const answer = await fleet.rest<Problem>(method, path, app.key, body);
      expect([path, answer.status, answer.body.fields?.[0]?.field]).toEqual([path, 400, field]);
    }
  });

  test('a body that is no UTF-8, and one that is no JSON by its type, are refused', async () => {
    const send = (body: Uint8Array<ArrayBuffer> | string, type: string) =>
      fetch(new URL('/v1/calls', fleet.url), {
        method: 'POST',
        body,
        headers: { authorization: `Bearer ${app.key}`, 'content-type': type },
      });
    const overlong = Uint8Array.from([...Buffer.from('{"userAlias":"a'), 0xc0, 0x80, ...Buffer.from('"}')]);
    for (const answer of [await send(overlong, 'application/json'), await send('userAlias=alice', 'application/x-www-form-urlencoded')])
      expect([answer.status, ((await answer.json()) as Problem).code]).toEqual([400, 'invalid_request']);
  });

  test('a request that names a host reaches nobody, least of all that host', async () => {
    const asked: string[] = [];
    const elsewhere = createServer((request, response) => {
      asked.push(request.url ?? '');
      response.end('{}');
    });
    await new Promise<void>((resolve) => elsewhere.listen(0, '127.0.0.1', resolve));
    const { port } = elsewhere.address() as AddressInfo;
    const { hostname, port: doorPort } = new URL(fleet.url);
    const statusOf = (path: string) =>
      new Promise<number | undefined>((resolve, reject) => {
        const headers = { authorization: `Bearer ${app.key}` };
        get({ host: hostname, port: doorPort, path, headers }, (answer) => resolve(answer.resume().statusCode)).on('error', reject);
      });
    try {
      for (const path of [
        `http://127.0.0.1:${port}/v1/presence/stream`,
        `http://127.0.0.1:${port}/v1/calls`,
        `//127.0.0.1:${port}/v1/calls`,
        '/v1//calls',
      ])
        expect(await statusOf(path)).toBe(400);
      expect(asked).toEqual([]);
    } finally {
      elsewhere.close();
    }
  });

  test('an unknown callee is named, and no call is made', async () => {
    const answer = await fleet.rest<Problem>('POST', '/v1/calls', app.key, { userAlias: 'alice', callees: ['bob', 'nobody'] });
    expect([answer.status, answer.body.code]).toEqual([404, 'unknown_user']);
    expect(answer.body.fields?.[0]?.message).toContain('nobody');
    expect(await fleet.query('calls', 'SELECT 1 FROM calls WHERE app_id = $1', [app.appId])).toEqual([]);
  });

  test('a key without the scope, a user for another user, a user at an operator door', async () => {
    const weak = await fleet.rest<{ secret: string }>('POST', `/v1/apps/${app.appId}/api-keys`, app.key, {
      name: 'weak',
      scopes: ['presence'],
    });
    expect((await fleet.rest('GET', '/v1/calls', weak.body.secret)).body.code).toBe('forbidden');
    expect((await fleet.rest('POST', '/v1/calls', aliceToken, { userAlias: 'bob', callees: ['carol'] })).body.code).toBe('forbidden');
    expect((await fleet.rest('GET', '/v1/operations/calls/consumers', app.key)).body.code).toBe('forbidden');
    expect((await fleet.rest('PUT', `/v1/apps/${other.appId}`, app.key, { name: 'mine now' })).body.code).toBe('forbidden');
  });

  test('a revoked key is refused at its next request', async () => {
    const made = await fleet.rest<{ secret: string; keyId: string }>('POST', `/v1/apps/${app.appId}/api-keys`, app.key, {
      name: 'short',
      scopes: ['calls'],
    });
    expect((await fleet.rest('GET', '/v1/calls', made.body.secret)).status).toBe(200);
    await fleet.rest('DELETE', `/v1/apps/${app.appId}/api-keys/${made.body.keyId}`, app.key);
    expect((await fleet.rest('GET', '/v1/calls', made.body.secret)).body.code).toBe('unauthenticated');
  });

  test('an identity token of the fleet cannot be made up, and an internal door needs one', async () => {
    const port = fleet.state.ports.calls;
    const response = await fetch(`http://127.0.0.1:${port}/v1/calls`, { headers: { authorization: `Bearer ${app.key}` } });
    expect(response.status).toBe(401);
  });
});

describe('a call', () => {
  test('cannot be answered by a stranger, twice, after its end, or from another app', async () => {
    const alice = await phones.connect(app, 'alice');
    const call = await alice.center.call(['bob']);
    const path = `/v1/calls/${call.callId}/answer`;
    const bobToken = await fleet.tokenOf(app, 'bob');
    const stateOf = async () => (await fleet.rest<CallState>('GET', `/v1/calls/${call.callId}`, app.key)).body;
    const before = await stateOf();
    expect((await fleet.rest('POST', path, await fleet.tokenOf(app, 'carol'), { deviceId: 'c' })).body.code).toBe('not_a_participant');
    expect((await fleet.rest('POST', path, other.key, { userAlias: 'bob', deviceId: 'b' })).body.code).toBe('call_not_found');
    expect((await fleet.rest('POST', path, bobToken, {})).body.code).toBe('invalid_request');
    expect((await fleet.rest('POST', `/v1/calls/${unknownCall}/answer`, bobToken, { deviceId: 'b' })).body.code).toBe('call_not_found');
    expect((await fleet.rest('GET', `/v1/calls/${call.callId}/timeline`, await fleet.tokenOf(app, 'carol'))).body.code).toBe(
      'not_a_participant',
    );
    expect(await stateOf()).toEqual(before);
    expect((await fleet.rest('POST', path, bobToken, { deviceId: 'b' })).status).toBe(200);
    expect((await fleet.rest('POST', path, bobToken, { deviceId: 'b2' })).body.code).toBe('already_answered');
    await call.hangUp();
    expect((await fleet.rest('POST', path, bobToken, { deviceId: 'b' })).body.code).toBe('already_ended');
  });
});

describe('media credentials', () => {
  test('are for the device that is in the call, while it lasts', async () => {
    const alice = await phones.connect(app, 'alice', { deviceId: 'alice-desk' });
    const call = await alice.center.call(['bob']);
    const path = `/v1/calls/${call.callId}/credentials`;
    const renewed = await fleet.rest<{ media: { url: string; token: string } }>('POST', path, aliceToken, { deviceId: 'alice-desk' });
    expect([fleet.state.mediaUrl, `ws://127.0.0.1:${fleet.state.ports['media-2']}`]).toContain(renewed.body.media.url);
    expect((await fleet.rest('POST', path, aliceToken, { deviceId: 'another' })).body.code).toBe('forbidden');
    expect((await fleet.rest('POST', path, await fleet.tokenOf(app, 'bob'), { deviceId: 'b' })).body.code).toBe('forbidden');
    expect((await fleet.rest('POST', path, await fleet.tokenOf(app, 'carol'), { deviceId: 'c' })).body.code).toBe('not_a_participant');
    await call.hangUp();
    expect((await fleet.rest('POST', path, aliceToken, { deviceId: 'alice-desk' })).body.code).toBe('already_ended');
  });
});

test('the longest alias of any script is a user like any other', async () => {
  const longest = '田'.repeat(42);
  await fleet.makeUser(app, longest, { name: 'Long' });
  expect((await fleet.rest('GET', `/v1/users/${encodeURIComponent(longest)}`, app.key)).body).toMatchObject({ userAlias: longest });
  const presence = async () => (await fleet.rest('GET', `/v1/presence/${encodeURIComponent(longest)}`, app.key)).body;
  await eventually('its presence', async () => (await presence()).status === 'offline');
});

describe('the socket', () => {
  const connect = (token: string, more: object = {}) => ({
    type: 'connect',
    id: 'c',
    appId: app.appId,
    userAlias: 'alice',
    deviceId: 'd1',
    token,
    ...more,
  });

  async function refusalOf(frame: object | string): Promise<{ error: (ServerFrame & { type: 'error' })['error']; code: number }> {
    const socket = await RawSocket.open(fleet);
    socket.send(frame);
    const { error } = await socket.frame('error');
    return { error, code: await socket.closed(5000) };
  }

  test('refuses an unknown app, a token of another app, and one of another user', async () => {
    expect((await refusalOf(connect(aliceToken, { appId: 'no-such-app' }))).error.code).toBe('unknown_app');
    expect((await refusalOf(connect(await fleet.tokenOf(other, 'alice')))).error.code).toBe('forbidden');
    expect((await refusalOf(connect(await fleet.tokenOf(app, 'bob')))).error.code).toBe('forbidden');
  });

  test.each([
    ['signed with another secret', (kid: string) => jwt({ alg: 'HS256', kid }, { sub: 'alice', iat: now(), exp: inAnHour() }, 'guessed')],
    [
      'with the algorithm none',
      (kid: string) => `${jwt({ alg: 'none', kid }, { sub: 'alice', iat: now(), exp: inAnHour() }, 'x').split('.').slice(0, 2).join('.')}.`,
    ],
    [
      'that has expired',
      (kid: string, secret: string) => jwt({ alg: 'HS256', kid }, { sub: 'alice', iat: 1_599_990_000, exp: 1_600_000_000 }, secret),
    ],
    ['without an expiry', (kid: string, secret: string) => jwt({ alg: 'HS256', kid }, { sub: 'alice', iat: now() }, secret)],
    ['without when it was issued', (kid: string, secret: string) => jwt({ alg: 'HS256', kid }, { sub: 'alice', exp: inAnHour() }, secret)],
    [
      'of the future',
      (kid: string, secret: string) => jwt({ alg: 'HS256', kid }, { sub: 'alice', iat: now() + 60, exp: inAnHour() }, secret),
    ],
    [
      'of a life longer than a day',
      (kid: string, secret: string) => jwt({ alg: 'HS256', kid }, { sub: 'alice', iat: now(), exp: now() + 90_000 }, secret),
    ],
    [
      'of an unknown kid',
      (_kid: string, secret: string) => jwt({ alg: 'HS256', kid: 'nope' }, { sub: 'alice', iat: now(), exp: inAnHour() }, secret),
    ],
  ])('refuses a token %s', async (_how, make) => {
    const { error, code } = await refusalOf(connect(make(app.secret.kid, app.secret.secret ?? '')));
    expect([error.code, code]).toEqual(['unauthenticated', 4001]);
  });

  test("lets in a token that the integrator signed with the app's secret", async () => {
    const socket = await RawSocket.open(fleet);
    socket.send(
      connect(jwt({ alg: 'HS256', kid: app.secret.kid }, { sub: 'alice', iat: now(), exp: inAnHour() }, app.secret.secret ?? '')),
    );
    expect((await socket.frame('connected')).calls).toBeInstanceOf(Array);
    socket.close();
  });

  test.each([
    ['a few seconds ahead', 4],
    ['an hour behind', -3600],
  ])('lets in a token whose signer has a clock %s', async (_what, seconds) => {
    const iat = now() + seconds;
    const socket = await RawSocket.open(fleet);
    socket.send(connect(jwt({ alg: 'HS256', kid: app.secret.kid }, { sub: 'alice', iat, exp: iat + 7200 }, app.secret.secret ?? '')));
    await socket.frame('connected');
    socket.close();
  });

  test('closes when no connect frame comes, or another one comes first', async () => {
    const silent = await RawSocket.open(fleet);
    expect((await silent.frame('error', () => true, 5000)).error.code).toBe('connect_timeout');
    expect(await silent.closed()).toBe(4002);
    const { error, code } = await refusalOf({ type: 'dial', id: 1, commandId: '12345678', callees: ['bob'] });
    expect([error.code, code]).toEqual(['unauthenticated', 4001]);
  });

  test('answers malformed and unknown frames by name and goes on; a frame of 1 MiB closes it', async () => {
    const socket = await RawSocket.open(fleet);
    socket.send(connect(aliceToken));
    await socket.frame('connected');
    socket.send('{nonsense');
    await socket.frame('error', ({ error }) => error.code === 'malformed_frame');
    socket.send({ type: 'fly', id: 'f' });
    await socket.frame('error', ({ id, error }) => id === 'f' && error.code === 'malformed_frame');
    socket.send({ type: 'dial', id: 'd', commandId: 'short', callees: 'bob' });
    const faulty = await socket.frame('error', ({ id }) => id === 'd');
    expect(faulty.error.code).toBe('invalid_request');
    expect(faulty.error.fields?.map(({ field }) => field).sort()).toEqual(['callees', 'commandId']);
    socket.send({ type: 'answer', id: 'a', commandId: 'answer-nothing', callId: unknownCall });
    await socket.frame('error', ({ id, error }) => id === 'a' && error.code === 'call_not_found');
    for (const bad of ['\0', '\ud800']) {
      const id = `bad-${bad.charCodeAt(0)}`;
      socket.send({ type: 'dial', id, commandId: '12345678', callees: ['bob'], customData: { deep: [{ [`key${bad}`]: 1 }] } });
      const refused = await socket.frame('error', (frame) => frame.id === id);
      expect([refused.error.code, refused.error.fields?.[0]?.field]).toEqual(['invalid_request', 'customData']);
    }
    socket.send({ type: 'ping' });
    await socket.frame('pong');
    socket.send({ type: 'dial', id: 'big', commandId: '12345678', callees: ['bob'], customData: { x: 'x'.repeat(1_048_576) } });
    await socket.frame('error', ({ error }) => error.code === 'frame_too_large');
    expect(await socket.closed()).toBe(1009);
    expect(await fleet.query('calls', "SELECT 1 FROM calls WHERE app_id = $1 AND status <> 'ended'", [app.appId])).toEqual([]);
  });

  test('speaks the version it knows, where a newer client offers several', async () => {
    const socket = new WebSocket(`${fleet.url.replace('http', 'ws')}/v1/socket`, ['communication-center.v9', 'communication-center.v1']);
    await new Promise<void>((resolve, reject) => {
      socket.onopen = () => resolve();
      socket.onerror = () => reject(new Error('no version was agreed on'));
    });
    expect(socket.protocol).toBe('communication-center.v1');
    socket.close();
  });

  test('cuts off who reads too slowly, and holds nothing back for them', async () => {
    const line = await FlakyLine.open([fleet.url]);
    const socket = await RawSocket.open(fleet, line.url);
    socket.send(connect(aliceToken, { deviceId: 'slow' }));
    await socket.frame('connected');
    line.hold();
    // What is asked for still gets through, and each answer is long; first they fill the buffers of the system.
    const userAliases = Array.from({ length: 64 }, (_, index) => `${'x'.repeat(100)}-${index}`);
    for (const userAlias of userAliases)
      await fleet.makeUser(app, userAlias, { name: 'y'.repeat(200), picture: `https://example.com/${'z'.repeat(1500)}` });
    const left = () => fleet.query('gateway', "SELECT 1 FROM sessions WHERE app_id = $1 AND about->>'deviceId' = 'slow'", [app.appId]);
    const asking = setInterval(() => socket.send({ type: 'profiles', id: 'p', userAliases }), 60);
    await eventually('the session being over', async () => (await left()).length === 0, 40_000).finally(() => clearInterval(asking));
    socket.close();
    await line.close();
  }, 60_000);

  test('slows down who sends too many frames', async () => {
    const socket = await RawSocket.open(fleet);
    socket.send(connect(aliceToken));
    await socket.frame('connected');
    for (let count = 0; count < 100; count += 1) socket.send({ type: 'ping' });
    await socket.frame('error', ({ error }) => error.code === 'rate_limited');
    socket.close();
  });

  test('speaks its own subprotocol alone', async () => {
    const response = await fetch(new URL('/v1/socket', fleet.url), { headers: { authorization: `Bearer ${app.key}` } });
    expect(response.status).toBe(404);
    const wrong = new WebSocket(`${fleet.url.replace('http', 'ws')}/v1/socket`, 'something-else');
    const opened = await new Promise<boolean>((resolve) => {
      wrong.onopen = () => resolve(true);
      wrong.onerror = () => resolve(false);
    });
    expect(opened).toBe(false);
  });
});

describe('the media door', () => {
  async function firstFrame(frame: object | string | undefined): Promise<{ type: string; error?: { code: string; message: string } }> {
    const socket = new WebSocket(fleet.state.mediaUrl, 'communication-center-media.v1');
    return new Promise((resolve, reject) => {
      socket.onopen = () => frame && socket.send(typeof frame === 'string' ? frame : JSON.stringify(frame));
      socket.onerror = () => reject(new Error('the media socket failed'));
      socket.onmessage = ({ data }) => {
        resolve(JSON.parse(String(data)) as { type: string });
        socket.close();
      };
    });
  }

  test('refuses a wrong token, a frame before the join, a malformed frame, and a call that has ended', async () => {
    expect((await firstFrame({ type: 'join', token: 'wrong' })).error?.code).toBe('unauthenticated');
    expect((await firstFrame({ type: 'publish', kind: 'camera', sdp: 'v=0' })).error?.code).toBe('unauthenticated');
    expect((await firstFrame({ type: 'sing' })).error?.code).toBe('malformed_frame');
    const deep = await firstFrame(`{"type":"publish","sdp":${'{"a":'.repeat(3000)}1${'}'.repeat(3001)}`);
    expect(deep.error).toMatchObject({ code: 'malformed_frame', message: expect.stringContaining('too_deep') });
    const dialed = await fleet.rest<{ callId: string; media: { token: string } }>('POST', '/v1/calls', aliceToken, {
      deviceId: 'd',
      callees: ['bob'],
    });
    await fleet.rest('POST', `/v1/calls/${dialed.body.callId}/hang-up`, aliceToken, { deviceId: 'd' });
    const join = async () => (await firstFrame({ type: 'join', token: dialed.body.media.token })).error?.code;
    await expect.poll(join, { timeout: 10_000 }).toBe('room_closed');
  });

  test('takes no identity token for a credential, and its credentials open no other door', async () => {
    const dialed = await fleet.rest<{ callId: string; media: { token: string } }>('POST', '/v1/calls', aliceToken, {
      deviceId: 'd',
      callees: ['bob'],
    });
    const { callId, media } = dialed.body;
    expect((await fleet.rest('POST', `/v1/calls/${callId}/hang-up`, media.token, { deviceId: 'd' })).status).toBe(401);
    expect((await firstFrame({ type: 'join', token: aliceToken })).error?.code).toBe('unauthenticated');
    await fleet.rest('POST', `/v1/calls/${callId}/hang-up`, aliceToken, { deviceId: 'd' });
  });

  test('closes a socket that never joins', async () => {
    expect((await firstFrame(undefined)).error?.code).toBe('connect_timeout');
  });

  test('leaves no session of a socket that closes in the middle of its join', async () => {
    const dialed = await fleet.rest<{ callId: string; media: { token: string } }>('POST', '/v1/calls', aliceToken, {
      deviceId: 'd',
      callees: ['bob'],
    });
    for (let round = 0; round < 20; round += 1) {
      const socket = new WebSocket(fleet.state.mediaUrl, 'communication-center-media.v1');
      await new Promise((resolve) => {
        socket.onopen = resolve;
      });
      socket.send(JSON.stringify({ type: 'join', token: dialed.body.media.token }));
      await new Promise((resolve) => setTimeout(resolve, round % 10));
      socket.close();
    }
    const left = () => fleet.query('media', 'SELECT 1 FROM sessions WHERE app_id = $1', [app.appId]);
    // A join may still be under way when none is to be seen.
    const noneForGood = () =>
      holds('no session being left', async () => (await left()).length === 0, 500).then(
        () => true,
        () => false,
      );
    await eventually('no session being left for good', noneForGood);
    await fleet.rest('POST', `/v1/calls/${dialed.body.callId}/hang-up`, aliceToken, { deviceId: 'd' });
  });
});
