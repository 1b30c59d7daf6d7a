/*
 * A device stays connected by itself, is told each ring once, and misses no event: what a gap or a break hid, the next snapshot
 * or the Center's own reading tells.
 */
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { Call } from './call.js';
import { CommunicationCenter, type ConnectOptions } from './communication-center.js';
import { aCall, callId, connected, dialedFrame, eventFrame, gone, ringing, StandInCenter } from './stand-in-center.js';

let there: StandInCenter;
let rest: ReturnType<typeof vi.fn<(url: URL) => Promise<Response>>>;

beforeEach(() => {
  vi.useFakeTimers();
  there = new StandInCenter();
  rest = vi.fn(async () => answered({ type: '', title: '', status: 404, code: 'call_not_found' }, 404));
  vi.stubGlobal('fetch', rest);
});

afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

const answered = (body: object, status = 200) => ({ ok: status < 400, status, json: async () => body }) as unknown as Response;
const ended = { status: 'ended', answeredAt: null, endedAt: '2026-01-01T00:00:00.000Z', talkSeconds: 0 };

const connecting = (options: Partial<ConnectOptions> = {}) =>
  CommunicationCenter.connect({
    url: 'https://center.example.com',
    appId: 'demo',
    userAlias: 'bob',
    token: 'a token',
    deviceId: 'bob-phone',
    media: false,
    webSocket: there.webSocket,
    ...options,
  });

async function bob(options: Partial<ConnectOptions> = {}): Promise<{ center: CommunicationCenter; rings: Call[] }> {
  const center = await connecting(options);
  const rings: Call[] = [];
  center.on('incomingCall', (call) => rings.push(call));
  return { center, rings };
}

describe('signing in', () => {
  test('says who and where, on the protocol of the Center', async () => {
    await connecting({ platform: 'desktop' });
    expect([there.socket.url, there.socket.protocol]).toEqual(['wss://center.example.com/v1/socket', 'communication-center.v1']);
    const connect = { id: 'connect', appId: 'demo', userAlias: 'bob', deviceId: 'bob-phone', platform: 'desktop', token: 'a token' };
    expect(there.socket.sent).toEqual([{ type: 'connect', ...connect }]);
  });

  test('gets a fresh token for each socket', async () => {
    let made = 0;
    await connecting({ token: async () => `token ${++made}` });
    there.socket.breakOff();
    await vi.advanceTimersByTimeAsync(1000);
    expect(there.sockets.map((socket) => socket.last('connect')?.token)).toEqual(['token 1', 'token 2']);
  });

  test('without a token asks for one by the bare alias, and renews it before it is over', async () => {
    rest.mockImplementation(async () =>
      answered({ token: `minted ${rest.mock.calls.length}`, expiresAt: new Date(Date.now() + 3_600_000).toISOString() }),
    );
    const options = { token: undefined } as unknown as Partial<ConnectOptions>;
    await connecting(options);
    there.socket.breakOff();
    await vi.advanceTimersByTimeAsync(1000);
    expect(there.socket.last('connect')?.token).toBe('minted 1');
    await vi.advanceTimersByTimeAsync(3_550_000);
    there.socket.breakOff();
    await vi.advanceTimersByTimeAsync(1000);
    expect(there.socket.last('connect')?.token).toBe('minted 2');
  });

  test.each(['unauthenticated', 'forbidden', 'unknown_app'])('fails for good when the Center says %s', async (code) => {
    there.onConnect = (socket) => socket.tell({ type: 'error', id: 'connect', error: { code, message: 'no' } });
    await expect(connecting()).rejects.toMatchObject({ code });
    await vi.advanceTimersByTimeAsync(60_000);
    expect(there.sockets).toHaveLength(1);
  });

  test.each([
    ['userAlias', { userAlias: ' bob ' }],
    ['appId', { appId: 'No App' }],
    ['deviceId', { deviceId: 'my phone' }],
  ])('names a wrong %s without asking', async (field, wrong) => {
    await expect(connecting(wrong)).rejects.toMatchObject({ code: 'invalid_request', fields: [{ field }] });
    expect(there.sockets).toHaveLength(0);
  });

  test('says what is missing where the platform has no WebSocket', async () => {
    vi.stubGlobal('WebSocket', undefined);
    const options = { webSocket: undefined } as unknown as Partial<ConnectOptions>;
    await expect(connecting(options)).rejects.toMatchObject({ code: 'invalid_request', fields: [{ field: 'webSocket' }] });
  });
});

describe('a socket that is lost', () => {
  test('is replaced, and the app is told of both', async () => {
    const { center } = await bob();
    const states: string[] = [];
    center.on('connection', (state) => states.push(state));
    there.socket.breakOff();
    await vi.advanceTimersByTimeAsync(1000);
    expect(states).toEqual(['reconnecting', 'connected']);
  });

  test('is noticed by its silence', async () => {
    await bob();
    there.answer = () => undefined;
    await vi.advanceTimersByTimeAsync(29_000);
    expect(there.socket.sent.filter(({ type }) => type === 'ping')).toHaveLength(2);
    await vi.advanceTimersByTimeAsync(2000);
    expect(there.sockets.length).toBeGreaterThan(1);
  });

  test('is left at once by a gateway that is draining', async () => {
    await bob();
    there.socket.tell({ type: 'draining' });
    await vi.advanceTimersByTimeAsync(1000);
    expect(there.sockets).toHaveLength(2);
  });

  test('says no more: what an old socket still tells is not heard', async () => {
    const { rings } = await bob();
    const old = there.socket;
    old.breakOff();
    await vi.advanceTimersByTimeAsync(1000);
    old.tell(dialedFrame());
    old.breakOff();
    expect(rings).toEqual([]);
    expect(there.sockets).toHaveLength(2);
  });

  test('takes no command with it: it is sent again under the same id, and answered once', async () => {
    const { center } = await bob();
    const dialing = center.call(['carol']);
    const first = there.socket.last('dial');
    there.socket.breakOff();
    there.onFrame = (socket, frame) => {
      if (frame.type === 'dial')
        socket.tell({ type: 'reply', id: frame.id, result: { callId, sequence: 1, call: aCall({ initiator: 'bob' }) } });
    };
    await vi.advanceTimersByTimeAsync(1000);
    expect((await dialing).direction).toBe('outgoing');
    expect(there.socket.last('dial')?.commandId).toBe(first?.commandId);
  });

  test('is waited for no longer than a command may take', async () => {
    const { center } = await bob({ requestTimeoutMs: 3000 });
    const dialing = center.call(['carol']).catch(({ code }) => code);
    there.onConnect = () => undefined;
    there.socket.breakOff();
    await vi.advanceTimersByTimeAsync(3000);
    expect(await dialing).toBe('service_unavailable');
  });

  test('leaves nothing waiting after the client was closed', async () => {
    const { center } = await bob();
    const dialing = center.call(['carol']).catch(({ code }) => code);
    center.close();
    expect(await dialing).toBe('service_unavailable');
    expect(there.socket.last('sign_out')).toBeDefined();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(there.sockets).toHaveLength(1);
  });

  test('is told anew that nobody is at the device', async () => {
    const { center } = await bob();
    there.onFrame = (socket, frame) => socket.tell({ type: 'done', id: frame.id });
    await center.setAway(true);
    there.socket.breakOff();
    await vi.advanceTimersByTimeAsync(1000);
    expect(there.socket.last('set_away')).toMatchObject({ away: true });
  });
});

describe('a refusal that passes', () => {
  const refuseOnce = () => {
    let asked = 0;
    there.onFrame = (socket, frame) => {
      asked += 1;
      if (asked === 1) socket.tell({ type: 'error', id: frame.id, error: { code: 'service_unavailable', message: 'later' } });
      else socket.tell({ type: 'done', id: frame.id });
    };
  };

  test('is waited out', async () => {
    const { center } = await bob();
    refuseOnce();
    const done = center.setAway(true);
    await vi.advanceTimersByTimeAsync(1000);
    await expect(done).resolves.toBeUndefined();
  });

  test('of a dial is told at once: nobody rings', async () => {
    const { center } = await bob();
    refuseOnce();
    await expect(center.call(['carol'])).rejects.toMatchObject({ code: 'service_unavailable' });
  });
});

describe('a ring', () => {
  test('is told once, by event and snapshot together, and confirmed', async () => {
    const { rings } = await bob();
    there.socket.tell(dialedFrame());
    there.socket.tell(dialedFrame());
    there.calls = [aCall()];
    there.socket.breakOff();
    await vi.advanceTimersByTimeAsync(1000);
    expect(rings).toHaveLength(1);
    expect(there.sockets[0]?.last('ringing')).toMatchObject({ callId });
  });

  test('is not confirmed when nobody listens', async () => {
    await connecting();
    there.socket.tell(dialedFrame());
    expect(there.socket.last('ringing')).toBeUndefined();
  });

  test('of a call that was under way is read from the Center', async () => {
    const { rings } = await bob();
    rest.mockImplementation(async () =>
      answered(aCall({ sequence: 7, initiator: 'carol', participants: [connected('carol'), ringing('bob')] })),
    );
    there.socket.tell(eventFrame('call.participant_invited', 7, { userAlias: 'bob' }));
    await vi.advanceTimersByTimeAsync(0);
    expect(rings.map((call) => call.state.initiator)).toEqual(['carol']);
  });

  test('once more is another ring', async () => {
    const { rings } = await bob();
    there.socket.tell(dialedFrame());
    there.socket.tell(eventFrame('call.missed', 2, { userAlias: 'bob', initiator: 'alice', reason: 'no_answer' }));
    const again = { userAlias: 'bob', initiator: 'alice', invitedBy: 'alice', callType: 'audio_video', ringSeconds: 60 };
    there.socket.tell(eventFrame('call.participant_invited', 3, again, {}));
    expect(rings).toHaveLength(2);
    expect(rings[0]).toBe(rings[1]);
  });

  test('heard as busy alerts, and does not ring', async () => {
    const { center, rings } = await bob();
    const alerts: Call[] = [];
    center.on('busyAlert', (call) => alerts.push(call));
    there.socket.tell(dialedFrame({ refused: [{ userAlias: 'bob', reason: 'busy' }] }));
    there.socket.tell(eventFrame('call.busy', 2, { userAlias: 'bob' }));
    expect([rings.length, alerts.length]).toEqual([0, 1]);
  });
});

describe('what was missed', () => {
  test('is noticed by its gap, and told by a fresh snapshot', async () => {
    const { rings } = await bob();
    there.socket.tell(dialedFrame());
    there.calls = [
      aCall({ ...ended, sequence: 4, reason: 'cancelled', participants: [gone('alice', 'cancelled'), gone('bob', 'cancelled')] }),
    ];
    there.socket.tell(eventFrame('call.ended', 4, { reason: 'cancelled', talkSeconds: 0 }));
    expect(rings[0]?.phase).toBe('ringing');
    await vi.advanceTimersByTimeAsync(1000);
    expect(there.sockets).toHaveLength(2);
    expect(rings[0]?.end).toEqual({ reason: 'cancelled', byDevice: null });
  });

  test('is read from the Center when the snapshot has forgotten the call', async () => {
    const { rings } = await bob();
    there.socket.tell(dialedFrame());
    rest.mockImplementation(async () => answered(aCall({ ...ended, sequence: 9, reason: 'max_duration', participants: [] })));
    there.socket.breakOff();
    await vi.advanceTimersByTimeAsync(1000);
    expect(rings[0]?.end?.reason).toBe('max_duration');
  });

  test('of a call the Center has forgotten ends it here, without asking for ever', async () => {
    const { center, rings } = await bob();
    there.socket.tell(dialedFrame());
    there.socket.breakOff();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(rings[0]?.end?.reason).toBe('error');
    expect(center.activeCalls).toEqual([]);
    expect([there.sockets.length, rest.mock.calls.length]).toEqual([2, 1]);
  });

  test('is asked for again, with pauses, while the Center cannot be read', async () => {
    const { rings } = await bob();
    rest.mockImplementation(async () => answered({ type: '', title: '', status: 503, code: 'service_unavailable' }, 503));
    there.socket.tell(eventFrame('call.participant_invited', 7, { userAlias: 'bob' }));
    await vi.advanceTimersByTimeAsync(150);
    rest.mockImplementation(async () => answered(aCall({ sequence: 7 })));
    await vi.advanceTimersByTimeAsync(5000);
    expect(rings).toHaveLength(1);
    expect(there.sockets).toHaveLength(1);
  });

  test('of a call that goes on while it is read is read again, until nothing that was heard of it is missing', async () => {
    const { rings } = await bob();
    const slowly = async (call: object) => {
      await new Promise((resolve) => setTimeout(resolve, 100));
      return answered(aCall(call));
    };
    rest.mockImplementationOnce(() => slowly({ sequence: 7 }));
    rest.mockImplementation(() => slowly({ ...ended, sequence: 9, reason: 'hung_up', participants: [] }));
    there.socket.tell(eventFrame('call.participant_invited', 7, { userAlias: 'bob' }));
    await vi.advanceTimersByTimeAsync(50);
    there.socket.tell(eventFrame('call.participant_left', 8, { userAlias: 'alice' }));
    there.socket.tell(eventFrame('call.ended', 9, { reason: 'hung_up' }));
    await vi.advanceTimersByTimeAsync(5000);
    expect(rings[0]?.state.sequence).toBe(9);
    expect(rings[0]?.state.status).toBe('ended');
    expect([there.sockets.length, rest.mock.calls.length]).toEqual([1, 2]);
  });
});

test('a listener that throws keeps no other from being told', async () => {
  const { center } = await bob();
  const thrown: unknown[] = [];
  vi.stubGlobal('queueMicrotask', (report: () => void) => {
    try {
      report();
    } catch (error) {
      thrown.push(error);
    }
  });
  const heard: string[] = [];
  center.on('callChanged', () => {
    throw new Error('a mistake of the app');
  });
  center.on('callChanged', (call) => heard.push(call.callId));
  there.socket.tell(dialedFrame());
  expect(heard.length).toBeGreaterThan(0);
  expect(thrown[0]).toMatchObject({ message: 'a mistake of the app' });
});

test('watched users are watched over reconnects, and no reading goes back', async () => {
  const { center } = await bob();
  const presence = (version: number, status: string) => ({
    userAlias: 'carol',
    status,
    doNotDisturb: false,
    version,
    calls: [],
    devices: [],
    lastSeenAt: null,
  });
  let now = presence(2, 'online');
  there.onFrame = (socket, frame) => {
    if (frame.type === 'watch') socket.tell({ type: 'presences', id: frame.id, presences: [now], unknown: [] });
    else socket.tell({ type: 'done', id: frame.id });
  };
  const heard: string[] = [];
  const unwatch = await center.watch(['carol'], ({ status }) => heard.push(status));
  there.socket.tell({ type: 'presence', presence: presence(1, 'offline') });
  now = presence(3, 'busy');
  there.socket.breakOff();
  await vi.advanceTimersByTimeAsync(1000);
  expect(heard).toEqual(['online', 'busy']);
  unwatch();
  expect(there.socket.last('unwatch')).toMatchObject({ userAliases: ['carol'] });
  there.socket.tell({ type: 'presence', presence: presence(4, 'offline') });
  expect(heard).toEqual(['online', 'busy']);
});

test('a dial that was taken back is told to the Center, and a call it made all the same is hung up', async () => {
  const { center } = await bob();
  const taking = new AbortController();
  const dialing = center.call(['carol'], { signal: taking.signal }).catch(({ code }) => code);
  const dial = there.socket.last('dial');
  taking.abort();
  expect(await dialing).toBe('dial_cancelled');
  expect(there.socket.last('cancel_dial')).toMatchObject({ commandId: dial?.commandId });
  there.socket.tell(dialedFrame({ initiator: 'bob', initiatorDevice: 'bob-phone', callees: ['carol'] }));
  expect(there.socket.last('hang_up')).toMatchObject({ callId });
});

test('a device whose token expires goes on with a fresh one, on the same socket', async () => {
  let made = 0;
  await connecting({ token: async () => `token ${++made}` });
  there.socket.tell({ type: 'token_expiring', expiresAt: '2026-01-01T00:00:00.000Z' });
  await vi.advanceTimersByTimeAsync(0);
  expect(there.socket.last('refresh')).toMatchObject({ token: 'token 2' });
  there.socket.tell({ type: 'done', id: there.socket.last('refresh')?.id });
  expect(there.sockets).toHaveLength(1);
});

test('a device that gets no fresh token stays as long as it may', async () => {
  let made = 0;
  const center = await connecting({
    token: async () => {
      if (made > 0) throw new Error('the shop is closed');
      made += 1;
      return 'the only token';
    },
  });
  there.socket.tell({ type: 'token_expiring', expiresAt: '2026-01-01T00:00:00.000Z' });
  await vi.advanceTimersByTimeAsync(1000);
  expect([there.sockets.length, center.connectionState]).toEqual([1, 'connected']);
});
