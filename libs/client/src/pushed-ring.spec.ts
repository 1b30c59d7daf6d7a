/*
 * A phone that a push wakes connects with what the push brought, and goes on with its user's token as soon as that is good; by one request
 * it answers or declines before anything is connected.
 */
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { CommunicationCenter, type ConnectOptions } from './communication-center.js';
import { answerWithRingToken, declineWithRingToken } from './pushed-ring.js';
import { aCall, callId, connected, ringing, StandInCenter } from './stand-in-center.js';

let there: StandInCenter;
let fetched: ReturnType<typeof vi.fn<(url: URL, init: RequestInit) => Promise<Response>>>;

beforeEach(() => {
  vi.useFakeTimers({ now: new Date('2026-01-01T00:00:00Z') });
  there = new StandInCenter();
  fetched = vi.fn();
  vi.stubGlobal('fetch', fetched);
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

const ring = { callId, deviceId: 'phone', deadline: '2026-01-01T00:00:30.000Z', ringToken: 'ring-token' };

async function woken(more: Partial<ConnectOptions> = {}): Promise<CommunicationCenter> {
  const options = { url: 'https://center.example.com', appId: 'demo', userAlias: 'bob', token: 'user-token', media: false, ring };
  const connecting = CommunicationCenter.connect({ ...options, webSocket: there.webSocket, ...more });
  await vi.advanceTimersByTimeAsync(0);
  return connecting;
}

test('it connects as its device by the ring token, and hears of the ring though it rang before anybody listened', async () => {
  there.calls = [aCall()];
  const center = await woken();
  expect(there.socket.last('connect')).toMatchObject({ deviceId: 'phone', token: 'ring-token' });
  const rings: string[] = [];
  center.on('incomingCall', (call) => rings.push(call.callId));
  await vi.advanceTimersByTimeAsync(0);
  expect(rings).toEqual([callId]);
  expect(there.socket.last('ringing')).toMatchObject({ callId });
});

test('where another device was first it says all the same that it rings, as what concerns nobody but the Center', async () => {
  there.calls = [aCall({ participants: [connected('alice'), ringing('bob', { confirmed: true })] })];
  const center = await woken();
  center.on('incomingCall', () => undefined);
  await vi.advanceTimersByTimeAsync(0);
  expect([there.socket.last('ringing'), there.socket.last('device_ringing')]).toMatchObject([undefined, { callId }]);
});

test('once its user token is taken it connects anew with that, for all there is; where it is refused nothing changes', async () => {
  there.onFrame = (socket, { type, id }) =>
    type === 'refresh' && socket.tell({ type: 'error', id, error: { code: 'unauthenticated', message: '' } });
  await woken();
  expect(there.socket.last('refresh')).toMatchObject({ token: 'user-token' });
  await vi.advanceTimersByTimeAsync(5000);
  expect(there.sockets).toHaveLength(1);
  there.onFrame = (socket, { type, id }) => type === 'refresh' && socket.tell({ type: 'done', id });
  there.socket.tell({ type: 'token_expiring', expiresAt: ring.deadline });
  await vi.advanceTimersByTimeAsync(3000);
  expect(there.sockets).toHaveLength(2);
  expect(there.socket.last('connect')).toMatchObject({ token: 'user-token' });
});

test('a ring token that is over, by this clock or the Center’s, is not insisted on', async () => {
  await woken({ ring: { ...ring, deadline: '2025-12-31T23:59:59.000Z' } });
  expect(there.socket.last('connect')).toMatchObject({ token: 'user-token' });
  const asOf = (frame: { token?: unknown }) => frame.token;
  there = new StandInCenter();
  const letIn = there.onConnect;
  there.onConnect = (socket) =>
    asOf(socket.last('connect') ?? {}) === 'ring-token'
      ? socket.tell({ type: 'error', id: 'connect', error: { code: 'unauthenticated', message: 'it is over' } })
      : letIn(socket);
  const connecting = woken();
  await vi.advanceTimersByTimeAsync(5000);
  expect((await connecting).connectionState).toBe('connected');
  expect(there.sockets.map((socket) => socket.last('connect')?.token)).toEqual(['ring-token', 'user-token']);
});

test('one request answers or declines, again by the same id where the Center was not reached', async () => {
  const reply = { callId, sequence: 3, call: aCall({ sequence: 3 }) };
  fetched.mockRejectedValueOnce(new TypeError('fetch failed')).mockImplementation(async () => new Response(JSON.stringify(reply)));
  const answering = answerWithRingToken('https://center.example.com', ring);
  await vi.advanceTimersByTimeAsync(2000);
  expect(await answering).toMatchObject({ callId, sequence: 3 });
  await declineWithRingToken('https://center.example.com', ring, { reason: 'busy' });
  const asked = fetched.mock.calls.map(([url, { headers, body }]) => ({
    path: url.pathname,
    bearer: (headers as Record<string, string>).authorization,
    body: JSON.parse(String(body)) as { commandId: string; reason?: string },
  }));
  expect(asked.map(({ path }) => path)).toEqual([
    `/v1/calls/${callId}/answer`,
    `/v1/calls/${callId}/answer`,
    `/v1/calls/${callId}/decline`,
  ]);
  expect(new Set(asked.map(({ bearer }) => bearer))).toEqual(new Set(['Bearer ring-token']));
  expect(asked[0]?.body.commandId).toBe(asked[1]?.body.commandId);
  expect(asked[2]?.body.reason).toBe('busy');
});

test('what the Center refuses is not asked again', async () => {
  const problem = { type: 'about:blank', title: 'Over', status: 409, code: 'already_ended' };
  fetched.mockImplementation(async () => new Response(JSON.stringify(problem), { status: 409 }));
  await expect(answerWithRingToken('https://center.example.com', ring)).rejects.toMatchObject({ code: 'already_ended' });
  expect(fetched).toHaveBeenCalledTimes(1);
});
