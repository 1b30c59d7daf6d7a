/*
 * Nothing of one app is seen or touched with another's credentials: every REST operation of the API document and every frame
 * of the socket is tried, with another app's key, its user's token, and nothing at all.
 */
import { readFileSync } from 'node:fs';
import {
  type ApiKeyView,
  type AppSecretView,
  type AuditList,
  type CallReply,
  clientFrameSchema,
  type EndpointView,
  type PushRegistrationView,
  type UserTokenView,
} from '@communication-center/contracts';
import type { JobView } from '@communication-center/contracts/webhook-messages';
import { eventually, Fleet, Phones, RawSocket, type TestApp } from '@communication-center/testing';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';

const fleet = new Fleet();
const phones = new Phones(fleet);
const document = JSON.parse(readFileSync(new URL('../docs/protocol/openapi.json', import.meta.url), 'utf8')) as {
  paths: Record<string, Record<string, { tags: string[] }>>;
};
let mine: TestApp;
let theirs: TestApp;
let ids: Record<string, string>;

beforeEach(async () => {
  const strict = { trustsBareAlias: false };
  [mine, theirs] = [await fleet.makeApp(strict), await fleet.makeApp(strict)];
  const alice = await phones.connect(mine, 'alice-of-mine');
  await fleet.makeUser(mine, 'bob-of-mine', { name: 'Bob of Mine', email: 'bob@mine.example.com' });
  const call = await alice.center.call(['bob-of-mine'], { ringSeconds: 120 });
  const endpoint = await fleet.rest<EndpointView>('POST', '/v1/webhook-endpoints', mine.key, { url: 'http://127.0.0.1:9/mine' });
  const replay = { kind: 'replay', position: 0 };
  const job = await fleet.rest<JobView>('POST', `/v1/webhook-endpoints/${endpoint.body.endpointId}/jobs`, mine.key, replay);
  await fleet.rest('PUT', '/v1/events/consumers/call-history', mine.key, {});
  await fleet.rest('PUT', `/v1/apps/${mine.appId}/sip-accounts/desk-of-mine`, mine.key);
  const target = { kind: 'fcm', token: 'a-token-of-bob-of-mine' };
  const device = { userAlias: 'bob-of-mine', deviceId: 'phone-of-mine', target };
  const registration = await fleet.rest<PushRegistrationView>('POST', '/v1/push-registrations', mine.key, device);
  await fleet.rest('PUT', '/v1/push-credentials', mine.key, { provider: 'web_push', subject: 'mailto:ops@mine.example.com' });
  const keys = await fleet.rest<{ keys: ApiKeyView[] }>('GET', `/v1/apps/${mine.appId}/api-keys`, mine.key);
  ids = {
    appId: mine.appId,
    callId: call.callId,
    userAlias: 'bob-of-mine',
    endpointId: endpoint.body.endpointId,
    jobId: job.body.jobId,
    keyId: keys.body.keys[0]?.keyId ?? '',
    kid: mine.secret.kid,
    username: 'desk-of-mine',
    registrationId: registration.body.registrationId,
    provider: 'web_push',
    service: 'calls',
    name: 'call-history',
    type: 'call.ended',
  };
});

afterEach(() => phones.closeAll());

const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
  Object.keys(methods).map((method) => [method.toUpperCase(), path] as const),
);
const marks = () =>
  [
    ids.callId,
    ids.endpointId,
    ids.jobId,
    ids.keyId,
    ids.kid,
    ids.registrationId,
    'phone-of-mine',
    'Bob of Mine',
    'bob@mine.example.com',
    'alice-of-mine',
    'mine.example',
  ] as string[];

/** Everything of my app that a stranger might have changed. */
async function stateOfMine(): Promise<unknown> {
  // How far a consumer is behind grows with the app's own events, of which some come late.
  const read = async (path: string) => withoutLag((await fleet.rest('GET', path, mine.key)).body);
  const app = `/v1/apps/${mine.appId}`;
  const lists = [
    app,
    `${app}/api-keys`,
    `${app}/secrets`,
    `${app}/sip-accounts`,
    `${app}/audit`,
    '/v1/webhook-endpoints',
    '/v1/events/consumers',
    '/v1/push-credentials',
    '/v1/push-registrations?userAlias=bob-of-mine',
    '/v1/users/bob-of-mine',
  ];
  return Promise.all([...lists.map(read), (await read(`/v1/calls/${ids.callId}`)).status]);
}

function withoutLag<T>(body: T): T {
  return JSON.parse(JSON.stringify(body ?? null, (name, value) => (name === 'behind' ? undefined : value)));
}

test('every REST operation', async () => {
  await eventually('bob ringing', async () => (await fleet.rest('GET', `/v1/presence/bob-of-mine`, mine.key)).body.status === 'busy');
  await fleet.makeUser(theirs, 'mallory');
  const before = await stateOfMine();
  const credentials = { key: theirs.key, user: await fleet.tokenOf(theirs, 'mallory'), nobody: undefined };
  expect(operations.length).toBeGreaterThan(40);
  for (const [method, path] of operations) {
    for (const [who, credential] of Object.entries(credentials)) {
      const filled = path.replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(ids[name] ?? 'x'));
      const body = ['POST', 'PUT', 'PATCH'].includes(method) ? bodyFor(path) : undefined;
      const answer = path.endsWith('/stream')
        ? await streamHead(filled, credential)
        : await fleet.rest<unknown>(method, filled, credential, body);
      const text = JSON.stringify(answer.body ?? '');
      const what = `${method} ${path} as ${who}: ${answer.status} ${text.slice(0, 200)}`;
      if (answer.status < 400) for (const mark of marks()) expect(text, what).not.toContain(mark);
      // Whoever has no credential hears that, whatever else is wrong. An app that trusts nobody's alias says so at its tokens.
      // What a link in an e-mail, or to a file, leads to is let in by its own token, and Twilio by its signature.
      if (who === 'nobody')
        expect(answer.status, what).toBe(/^\/v1\/(unsubscribe|sms-status|recording-files|broadcast-streams)\//.test(path) ? 400 : 401);
      if (/\{(appId|callId|endpointId|jobId)\}/.test(path)) expect([400, 401, 403, 404], what).toContain(answer.status);
    }
  }
  expect(await stateOfMine()).toEqual(before);
}, 120_000);

/** A body that would be taken, were the credentials right. */
function bodyFor(path: string): object {
  if (path === '/v1/calls') return { userAlias: 'alice-of-mine', callees: ['bob-of-mine'] };
  if (path === '/v1/user-tokens') return { userAlias: 'x-new', appId: mine.appId };
  if (path.endsWith('webhook-endpoints')) return { url: 'http://127.0.0.1:9/theirs' };
  if (path.endsWith('/jobs')) return { kind: 'replay', position: 0 };
  if (path.endsWith('/resend')) return { endpointId: ids.endpointId };
  if (path.endsWith('/acknowledge')) return { cursor: 'a-cursor' };
  if (path.startsWith('/v1/events/')) return {};
  if (path.endsWith('{endpointId}')) return { description: 'stolen' };
  if (path.includes('webhook-endpoints/')) return {};
  if (path.endsWith('do-not-disturb')) return { doNotDisturb: true };
  if (path === '/v1/push-registrations') return { deviceId: 'd', target: { kind: 'fcm', token: 'a-token-of-theirs' } };
  if (path === '/v1/push-credentials') return { provider: 'web_push', subject: 'mailto:ops@theirs.example.com' };
  if (path.endsWith('/push')) return { url: 'rtmp://127.0.0.1:9/theirs', streamKey: 'theirs' };
  if (path === '/v1/recording-storage') return { endpoint: 'http://127.0.0.1:9', bucket: 'theirs', accessKeyId: 'a', secretAccessKey: 'b' };
  if (path === '/v1/users/{userAlias}') return { name: 'stolen' };
  if (path.endsWith('api-keys')) return { name: 'stolen' };
  if (path === '/v1/apps/{appId}') return { name: 'stolen', trustsBareAlias: true };
  const common = { userAlias: 'bob-of-mine', deviceId: 'd' };
  return /\/(add|ring)$/.test(path)
    ? { ...common, callees: ['mallory'] }
    : /\/(kick|mute|allow)$/.test(path)
      ? { ...common, participant: 'bob-of-mine' }
      : common;
}

async function streamHead(path: string, credential: string | undefined): Promise<{ status: number; body: unknown }> {
  const stop = new AbortController();
  const response = await fetch(new URL(path, fleet.url), {
    headers: { ...(credential && { authorization: `Bearer ${credential}` }) },
    signal: stop.signal,
  });
  const first = response.ok ? await response.body?.getReader().read() : undefined;
  const text = first ? new TextDecoder().decode(first.value) : await response.text();
  stop.abort();
  return { status: response.status, body: text };
}

test('every frame of the socket', async () => {
  const socket = await RawSocket.open(fleet);
  const mallory = { userAlias: 'mallory', deviceId: 'd', token: await fleet.tokenOf(theirs, 'mallory') };
  const intruder = await RawSocket.open(fleet);
  intruder.send({ type: 'connect', id: 1, appId: mine.appId, ...mallory });
  expect((await intruder.frame('error')).error.code).toBe('forbidden');
  socket.send({ type: 'connect', id: 1, appId: theirs.appId, ...mallory });
  await socket.frame('connected');
  const types = clientFrameSchema.options
    .map(({ shape }) => shape.type.value)
    .filter((type) => !['connect', 'ping', 'sign_out', 'set_away'].includes(type));
  const tokenOfMine = await fleet.tokenOf(mine, 'alice-of-mine');
  for (const type of types) {
    const userAliases = ['alice-of-mine', 'bob-of-mine'];
    socket.send({
      type,
      id: type,
      commandId: `try-${type}-1234`,
      callId: ids.callId,
      callees: ['bob-of-mine'],
      participant: 'bob-of-mine',
      userAliases,
      token: tokenOfMine,
    });
    const answer = await eventually(`an answer to ${type}`, () => socket.frames.find((frame) => 'id' in frame && frame.id === type));
    const text = JSON.stringify(answer);
    if (answer.type === 'presences') expect(answer).toMatchObject({ presences: [], unknown: userAliases });
    else if (answer.type === 'profiles') expect(answer.profiles).toEqual([]);
    else if (type === 'refresh') expect(answer.type === 'error' && answer.error.code).toBe('forbidden');
    else if (answer.type !== 'done')
      expect(['call_not_found', 'unknown_user'], text).toContain(answer.type === 'error' ? answer.error.code : text);
  }
  expect(socket.frames.some((frame) => frame.type === 'event' || frame.type === 'presence')).toBe(false);
  socket.close();
});

describe('credentials', () => {
  test('a key is good until it is revoked, and not a request longer; a secret is rotated without a gap', async () => {
    const admin = `/v1/apps/${mine.appId}`;
    const made = await fleet.rest<ApiKeyView>('POST', `${admin}/api-keys`, mine.key, { name: 'short-lived', scopes: ['presence'] });
    const use = async () => (await fleet.rest('GET', '/v1/presence', made.body.secret)).status;
    expect(await use()).toBe(200);
    expect((await fleet.rest('GET', '/v1/calls', made.body.secret)).body.code).toBe('forbidden');
    expect((await fleet.rest('DELETE', `${admin}/api-keys/${made.body.keyId}`, mine.key)).status).toBe(204);
    expect(await use()).toBe(401);

    const token = async () =>
      (await fleet.rest<UserTokenView>('POST', '/v1/user-tokens', mine.key, { userAlias: 'alice-of-mine' })).body.token;
    const old = await token();
    const next = await fleet.rest<AppSecretView>('POST', `${admin}/secrets`, mine.key);
    const fresh = await token();
    const works = async (credential: string) => (await fleet.rest('GET', '/v1/users/alice-of-mine', credential)).status;
    expect([await works(old), await works(fresh)]).toEqual([200, 200]);
    expect((await fleet.rest('DELETE', `${admin}/secrets/${mine.secret.kid}`, mine.key)).status).toBe(204);
    expect([await works(old), await works(fresh)]).toEqual([401, 200]);

    const { entries } = (await fleet.rest<AuditList>('GET', `${admin}/audit?limit=200`, mine.key)).body;
    const ofCredentials = entries.filter(({ act }) => /^(secret|api_key)\./.test(act)).slice(0, 4);
    expect(ofCredentials.map(({ act, target }) => [act, target])).toEqual([
      ['secret.revoked', mine.secret.kid],
      ['secret.made', next.body.kid],
      ['api_key.revoked', made.body.keyId],
      ['api_key.made', made.body.keyId],
    ]);
    expect(ofCredentials.every(({ actor }) => actor.startsWith('key:'))).toBe(true);
  });

  test('a user sets its own wish not to be disturbed, and nobody else’s; a change of its profile leaves it alone', async () => {
    const token = await fleet.tokenOf(mine, 'bob-of-mine');
    const path = (userAlias: string) => `/v1/users/${userAlias}/do-not-disturb`;
    expect((await fleet.rest('PUT', path('bob-of-mine'), token, { doNotDisturb: true })).body).toMatchObject({ doNotDisturb: true });
    expect((await fleet.rest('PUT', path('alice-of-mine'), token, { doNotDisturb: true })).status).toBe(403);
    await fleet.makeUser(mine, 'bob-of-mine', { name: 'Robert' });
    expect((await fleet.rest('GET', '/v1/users/bob-of-mine', token)).body).toMatchObject({ name: 'Robert', doNotDisturb: true });
  });

  test('a call that was made stays what it was for its people', async () => {
    const { body } = await fleet.rest<CallReply>('GET', `/v1/calls/${ids.callId}`, mine.key);
    expect(body).toMatchObject({ status: 'ringing' });
  });
});
