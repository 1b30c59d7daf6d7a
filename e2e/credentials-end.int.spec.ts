/*
 * What let somebody in may end: then, within two seconds and at every door of every replica, so does what it let in, and nothing
 * else does. An expiry is told before, can be met with a fresh token, and ends no call; a revocation does.
 */
import { createHmac } from 'node:crypto';
import {
  type AppSecretView,
  type CallReply,
  mediaSubprotocol,
  type Problem,
  type UserRevoked,
  type UserSessions,
} from '@communication-center/contracts';
import { endOf, eventually, Fleet, holds, Phones, RawSocket, ringOf, type TestApp } from '@communication-center/testing';
import { afterEach, beforeAll, expect, test } from 'vitest';

const fleet = new Fleet();
const phones = new Phones(fleet);
const doors = fleet.replicasOf('gateway').map((gateway) => `http://127.0.0.1:${fleet.state.ports[gateway]}`);
/** Two seconds, and what this machine takes to tell. */
const soonMs = 2500;
let app: TestApp;

beforeAll(async () => {
  app = await fleet.makeApp();
});
afterEach(() => phones.closeAll());

const now = () => Math.floor(Date.now() / 1000);

/** Signs a token as the app's own server does. */
function signed(userAlias: string, { seconds = 3600, by = app.secret }: { seconds?: number; by?: AppSecretView } = {}): string {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const text = `${part({ alg: 'HS256', kid: by.kid })}.${part({ sub: userAlias, iat: now(), exp: now() + seconds, jti: 'one' })}`;
  return `${text}.${createHmac('sha256', by.secret ?? '')
    .update(text)
    .digest('base64url')}`;
}

async function connect(userAlias: string, token: string, door = doors[0]): Promise<RawSocket> {
  const socket = await RawSocket.open(fleet, door);
  socket.send({ type: 'connect', id: 'c', appId: app.appId, userAlias, deviceId: `${userAlias}-desk`, token });
  return socket;
}

async function connected(userAlias: string, token: string, door?: string): Promise<RawSocket> {
  const socket = await connect(userAlias, token, door);
  await socket.frame('connected');
  return socket;
}

const atEveryDoor = (userAlias: string, token: string) => Promise.all(doors.map((door) => connected(userAlias, token, door)));

test('a revocation ends what tokens of before let in, at every gateway, and nobody else; the next token is good at once', async () => {
  const [stolen, others] = [signed('rita'), signed('otto')];
  const [mine, theirs] = [await atEveryDoor('rita', stolen), await atEveryDoor('otto', others)];
  const revoked = await fleet.rest<UserRevoked>('POST', '/v1/users/rita/revoke', app.key);
  expect([revoked.status, revoked.body.userAlias]).toEqual([200, 'rita']);
  expect(await Promise.all(mine.map((socket) => socket.closed(soonMs)))).toEqual(doors.map(() => 4001));
  expect(mine.flatMap(({ frames }) => frames.at(-1))).toMatchObject(
    doors.map(() => ({ type: 'error', error: { code: 'unauthenticated' } })),
  );
  for (const door of doors) {
    const again = await connect('rita', stolen, door);
    expect((await again.frame('error')).error).toMatchObject({ code: 'unauthenticated', message: expect.stringContaining('revoked') });
    (await connected('rita', await fleet.tokenOf(app, 'rita'), door)).close();
  }
  expect((await fleet.rest('GET', '/v1/users/rita', stolen)).status).toBe(401);
  expect(theirs.map(({ closeCode }) => closeCode)).toEqual(doors.map(() => undefined));
  for (const socket of theirs) socket.close();
  expect((await fleet.rest<Problem>('POST', '/v1/users/nobody/revoke', app.key)).body.code).toBe('unknown_user');
  expect((await fleet.rest('POST', '/v1/users/otto/revoke', others)).status).toBe(403);
});

test('with a secret ends what it signed, and not what another did', async () => {
  const leaked = (await fleet.rest<AppSecretView>('POST', `/v1/apps/${app.appId}/secrets`, app.key, {})).body;
  const theirs = await atEveryDoor('lena', signed('lena', { by: leaked }));
  const mine = await atEveryDoor('olga', signed('olga'));
  expect((await fleet.rest('DELETE', `/v1/apps/${app.appId}/secrets/${leaked.kid}`, app.key)).status).toBe(204);
  expect(await Promise.all(theirs.map((socket) => socket.closed(soonMs)))).toEqual(doors.map(() => 4001));
  expect(mine.map(({ closeCode }) => closeCode)).toEqual(doors.map(() => undefined));
  for (const socket of mine) socket.close();
});

test('a session can be ended, alone or with all of its user or secret, and its device may come back with what let it in', async () => {
  const token = signed('sina');
  const sessions = async (by = app.key) => (await fleet.rest<UserSessions>('GET', '/v1/users/sina/sessions', by)).body.sessions;
  const open = async () => {
    const sockets = await atEveryDoor('sina', token);
    await eventually('the sessions being told', async () => (await sessions()).length === doors.length);
    return sockets;
  };
  const first = await open();
  const { sessionId } = await (first[0] as RawSocket).frame('connected');
  expect(await sessions(token)).toContainEqual({ sessionId, deviceId: 'sina-desk', platform: 'other', openedAt: expect.any(String) });
  expect((await fleet.rest('DELETE', `/v1/users/sina/sessions/${sessionId}`, signed('otto'))).status).toBe(403);
  expect((await fleet.rest('DELETE', `/v1/users/sina/sessions/${sessionId}`, token)).status).toBe(204);
  expect(await first[0]?.closed(soonMs)).toBe(4001);
  await holds('the other session going on', () => first[1]?.closeCode === undefined, 500);
  await eventually('the session being gone', async () => (await sessions()).length === doors.length - 1);
  expect((await fleet.rest('DELETE', `/v1/users/sina/sessions/${sessionId}`, app.key)).status).toBe(404);
  expect((await fleet.rest('DELETE', '/v1/users/sina/sessions', app.key)).status).toBe(204);
  expect(await first[1]?.closed(soonMs)).toBe(4001);
  await eventually('all sessions being gone', async () => (await sessions()).length === 0);
  const again = await open();
  const other = await connected('otto', await fleet.tokenOf(app, 'otto'));
  expect((await fleet.rest('DELETE', `/v1/apps/${app.appId}/secrets/${app.secret.kid}/sessions`, app.key)).status).toBe(204);
  expect(await Promise.all(again.map((socket) => socket.closed(soonMs)))).toEqual(doors.map(() => 4001));
  other.close();
});

test('a deleted user is deleted: what it had open ends, and no token of before makes it anew', async () => {
  const token = signed('dora');
  const sockets = await atEveryDoor('dora', token);
  expect((await fleet.rest('DELETE', '/v1/users/dora', app.key)).status).toBe(204);
  expect(await Promise.all(sockets.map((socket) => socket.closed(soonMs)))).toEqual(doors.map(() => 4001));
  for (const door of doors) expect((await (await connect('dora', token, door)).frame('error')).error.code).toBe('unauthenticated');
  expect((await fleet.rest('GET', '/v1/users/dora', app.key)).status).toBe(404);
});

test.each([
  ['a revocation', 'POST', '/revoke'],
  ['the deletion of the user', 'DELETE', ''],
])('%s ends the call that is going on, and its media', async (_what, method, path) => {
  const userAlias = method === 'POST' ? 'carl' : 'cora';
  const alice = await phones.connect(app, 'alice');
  const token = signed(userAlias);
  const device = await connected(userAlias, token, doors.at(-1));
  const call = await alice.center.call([userAlias]);
  await device.frame('event', ({ event }) => event.type === 'call.dialed');
  device.send({ type: 'answer', id: 'a', commandId: `answer-${userAlias}`, callId: call.callId });
  const { media } = (await device.frame('reply', ({ id }) => id === 'a')).result as CallReply;
  const frames = await joined(media);
  await eventually('the call being answered', () => call.phase === 'connected');
  const before = Date.now();
  expect((await fleet.rest(method, `/v1/users/${userAlias}${path}`, app.key)).status).toBeLessThan(300);
  expect(await endOf(call, 5000)).toBe('hung_up');
  await eventually('the media socket having closed', () => frames.some(({ type }) => type === 'closed'), 5000);
  expect(Date.now() - before).toBeLessThan(soonMs + 1000);
  const late = await joined(media, 'error');
  expect(late.find(({ type }) => type === 'error')).toBeDefined();
});

test('of a device that has nothing but its media socket, that ends as well, and its credential opens it no more', async () => {
  const alice = await phones.connect(app, 'alice');
  const token = signed('mona');
  await fleet.rest('GET', '/v1/users/mona', token);
  const call = await alice.center.call(['mona']);
  const answered = await fleet.rest<CallReply>('POST', `/v1/calls/${call.callId}/answer`, token, { deviceId: 'mona-desk' });
  const frames = await joined(answered.body.media);
  await fleet.rest('POST', '/v1/users/mona/revoke', app.key);
  await eventually('the media socket having closed', () => frames.some(({ type }) => type === 'closed'), soonMs);
  const again = await joined(answered.body.media, 'error');
  expect(again.find(({ type }) => type === 'error')?.error?.code).toBe('unauthenticated');
  await call.hangUp();
});

interface MediaFrame {
  type: string;
  error?: { code: string };
}

/** Opens the media socket that was given. @returns what it says, once it has said `until`. */
async function joined(media: CallReply['media'], until = 'joined'): Promise<MediaFrame[]> {
  const socket = new WebSocket(media?.url ?? '', mediaSubprotocol);
  const frames: MediaFrame[] = [];
  socket.onopen = () => socket.send(JSON.stringify({ type: 'join', token: media?.token }));
  socket.onmessage = ({ data }) => frames.push(JSON.parse(String(data)) as MediaFrame);
  await eventually(`a media socket that says ${until}`, () => frames.some(({ type }) => type === until));
  return frames;
}

test('a device is told that its token expires, and goes on with another on the same socket; without, it is put out', async () => {
  const [going, over] = [await connected('erna', signed('erna', { seconds: 5 })), await connected('erik', signed('erik', { seconds: 5 }))];
  for (const socket of [going, over]) await socket.frame('token_expiring');
  going.send({ type: 'refresh', id: 'wrong', token: signed('erik') });
  expect((await going.frame('error', ({ id }) => id === 'wrong')).error.code).toBe('forbidden');
  going.send({ type: 'refresh', id: 'r', token: signed('erna') });
  await going.frame('done', ({ id }) => id === 'r');
  expect(await over.closed(5000)).toBe(4001);
  await holds('the other socket being open', () => going.closeCode === undefined, 4000);
  // It ends with what it was refreshed with, not with what it began with.
  await fleet.rest('POST', '/v1/users/erna/revoke', app.key);
  expect(await going.closed(soonMs)).toBe(4001);
});

test('an expiry ends no call: the device goes on in it, dials nobody anew, and is put out when the call is over', async () => {
  const alice = await phones.connect(app, 'alice');
  const device = await connected('ella', signed('ella', { seconds: 5 }));
  device.send({ type: 'dial', id: 'd', commandId: 'dial-while-good', callees: ['alice'] });
  const { callId } = (await device.frame('reply', ({ id }) => id === 'd')).result;
  const ring = await ringOf(alice);
  await ring.answer();
  await holds('the call being up', () => device.closeCode === undefined && ring.phase !== 'ended', 7000);
  device.send({ type: 'dial', id: 'e', commandId: 'dial-when-over', callees: ['alice'] });
  expect((await device.frame('error', ({ id }) => id === 'e')).error.code).toBe('unauthenticated');
  device.send({ type: 'hang_up', id: 'h', commandId: 'hang-up-when-over', callId });
  await device.frame('reply', ({ id }) => id === 'h');
  expect(await device.closed(5000)).toBe(4001);
});
