/*
 * The frames of a next release, told to this client: none fails it, none keeps it waiting for ever, and what is new in them is
 * shown to the app as it came.
 */
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import type { Call } from './call.js';
import { CommunicationCenter } from './communication-center.js';
import { aCall, callId, connected, dialedFrame, eventFrame, gone, ringing, StandInCenter, type StandInSocket } from './stand-in-center.js';

let there: StandInCenter;
let rest: ReturnType<typeof vi.fn<(url: URL) => Promise<Response>>>;

beforeEach(() => {
  vi.useFakeTimers();
  there = new StandInCenter();
  rest = vi.fn(async () => answered(problem('service_unavailable'), 503));
  vi.stubGlobal('fetch', rest);
});

afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

/** An answer of REST that is there at once, whatever the clock says. */
const answered = (body: object, status = 200) => ({ ok: status < 400, status, json: async () => body }) as unknown as Response;
const problem = (code: string) => ({ type: 'about:blank', title: code, status: 503, code });
const connecting = (userAlias = 'bob') =>
  CommunicationCenter.connect({
    url: 'https://center.example.com',
    appId: 'demo',
    userAlias,
    token: 'a token',
    deviceId: `${userAlias}-phone`,
    media: false,
    webSocket: there.webSocket,
  });

/** Connects bob, and collects what rings at him. */
async function bob(): Promise<{ center: CommunicationCenter; calls: Call[] }> {
  const center = await connecting();
  const calls: Call[] = [];
  center.on('incomingCall', (call) => calls.push(call));
  return { center, calls };
}

const settle = () => vi.advanceTimersByTimeAsync(0);
const newFrames = [
  { type: 'weather', degrees: 20 },
  { type: 'reply', id: 'nobody asked', result: { hologram: true } },
  { type: 'error', error: { code: 'planet_full', message: 'no room', planet: 'Earth' } },
  'not even JSON',
  '[]',
  'null',
];

test('a device comes to be connected through frames it does not know', async () => {
  there.onConnect = (socket) => {
    for (const frame of newFrames) socket.tell(frame);
    socket.tell({ type: 'connected', ...there.connectedFields() });
  };
  expect((await connecting()).connectionState).toBe('connected');
});

test('frames it does not know give the Center more time, and not for ever', async () => {
  there.onConnect = (socket) => socket.tell({ type: 'queued', place: 3 });
  void connecting();
  await settle();
  const first = there.socket;
  await vi.advanceTimersByTimeAsync(7000);
  first.tell({ type: 'queued', place: 2 });
  await vi.advanceTimersByTimeAsync(7000);
  expect(there.sockets).toHaveLength(1);
  // Silence for eight seconds ends it, though something was heard before.
  await vi.advanceTimersByTimeAsync(2000);
  expect(first.readyState).toBe(3);
  expect(there.sockets.length).toBeGreaterThan(1);
});

test('a Center that says only what a device does not know is given up after half a minute', async () => {
  there.onConnect = () => undefined;
  void connecting();
  await settle();
  const first = there.socket;
  for (let second = 0; second < 29; second += 1) {
    first.tell({ type: 'queued' });
    await vi.advanceTimersByTimeAsync(1000);
  }
  expect(first.readyState).toBe(1);
  first.tell({ type: 'queued' });
  await vi.advanceTimersByTimeAsync(1001);
  expect(first.readyState).toBe(3);
});

test('a snapshot with new names, states, statuses and fields connects, and shows them', async () => {
  const other = '019b7777-0000-7000-8000-000000000002';
  const third = '019b7777-0000-7000-8000-000000000003';
  const fields = { tone: 'jazz', addedLater: { deep: [1] } };
  there.calls = [
    aCall({
      status: 'ended',
      participants: [gone('alice', 'transferred'), gone('bob', 'transferred')],
      answeredAt: null,
      endedAt: '2026-01-01T00:00:00.000Z',
      reason: 'transferred',
      talkSeconds: 0,
      ...fields,
    }),
    aCall({
      callId: other,
      participants: [connected('alice'), ringing('bob', fields), { state: 'on_hold', userAlias: 'carol' }],
      ...fields,
    }),
    aCall({ callId: third, status: 'parked', participants: [connected('alice'), connected('bob')], callType: 'hologram' }),
  ];
  const seen: Call[] = [];
  there.onConnect = (socket) => socket.tell({ type: 'connected', ...there.connectedFields(), region: 'moon' });
  const center = await connecting();
  center.on('callChanged', (call) => seen.push(call));
  const [ring, parked] = center.activeCalls;
  expect(ring?.phase).toBe('ringing');
  expect(ring?.others.at(-1)).toEqual({ state: 'unknown', named: 'on_hold', userAlias: 'carol' });
  expect(parked?.state).toMatchObject({ status: 'unknown', named: 'parked' });
  expect([parked?.phase, parked?.callType]).toEqual(['connected', 'hologram']);
  there.socket.tell(eventFrame('call.ended', 2, { reason: 'transferred', talkSeconds: 0 }));
  expect(center.activeCalls).toHaveLength(2);
});

test('a snapshot whose calls it cannot read at all connects all the same', async () => {
  there.onConnect = (socket) => socket.tell({ type: 'connected', id: 'connect', beat: 'allegro', calls: [{ callId: 7 }, null, aCall()] });
  const center = await connecting();
  expect(center.connectionState).toBe('connected');
  expect(center.activeCalls.map((call) => call.callId)).toEqual([callId]);
});

test('a call that ends for a new reason ends, for that reason', async () => {
  const { calls } = await bob();
  there.socket.tell(dialedFrame());
  const ended = vi.fn();
  calls[0]?.on('ended', ended);
  const declined = vi.fn();
  calls[0]?.on('declined', declined);
  there.socket.tell(eventFrame('call.ended', 2, { reason: 'transferred', talkSeconds: 0, to: 'carol' }));
  expect(ended).toHaveBeenCalledExactlyOnceWith({ reason: 'transferred', byDevice: null });
  expect(declined).toHaveBeenCalledWith('bob', 'transferred');
  expect(calls[0]?.phase).toBe('ended');
});

test('an unknown event leaves no gap, and what it changed is read from the Center, once for many', async () => {
  const { center, calls } = await bob();
  there.socket.tell(dialedFrame());
  there.socket.tell(eventFrame('call.answered', 2, { userAlias: 'bob', deviceId: 'bob-phone' }));
  rest.mockImplementation(async () =>
    answered(
      aCall({
        sequence: 5,
        status: 'connected',
        answeredAt: '2026-01-01T00:00:00.000Z',
        participants: [connected('alice'), connected('bob'), connected('carol')],
      }),
    ),
  );
  for (const sequence of [3, 4, 5]) there.socket.tell(eventFrame('call.bridged', sequence, { userAlias: 'carol' }));
  expect(calls[0]?.state.sequence).toBe(5);
  await vi.advanceTimersByTimeAsync(1001);
  expect(rest).toHaveBeenCalledTimes(1);
  expect(calls[0]?.others.map(({ userAlias }) => userAlias)).toEqual(['alice', 'carol']);
  there.socket.tell(eventFrame('call.hung_up', 6, { userAlias: 'carol', deviceId: null, reason: 'bored' }));
  expect(calls[0]?.others.at(-1)).toMatchObject({ userAlias: 'carol', state: 'gone', reason: 'bored' });
  expect(center.connectionState).toBe('connected');
  expect(there.sockets).toHaveLength(1);
});

test('known events with data of a newer version are not misread, but read from the Center', async () => {
  const { calls } = await bob();
  there.socket.tell(dialedFrame());
  rest.mockImplementation(async () =>
    answered(aCall({ sequence: 2, participants: [connected('alice'), gone('bob', 'declined', 'bob-watch')] })),
  );
  there.socket.tell(eventFrame('call.declined', 2, { userAlias: { of: 'bob' }, reason: 'none' }, { dataversion: 2 }));
  expect(calls[0]?.phase).toBe('ringing');
  await vi.advanceTimersByTimeAsync(1001);
  expect(calls[0]?.end).toEqual({ reason: 'declined_elsewhere', byDevice: 'bob-watch' });
});

test('a reading that events have overtaken is not taken, but read again', async () => {
  const { calls } = await bob();
  there.socket.tell(dialedFrame());
  const stale = aCall({ sequence: 2 });
  rest.mockImplementationOnce(async () => answered(stale));
  rest.mockImplementation(async () =>
    answered(aCall({ sequence: 3, callType: 'audio_only', participants: [connected('alice'), ringing('bob', { confirmed: true })] })),
  );
  there.socket.tell(eventFrame('call.painted', 2));
  there.socket.tell(eventFrame('call.ringing', 3, { userAlias: 'bob', deviceId: 'bob-phone' }));
  await vi.advanceTimersByTimeAsync(1001);
  expect(calls[0]?.callType).toBe('audio_video');
  await vi.advanceTimersByTimeAsync(6000);
  expect([calls[0]?.callType, calls[0]?.state.sequence]).toEqual(['audio_only', 3]);
});

test('a storm of unknown events costs a reading in five seconds, and a Center that cannot be read three tries', async () => {
  await bob();
  there.socket.tell(dialedFrame());
  rest.mockImplementation(async () => answered(aCall({ sequence: 100_000 })));
  for (let sequence = 2; sequence <= 301; sequence += 1) {
    there.socket.tell(eventFrame('call.measured', sequence));
    await vi.advanceTimersByTimeAsync(100);
  }
  expect(rest.mock.calls.length).toBeLessThanOrEqual(7);
  rest.mockClear();
  rest.mockImplementation(async () => answered(problem('service_unavailable'), 503));
  there.socket.tell(eventFrame('call.measured', 100_001));
  await vi.advanceTimersByTimeAsync(60_000);
  expect(rest).toHaveBeenCalledTimes(3);
  expect(there.sockets).toHaveLength(1);
});

test('a ring told by an event it does not know still rings', async () => {
  const { calls } = await bob();
  rest.mockImplementation(async () =>
    answered(aCall({ sequence: 4, participants: [connected('alice'), ringing('bob', { tune: 'waltz' })] })),
  );
  there.socket.tell(eventFrame('call.forwarded', 4, { userAlias: 'bob' }));
  await settle();
  expect(calls.map((call) => call.phase)).toEqual(['ringing']);
});

test('an answer it cannot read fails its request at once, and nothing else', async () => {
  const { center } = await bob();
  there.onFrame = (socket, frame) => {
    if (frame.type === 'set_away') socket.tell({ type: 'noted', id: frame.id, until: 'noon' });
    if (frame.type === 'profiles') socket.tell({ type: 'profiles', id: frame.id, profiles: 'all of them' });
  };
  await expect(center.profiles(['alice'])).rejects.toMatchObject({ code: 'internal_error' });
  await expect(center.setAway(true)).rejects.toMatchObject({ code: 'internal_error' });
  expect(center.connectionState).toBe('connected');
});

test('a new error code is told as it came', async () => {
  const { center } = await bob();
  there.onFrame = (socket, frame) =>
    socket.tell({ type: 'error', id: frame.id, error: { code: 'planet_full', message: 'no room', planet: 'Earth' } });
  await expect(center.call(['carol'])).rejects.toMatchObject({ code: 'planet_full', message: 'no room' });
});

const refuseWith = (closeCode: number) => (socket: StandInSocket) => {
  socket.tell({ type: 'error', id: 'connect', error: { code: 'planet_closed', message: 'this planet is closed' } });
  socket.breakOff(closeCode);
};

test('a device that is not let in for a new reason hears it, and does not wait for ever', async () => {
  there.onConnect = refuseWith(4001);
  await expect(connecting()).rejects.toMatchObject({ code: 'planet_closed' });
  await vi.advanceTimersByTimeAsync(30_000);
  expect(there.sockets).toHaveLength(1);
});

test('a new reason that will pass is tried again', async () => {
  there.onConnect = refuseWith(1013);
  const center = connecting();
  await vi.advanceTimersByTimeAsync(100);
  there.onConnect = (socket) => socket.tell({ type: 'connected', ...there.connectedFields() });
  await vi.advanceTimersByTimeAsync(1000);
  expect((await center).connectionState).toBe('connected');
});

test('presence with new names is told', async () => {
  const { center } = await bob();
  const presence = {
    userAlias: 'carol',
    status: 'out_of_office',
    doNotDisturb: false,
    version: 1,
    calls: [],
    devices: [],
    lastSeenAt: null,
    mood: 'fine',
  };
  there.onFrame = (socket, frame) => socket.tell({ type: 'presences', id: frame.id, presences: [presence], unknown: [] });
  const heard: string[] = [];
  await center.watch(['carol'], ({ status }) => heard.push(status));
  there.socket.tell({ type: 'presence', presence: { ...presence, version: 2, status: 'on_stage' } });
  expect(heard).toEqual(['out_of_office', 'on_stage']);
});
