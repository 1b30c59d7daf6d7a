/*
 * A ring token lets one device take part in one ring and in the call that comes of it, and do nothing else: every frame of the contract and
 * every REST operation is tried with it, on its own call and on another. Only one that notifications signed, for that device, that is not
 * over, and of a user whose tokens have not ended since the device registered, lets anybody in.
 */
import { generateKeyPairSync, type KeyObject, randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { type CallReply, type ClientFrame, clientFrameSchema } from '@communication-center/contracts';
import { type RingGrant, ringTokenKind } from '@communication-center/contracts/ring-token';
import { eventually, Fleet, RawSocket } from '@communication-center/testing';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type Askers, makeAskers } from './askers.js';
import { type ServiceKey, signedAs } from './sign.js';

/** What it is for. A frame that comes later is not, unless it is named here. */
const mayFrames = ['ringing', 'device_ringing', 'credentials', 'request_upgrade', 'accept_upgrade', 'refuse_upgrade', 'ignore', 'answer'];
const mayEndIt = ['decline', 'hang_up'];
const signsOfLife = ['ping', 'sign_out', 'refresh', 'connect'];
const acts = ['ringing', 'ignore', 'answer', 'credentials', 'request-upgrade', 'accept-upgrade', 'refuse-upgrade', 'hang-up', 'decline'];
const mayAsk = ['GET /v1/calls/{callId}', 'GET /v1/calls/{callId}/timeline', ...acts.map((act) => `POST /v1/calls/{callId}/${act}`)];

const fleet = new Fleet();
const open: RawSocket[] = [];
let askers: Askers;
let callId: string;
let otherCall: string;

beforeEach(async () => {
  askers = await makeAskers(fleet);
  const dial = async (callee: string, caller: string) => {
    const terms = { userAlias: caller, deviceId: 'desk', callees: [callee], ringSeconds: 120 };
    return (await fleet.rest<CallReply>('POST', '/v1/calls', askers.mine.key, terms)).body.callId;
  };
  callId = await dial('rita-of-mine', 'alice-of-mine');
  otherCall = await dial('otto-of-mine', 'rex-of-mine');
});
afterEach(() => {
  for (const socket of open.splice(0)) socket.close();
});

interface Signing {
  by?: 'notifications' | 'calls';
  key?: KeyObject;
  seconds?: number;
  typ?: string;
}

const now = () => Math.floor(Date.now() / 1000);

/** Signs a ring token of rita's phone as the notifications service does, unless told otherwise. */
function ringToken(
  grant: Partial<RingGrant> = {},
  { by = 'notifications', key, seconds = 60, typ = ringTokenKind.typ }: Signing = {},
): string {
  const ring = {
    appId: askers.mine.appId,
    callId,
    userAlias: 'rita-of-mine',
    deviceId: 'phone',
    sequence: 1,
    registeredAt: now() - 5,
    ...grant,
  };
  const claims = { ring, iss: by, aud: ringTokenKind.audience, iat: now() - 120, exp: now() + seconds };
  return signedAs(fleet.state.secrets.privateKeys[by] as ServiceKey, claims, { typ, ...(key && { key }) });
}

async function connecting(token: string, deviceId = 'phone', userAlias = 'rita-of-mine'): Promise<RawSocket> {
  const socket = await RawSocket.open(fleet);
  open.push(socket);
  socket.send({ type: 'connect', id: 'c', appId: askers.mine.appId, userAlias, deviceId, token });
  return socket;
}

async function asked(socket: RawSocket, frame: object): Promise<string> {
  const id = randomUUID();
  socket.send({ ...frame, id });
  const answer = await eventually(`an answer to ${JSON.stringify(frame)}`, () => socket.frames.find((one) => 'id' in one && one.id === id));
  return answer.type === 'error' ? answer.error.code : answer.type;
}

const says = (type: ClientFrame['type'], on: string) => ({
  type,
  callId: on,
  commandId: `c-${randomUUID()}`,
  userAliases: ['otto-of-mine'],
  callees: ['otto-of-mine'],
  participant: 'alice-of-mine',
  away: true,
});

const callOf = async (id: string) => (await fleet.rest('GET', `/v1/calls/${id}`, askers.mine.key)).body;

test('every frame but those of its ring is refused, and those on any other call', async () => {
  const socket = await connecting(ringToken());
  const { calls } = await socket.frame('connected');
  expect(calls.map((call) => call.callId)).toEqual([callId]);
  const types = clientFrameSchema.options.map(({ shape }) => shape.type.value).filter((type) => !signsOfLife.includes(type));
  const before = await callOf(otherCall);
  for (const type of types) expect(await asked(socket, says(type, otherCall)), `${type} on another call`).toBe('forbidden');
  const again = await connecting(ringToken());
  await again.frame('connected');
  for (const type of types) {
    if (mayEndIt.includes(type)) continue;
    const answer = await asked(again, says(type, callId));
    if (mayFrames.includes(type)) expect(answer, type).not.toBe('forbidden');
    else expect(answer, type).toBe('forbidden');
  }
  expect(await callOf(otherCall)).toEqual(before);
  expect(await callOf(callId)).toMatchObject({ status: 'connected' });
  expect(await asked(socket, { type: 'hang_up', callId, commandId: 'bye-bye-bye' })).toBe('reply');
  // With a user token it may do what the user may, and only of its own user.
  expect(await asked(socket, { type: 'refresh', token: askers.tokens.otto })).toBe('forbidden');
  expect(await asked(socket, { type: 'refresh', token: ringToken() })).toBe('forbidden');
  expect(await asked(socket, { type: 'refresh', token: askers.tokens.rita })).toBe('done');
  expect(await asked(socket, { type: 'set_away', away: true })).toBe('done');
});

test('every REST operation but those of its ring is refused, and those on any other call', async () => {
  const document = JSON.parse(readFileSync(new URL('../../docs/protocol/openapi.json', import.meta.url), 'utf8')) as {
    paths: Record<string, object>;
  };
  const token = ringToken();
  const before = await callOf(otherCall);
  const ask = async (method: string, path: string, on: string): Promise<number> => {
    const filled = path.replace('{callId}', on).replace(/\{\w+\}/g, 'x');
    const body = ['POST', 'PUT', 'PATCH'].includes(method) ? {} : undefined;
    const answer = await fetch(new URL(filled, fleet.url), {
      method,
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      ...(body && { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(8000),
    });
    await answer.body?.cancel();
    if (answer.status !== 429) return answer.status;
    await new Promise((resolve) => setTimeout(resolve, 1000));
    return ask(method, path, on);
  };
  const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => [method.toUpperCase(), path] as const),
  );
  expect(operations.length).toBeGreaterThan(40);
  for (const [method, path] of operations) {
    const what = `${method} ${path}`;
    const others = await ask(method, path, otherCall);
    // What is wrong with a body may be said first; nothing is ever done.
    expect([400, 401, 403, 404], `${what} on another call: ${others}`).toContain(others);
    if (mayAsk.includes(what)) expect(others, what).toBe(403);
    else if (path.includes('{callId}')) expect([400, 403, 404], what).toContain(await ask(method, path, callId));
  }
  expect(await callOf(otherCall)).toEqual(before);
  for (const act of acts.slice(0, 3)) expect(await ask('POST', `/v1/calls/{callId}/${act}`, callId), act).toBe(200);
  expect(await ask('GET', '/v1/calls/{callId}', callId)).toBe(200);
  expect(await ask('POST', '/v1/calls/{callId}/hang-up', callId)).toBe(200);
});

test('no other token lets a device in by its ring', async () => {
  const { privateKey } = generateKeyPairSync('ed25519');
  const bad: Record<string, string> = {
    'one whose time is over': ringToken({}, { seconds: -1 }),
    'one that calls signed': ringToken({}, { by: 'calls' }),
    'one of another key': ringToken({}, { key: privateKey }),
    'one of another kind': ringToken({}, { typ: 'media-credential+jwt' }),
    'one of another app': ringToken({ appId: askers.theirs.appId as RingGrant['appId'] }),
    'one of another user': ringToken({ userAlias: 'otto-of-mine' as RingGrant['userAlias'] }),
    'one of another device': ringToken({ deviceId: 'tablet' as RingGrant['deviceId'] }),
    'one that names no ring': ringToken({ callId: 'x' as RingGrant['callId'] }),
  };
  for (const [what, token] of Object.entries(bad)) {
    const socket = await connecting(token);
    expect(['unauthenticated', 'forbidden'], what).toContain((await socket.frame('error')).error.code);
    expect(await socket.closed(), what).toBe(4001);
  }
  // The tokens of rex ended when he was there already: with them those of devices that had registered by then.
  const rex = { userAlias: 'rex-of-mine', callId: otherCall, registeredAt: now() - 60 } as Partial<RingGrant>;
  const revoked = await connecting(ringToken(rex), 'phone', 'rex-of-mine');
  expect((await revoked.frame('error')).error.code).toBe('unauthenticated');
  const since = await connecting(ringToken({ ...rex, registeredAt: now() + 2 }), 'phone', 'rex-of-mine');
  await since.frame('connected');
  await fleet.rest('POST', '/v1/users/rex-of-mine/revoke', askers.mine.key);
  await new Promise((resolve) => setTimeout(resolve, 2100));
  await fleet.rest('POST', '/v1/users/rex-of-mine/revoke', askers.mine.key);
  expect(await since.closed()).toBe(4001);
});
