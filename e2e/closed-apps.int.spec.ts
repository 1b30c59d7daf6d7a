/*
 * An app that is suspended or deleted is over within two seconds at every door of every replica: sockets, streams and calls end and
 * are told why, nobody gets in, and no other app notices. One that was resumed goes on; of one that was deleted nothing is left.
 */
import type { AppView, EndpointView, Presence, Problem, SipAccountView } from '@communication-center/contracts';
import { endOf, eventually, Fleet, Phones, PresenceReader, RawSocket, ringOf, SipPhone, type TestApp } from '@communication-center/testing';
import { afterEach, beforeEach, expect, test } from 'vitest';

const fleet = new Fleet();
const phones = new Phones(fleet);
const doors = fleet.replicasOf('gateway').map((gateway) => `http://127.0.0.1:${fleet.state.ports[gateway]}`);
const operator = fleet.state.secrets.operatorKey;
/** Two seconds, and what this machine takes to tell. */
const soonMs = 2500;
let app: TestApp;

beforeEach(async () => {
  app = await fleet.makeApp({ options: { mediaSetupSeconds: 0 } });
});
afterEach(() => phones.closeAll());

async function connect(of: TestApp, userAlias: string, token: string, door = doors[0]): Promise<RawSocket> {
  const socket = await RawSocket.open(fleet, door);
  socket.send({ type: 'connect', id: 'c', appId: of.appId, userAlias, deviceId: `${userAlias}-desk`, token });
  return socket;
}

async function connected(of: TestApp, userAlias: string, token: string, door?: string): Promise<RawSocket> {
  const socket = await connect(of, userAlias, token, door);
  await socket.frame('connected');
  return socket;
}

const act = (what: 'suspend' | 'resume', key = operator) => fleet.rest<AppView & Problem>('POST', `/v1/apps/${app.appId}/${what}`, key);

test('a suspended app is over at every door, is let in nowhere, and goes on where it was once it is resumed', async () => {
  const other = await fleet.makeApp();
  const [token, others] = [await fleet.tokenOf(app, 'sam'), await fleet.tokenOf(other, 'olga')];
  const mine = await Promise.all(doors.map((door) => connected(app, 'sam', token, door)));
  const theirs = await Promise.all(doors.map((door) => connected(other, 'olga', others, door)));
  const streams = await Promise.all(
    doors.map((door) => fetch(`${door}/v1/presence/stream`, { headers: { authorization: `Bearer ${app.key}` } })),
  );
  // Whether the door ends a stream or breaks it off, it is over.
  const ended = streams.map(({ body }) => new Response(body).text().catch(() => ''));
  expect((await act('suspend', app.key)).body.code).toBe('forbidden');
  const suspended = await act('suspend');
  expect([suspended.status, suspended.body.state]).toEqual([200, 'suspended']);
  expect((await act('suspend')).body.state).toBe('suspended');
  const before = Date.now();
  expect(await Promise.all(mine.map((socket) => socket.closed(soonMs)))).toEqual(doors.map(() => 4001));
  await Promise.all(ended);
  expect(Date.now() - before).toBeLessThan(soonMs);
  expect(mine.flatMap(({ frames }) => frames.at(-1))).toMatchObject(doors.map(() => ({ type: 'error', error: { code: 'app_suspended' } })));
  for (const door of doors) expect((await (await connect(app, 'sam', token, door)).frame('error')).error.code).toBe('app_suspended');
  for (const credential of [app.key, token]) {
    const refused = await fleet.rest<Problem>('GET', '/v1/users/sam', credential);
    expect([refused.status, refused.body.code]).toEqual([403, 'app_suspended']);
  }
  const bare = await fleet.rest<Problem>('POST', '/v1/user-tokens', undefined, { appId: app.appId, userAlias: 'sam' });
  expect(bare.body.code).toBe('app_suspended');
  expect(theirs.map(({ closeCode }) => closeCode)).toEqual(doors.map(() => undefined));
  expect((await act('resume')).body.state).toBe('active');
  for (const door of doors) (await connected(app, 'sam', token, door)).close();
  for (const socket of theirs) socket.close();
});

test('calls of a suspended app end, and are told why, ringing ones too', async () => {
  const [alice, bob, carol, dave] = [
    await phones.connect(app, 'alice'),
    await phones.connect(app, 'bob'),
    await phones.connect(app, 'carol'),
    await phones.connect(app, 'dave'),
  ];
  const talk = await alice.center.call(['bob']);
  await (await ringOf(bob)).answer();
  const ringing = await carol.center.call(['dave']);
  await ringOf(dave);
  await act('suspend');
  const reasonOf = async (callId: string) =>
    (await fleet.query<{ reason: string | null }>('calls', "SELECT state->>'reason' AS reason FROM calls WHERE call_id = $1", [callId]))[0]
      ?.reason;
  for (const { callId } of [talk, ringing]) await eventually('the call being over', async () => reasonOf(callId), soonMs);
  expect([await reasonOf(talk.callId), await reasonOf(ringing.callId)]).toEqual(['ended_by_server', 'ended_by_server']);
  await act('resume');
  const record = await fleet.rest<{ reason: string }>('GET', `/v1/calls/${talk.callId}`, app.key);
  expect([record.status, record.body.reason]).toEqual([200, 'ended_by_server']);
});

test('subscriptions of an app’s phone systems end with it, and are refused until it is resumed', async () => {
  await fleet.makeUser(app, 'bob');
  await eventually('bob being known', async () => (await fleet.rest('GET', '/v1/presence/bob', app.key)).status === 200);
  const { body } = await fleet.rest<SipAccountView>('PUT', `/v1/apps/${app.appId}/sip-accounts/desk`, app.key, {
    // It takes the first that is offered, and knows no other.
    algorithms: ['MD5'],
  });
  const phone = {
    center: `127.0.0.1:${fleet.state.ports.sip}`,
    transport: 'udp' as const,
    target: `sip:bob@${app.appId}`,
    package: 'dialog',
    realm: app.appId,
    username: 'desk',
    password: body.password ?? '',
    notifies: 2,
  };
  const lamp = await SipPhone.start(phone);
  expect(await lamp.notify(1)).toContain('Subscription-State: active;expires=');
  await act('suspend');
  expect(await lamp.notify(2, soonMs + 500)).toContain('Subscription-State: terminated;reason=deactivated');
  await act('resume');
  const again = await SipPhone.start({ ...phone, notifies: 1 });
  expect(await again.notify(1)).toContain('Subscription-State: active;expires=');
}, 90_000);

test('a ring at a user who is deleted ends at once, and the caller hears of it', async () => {
  await fleet.makeUser(app, 'bob');
  const alice = await phones.connect(app, 'alice');
  const call = await alice.center.call(['bob']);
  const before = Date.now();
  expect((await fleet.rest('DELETE', '/v1/users/bob', app.key)).status).toBe(204);
  expect(await endOf(call, soonMs)).toBe('kicked');
  expect(Date.now() - before).toBeLessThan(soonMs);
  const answer = await alice.center.call(['bob']).catch((error: { code: string }) => error.code);
  expect(answer).toBe('unknown_user');
});

test('of a deleted app nothing is left in any service, and its name is given to nobody', async () => {
  const count = 450;
  const alice = await phones.connect(app, 'alice');
  await fleet.makeUser(app, 'bob', { name: 'Bob', email: 'bob@example.org' });
  await fleet.query(
    'directory',
    `INSERT INTO users (app_id, user_alias, name, sequence) SELECT $1, 'many-' || number, 'Many', 1 FROM generate_series(1, ${count}) AS number`,
    [app.appId],
  );
  await fleet.rest('PUT', `/v1/apps/${app.appId}/sip-accounts/pbx`, app.key);
  await fleet.rest<EndpointView>('POST', '/v1/webhook-endpoints', app.key, { url: 'http://127.0.0.1:9/', eventTypes: ['call.*'] });
  const call = await alice.center.call(['bob']);
  await call.hangUp();
  await eventually('presence', async () => (await fleet.rest<Presence>('GET', '/v1/presence/bob', app.key)).status === 200);
  await eventually(
    'the history',
    async () => (await fleet.query('calls', 'SELECT FROM call_history WHERE app_id = $1', [app.appId])).length > 0,
  );
  expect((await fleet.rest('DELETE', `/v1/apps/${app.appId}`, app.key)).status).toBe(403);
  expect((await fleet.rest('DELETE', `/v1/apps/${app.appId}`, operator)).status).toBe(204);
  for (const [method, path] of [
    ['GET', ''],
    ['DELETE', ''],
    ['POST', '/resume'],
  ] as const) {
    const answer = await fleet.rest<Problem>(method, `/v1/apps/${app.appId}${path}`, operator);
    expect(answer.body.code).toBe('unknown_app');
  }
  expect((await fleet.rest<Problem>('PUT', `/v1/apps/${app.appId}`, operator, { name: 'again' })).body.code).toBe('conflict');
  // The key may be erased already: then nobody knows whose it was.
  expect(['unknown_app', 'unauthenticated']).toContain((await fleet.rest<Problem>('GET', '/v1/presence', app.key)).body.code);
  const kept: [schema: string, tables: string[]][] = [
    ['directory', ['users', 'api_keys', 'app_secrets', 'sip_accounts']],
    ['calls', ['call_history', 'call_parts', 'calls', 'events', 'commands', 'recent_calls', 'user_settings', 'lines', 'rings']],
    ['presence', ['people', 'known_users', 'seen_devices', 'bucket_changes']],
    ['notifications', ['contacts']],
    ['webhooks', ['messages', 'delivery_attempts', 'undelivered', 'inbox', 'positions', 'app_positions']],
  ];
  for (const [schema, tables] of kept)
    for (const table of tables)
      await eventually(
        `${table} of ${schema} being empty`,
        async () => (await fleet.query(schema, `SELECT FROM ${table} WHERE app_id = $1 LIMIT 1`, [app.appId])).length === 0,
        100_000,
      );
  const endpoints = await fleet.query('webhooks', "SELECT FROM endpoints WHERE app_id = $1 AND (deleted_at IS NULL OR url <> '')", [
    app.appId,
  ]);
  expect(endpoints).toEqual([]);
  expect(
    await fleet.query('directory', "SELECT act FROM audit WHERE app_id = $1 AND act LIKE 'app.%' ORDER BY entry_id DESC LIMIT 2", [
      app.appId,
    ]),
  ).toEqual([{ act: 'app.erased' }, { act: 'app.deleted' }]);
}, 180_000);

test('a presence stream of another app goes on while one is deleted', async () => {
  const other = await fleet.makeApp();
  const reader = new PresenceReader(fleet.url, other.key, '');
  await eventually('the stream being up', () => reader.ready);
  await fleet.rest('DELETE', `/v1/apps/${app.appId}`, operator);
  await fleet.makeUser(other, 'zoe');
  await eventually('news', () => reader.of('zoe'));
  reader.stop();
});
