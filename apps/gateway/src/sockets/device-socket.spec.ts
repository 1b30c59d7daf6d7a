/*
 * Whatever frames one socket sends: they are answered in order, a bounded number waits, and nothing they cause goes beyond it.
 */
import { EventEmitter } from 'node:events';
import { Writable } from 'node:stream';
import { type ServerFrame, serverFrameSchema } from '@communication-center/contracts';
import { beforeEach, expect, test, vi } from 'vitest';
import type { WebSocket } from 'ws';
import { type CommandFrame } from '../domain/frame-lanes.js';
import type { GatewaySettings } from '../settings.js';
import { DeviceSocket } from './device-socket.js';
import { type Device, type RefreshFrame, type SocketOwner } from './socket-owner.js';

const callId = (digit: number) => `0189000${digit}-0000-7000-8000-000000000000`;
const connect = { type: 'connect', id: 'c', appId: 'app', userAlias: 'alice', deviceId: 'desk', token: 't' };
const act = (type: string, id: number, more: object) => ({ type, id, commandId: `command-${id}`, ...more });

let wire: EventEmitter;
let sent: ServerFrame[];
let failures: string[];
let connects: number;
let begun: { frame: CommandFrame; finish: () => void }[];
let carryOut: (frame: CommandFrame) => Promise<ServerFrame>;
let socket: DeviceSocket;
let onClosed: () => void;
let refreshed: string[];
let settings: GatewaySettings;
let owner: SocketOwner;

beforeEach(() => {
  wire = Object.assign(new EventEmitter(), {
    bufferedAmount: 0,
    send: (text: string) => sent.push(JSON.parse(text) as ServerFrame),
    close: () => undefined,
    terminate: () => undefined,
    ping: () => undefined,
  });
  [sent, failures, begun, connects, refreshed] = [[], [], [], 0, []];
  onClosed = () => undefined;
  carryOut = (frame) =>
    new Promise((resolve) => begun.push({ frame, finish: () => resolve({ type: 'done', id: 'id' in frame ? frame.id : 0 }) }));
  settings = {
    FRAME_BURST: 1000,
    FRAMES_PER_SECOND: 1000,
    CONNECT_TIMEOUT_MS: 60_000,
    HEARTBEAT_MS: 10_000,
    MAX_BUFFERED_BYTES: 1e6,
  } as GatewaySettings;
  owner = {
    connect: async () => {
      connects += 1;
    },
    carryOut: (_socket: DeviceSocket, _device: Device, frame: CommandFrame) => carryOut(frame),
    refresh: async (_socket: DeviceSocket, _device: Device, { id, token }: RefreshFrame) => {
      refreshed.push(token);
      return { type: 'done' as const, id };
    },
    heardOfDial: () => undefined,
    closed: () => onClosed(),
    failed: (_error: unknown, doing: string) => void failures.push(doing),
  };
  socket = new DeviceSocket(wire as unknown as WebSocket, owner, settings);
});

const say = (frame: object | string) => wire.emit('message', Buffer.from(typeof frame === 'string' ? frame : JSON.stringify(frame)), false);
const settle = () => new Promise((resolve) => setImmediate(resolve));
const errors = () => sent.flatMap((frame) => (frame.type === 'error' ? [[frame.id, frame.error.code]] : []));

function beConnected(): void {
  say(connect);
  const connected = { type: 'connected', id: 'c', sessionId: callId(1), heartbeatSeconds: 1, calls: [] };
  socket.serve({ userAlias: 'alice', deviceId: 'desk' } as Device, connected as never, new Date().toISOString());
  sent.splice(0);
}

test('a frame nested without end is refused by name before anything looks into it', () => {
  say(`{"type":"dial","customData":${'{"a":'.repeat(3000)}1`);
  const error = { code: 'malformed_frame', message: expect.stringContaining('too_deep'), traceId: expect.stringMatching(/^[0-9a-f]{32}$/) };
  expect(sent).toEqual([{ type: 'error', error }]);
});

test.each([['x'.repeat(65)], ['\ud800'], [1.5], [2 ** 60], [true], [{ id: 1 }], [null]])(
  'an error never tells back the id %j, which no frame may have',
  (id) => {
    say({ type: 'hang_up', id, commandId: 'command-1', callId: callId(1) });
    expect(errors()).toEqual([[undefined, 'invalid_request']]);
    expect(serverFrameSchema.safeParse(sent[0]).success).toBe(true);
  },
);

test('an error tells back an id that is one, whatever else is wrong', () => {
  say({ type: 'hang_up', id: 'mine', callId: 'no call' });
  say({ type: 'dance', id: 7 });
  expect(errors()).toEqual([
    ['mine', 'invalid_request'],
    [7, 'malformed_frame'],
  ]);
});

test.each([
  [
    'throws',
    () => {
      throw new Error('a bug');
    },
  ],
  ['rejects', () => Promise.reject(new Error('a bug'))],
])('a handler that %s is told of, answered for, and the next frame is served', async (_how, broken) => {
  beConnected();
  carryOut = broken;
  say(act('hang_up', 1, { callId: callId(1) }));
  await settle();
  expect([errors(), failures]).toEqual([[[1, 'internal_error']], ['serving a frame']]);
  say({ type: 'ping' });
  expect(sent.at(-1)).toEqual({ type: 'pong' });
});

test('a socket that says connect twice is connected once', () => {
  say(connect);
  say(connect);
  expect([connects, errors()]).toEqual([1, [['c', 'invalid_request']]]);
});

test('a socket that closes while it is let in stays closed', () => {
  say(connect);
  wire.emit('close', 1006);
  socket.serve({} as Device, { type: 'connected', calls: [] } as never, new Date().toISOString());
  expect([socket.isOpen, sent]).toEqual([false, []]);
});

test('frames of a call, and dials, are carried out one after the other; calls do not wait for each other', async () => {
  beConnected();
  say(act('answer', 1, { callId: callId(1) }));
  say(act('hang_up', 2, { callId: callId(1) }));
  say(act('hang_up', 3, { callId: callId(2) }));
  say(act('dial', 4, { callees: ['bob'] }));
  say(act('dial', 5, { callees: ['carol'] }));
  await settle();
  const ids = () => begun.map(({ frame }) => 'id' in frame && frame.id);
  expect(ids()).toEqual([1, 3, 4]);
  begun[0]?.finish();
  await settle();
  expect(ids()).toEqual([1, 3, 4, 2]);
  begun[2]?.finish();
  await settle();
  expect(ids()).toEqual([1, 3, 4, 2, 5]);
});

test('at most 64 frames are in hand; more are refused, and the socket goes on once they are answered', async () => {
  beConnected();
  for (let id = 1; id <= 66; id += 1) say(act('hang_up', id, { callId: callId(1) }));
  await settle();
  expect(errors()).toEqual([
    [65, 'rate_limited'],
    [66, 'rate_limited'],
  ]);
  begun[0]?.finish();
  await settle();
  say(act('hang_up', 67, { callId: callId(1) }));
  await settle();
  expect(errors()).toHaveLength(2);
});

test('an event that cannot be told ends its socket, and is no exception to whoever tells others', async () => {
  beConnected();
  const unreadable = {
    get callid(): never {
      throw new TypeError('a bug');
    },
  };
  expect(() => socket.deliver(unreadable as never)).not.toThrow();
  expect([failures, socket.isOpen]).toEqual([['telling a socket of an event'], false]);
});

test('what comes while a socket connects is bounded by its bytes, too', () => {
  const closed: number[] = [];
  Object.assign(wire, { close: (code: number) => closed.push(code) });
  say(connect);
  const event = (sequence: number) => ({ type: 'call.dialed', sequence, data: { customData: 'x'.repeat(70_000) } }) as never;
  for (let sequence = 1; sequence <= 14; sequence += 1) socket.deliver(event(sequence));
  expect(closed).toEqual([]);
  socket.deliver(event(15));
  expect(closed).toEqual([1013]);
});

test('a socket whose end cannot be noted is reported, and nothing else', async () => {
  onClosed = () => {
    throw new Error('a bug');
  };
  expect(() => wire.emit('close', 1006)).not.toThrow();
  await settle();
  expect(failures).toEqual(['serving a frame']);
});

test('before it has connected, no frame is larger than a connect', () => {
  say({ ...connect, token: 't'.repeat(20_000) });
  expect([errors(), socket.isOpen]).toEqual([[[undefined, 'frame_too_large']], false]);
});

test('frames in hand are bounded by their bytes, too', async () => {
  beConnected();
  const padding = { customData: { x: 'x'.repeat(3900) } };
  for (let n = 0; n < 60; n += 1) say(JSON.stringify(act('dial', n, { callees: ['bob'], ...padding })) + ' '.repeat(1000));
  await settle();
  expect(errors()).toEqual(Array.from({ length: errors().length }, () => [expect.any(Number), 'rate_limited']));
  expect(60 - errors().length).toBeLessThanOrEqual(Math.floor(262_144 / 4900));
});

test('a device hears that its token expires, goes on with another, and is put out with the last', async () => {
  const began = Math.ceil(Date.now() / 1000) + 1;
  vi.useFakeTimers({ now: began * 1000, toFake: ['Date', 'setTimeout', 'clearTimeout'] });
  const closed: unknown[] = [];
  const told = () => sent.filter(({ type }) => type !== 'pong');
  wire.close = (...how: unknown[]) => void closed.push(how);
  const device = { userAlias: 'alice', deviceId: 'desk', token: { kid: 'one', issuedAt: began, expiresAt: began + 100 } } as Device;
  say(connect);
  socket.serve(
    device,
    { type: 'connected', id: 'c', sessionId: callId(1), heartbeatSeconds: 1, calls: [] } as never,
    new Date().toISOString(),
  );
  const live = (seconds: number) => {
    for (let second = 0; second < seconds; second += 10) {
      say({ type: 'ping' });
      socket.beat(Date.now());
      vi.advanceTimersByTime(10_000);
    }
  };
  live(50);
  expect(told().at(-1)).toEqual({ type: 'token_expiring', expiresAt: new Date((began + 100) * 1000).toISOString() });
  say({ type: 'refresh', id: 'r', token: 'another' });
  await settle();
  expect([refreshed, told().at(-1)]).toEqual([['another'], { type: 'done', id: 'r' }]);
  device.token = { kid: 'one', issuedAt: began + 50, expiresAt: began + 400 };
  socket.beatExpiry();
  live(280);
  expect(told().at(-1)).toMatchObject({ type: 'done' });
  live(80);
  expect(told().slice(-2)).toMatchObject([{ type: 'token_expiring' }, { type: 'error', error: { code: 'unauthenticated' } }]);
  expect(closed).toEqual([[4001, 'unauthenticated']]);
  vi.useRealTimers();
});

test('a frame beyond the budget is refused by its id, so that nobody waits for its answer', async () => {
  wire.removeAllListeners();
  socket = new DeviceSocket(wire as unknown as WebSocket, owner, { ...settings, FRAME_BURST: 4, FRAMES_PER_SECOND: 1 });
  beConnected();
  for (let id = 1; id <= 12; id += 1) say(act('hang_up', id, { callId: callId(1) }));
  await settle();
  expect(begun).toHaveLength(1);
  expect(errors()).toEqual([4, 5, 6, 7, ...Array.from({ length: 5 }, () => undefined)].map((id) => [id, 'rate_limited']));
});

test('what is sent in one turn leaves together, in its order, and what comes later is not held back', async () => {
  const writes: string[][] = [];
  const connection = new Writable({
    writev: (chunks, done) => {
      writes.push(chunks.map(({ chunk }) => (JSON.parse(String(chunk)) as ServerFrame).type));
      done();
    },
  });
  wire = Object.assign(new EventEmitter(), { ...wire, bufferedAmount: 0, send: (text: string) => connection.write(String(text)) });
  socket = new DeviceSocket(wire as unknown as WebSocket, owner, settings, connection);
  beConnected();
  socket.send({ type: 'done', id: 1 });
  expect(writes).toEqual([]);
  await settle();
  expect(writes).toEqual([['connected', 'done']]);
  socket.send({ type: 'pong' });
  await settle();
  expect(writes).toEqual([['connected', 'done'], ['pong']]);
});
