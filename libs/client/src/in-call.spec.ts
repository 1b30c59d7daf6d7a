/*
 * In a call somebody waits: a network that is gone is noticed within three seconds and looked for without rest, what the user does
 * holds here at once, and a device that comes back is in its call again.
 */
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { Call } from './call.js';
import { CommunicationCenter, type ConnectOptions } from './communication-center.js';
import { aCall, callId, connected, dialedFrame, eventFrame, gone, ringing, StandInCenter, type StandInSocket } from './stand-in-center.js';
import { StandInDevices, StandInPeer } from './stand-in-media.js';

let there: StandInCenter;
let devices: StandInDevices;
const up = { status: 'connected', answeredAt: '2026-01-01T00:00:00.000Z' };
const talking = aCall({ ...up, sequence: 3, participants: [connected('alice'), connected('bob')] });
const media = { url: 'wss://media.example.com', token: 't', expiresAt: '', generation: 1, iceServers: [] };
const bobCamera = { streamId: 's1', userAlias: 'bob', deviceId: 'bob-phone', kind: 'camera', sending: { audio: 'on', video: 'off' } };

beforeEach(() => {
  vi.useFakeTimers();
  devices = new StandInDevices();
  devices.install(vi.stubGlobal);
  there = new StandInCenter();
  there.onFrame = (socket, frame) => {
    if (frame.type === 'join') socket.tell({ type: 'joined', callId, streams: [bobCamera], knows: ['sending', 'ping.nextWithinMs'] });
    if (frame.type === 'credentials') socket.tell({ type: 'reply', id: frame.id, result: { callId, sequence: 3, call: talking, media } });
  };
});

afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

const connecting = (options: Partial<ConnectOptions> = {}) =>
  CommunicationCenter.connect({
    url: 'https://center.example.com',
    appId: 'demo',
    userAlias: 'alice',
    token: 'a token',
    deviceId: 'alice-phone',
    webSocket: there.webSocket,
    ...options,
  });
const settle = (milliseconds = 0) => vi.advanceTimersByTimeAsync(milliseconds);
const socketTo = (where: 'center' | 'media') => there.sockets.findLast(({ url }) => url.includes(`//${where}`)) as StandInSocket;

/** Alice's device, which is in a call with bob when it connects, as after a reload. */
async function back(options: Partial<ConnectOptions> = {}): Promise<{ center: CommunicationCenter; call: Call }> {
  there.calls = [talking];
  const center = await connecting({ media: true, ...options });
  await settle();
  const [call] = center.activeCalls;
  if (!call) throw new Error('The call is not there');
  return { center, call };
}

/** The network is gone: nothing said is heard. */
function cut(): () => void {
  const { answer } = there;
  there.answer = () => undefined;
  return () => {
    there.answer = answer;
  };
}

describe('a call that a device is in when it connects', () => {
  test('gets its media, with what the app wishes to be sent', async () => {
    const { call } = await back({ sending: { video: false } });
    expect([call.phase, call.link]).toEqual(['connected', 'connected']);
    expect(devices.asked).toEqual([['audio']]);
    expect(StandInPeer.made.map(({ sent }) => sent)).toEqual([['audio'], []]);
    expect(socketTo('media').last('sending')).toEqual({ type: 'sending', audio: 'on', video: 'off' });
  });

  test('that was left here and not there is hung up when the network is back', async () => {
    const { center, call } = await back();
    const mend = cut();
    const leaving = call.hangUp();
    expect([call.end?.reason, center.activeCalls, devices.live]).toEqual(['hung_up', [], []]);
    await settle(20_000);
    there.onFrame = (socket, frame) => {
      if (frame.type !== 'hang_up') return;
      const over = { ...talking, status: 'ended', sequence: 5, endedAt: up.answeredAt, reason: 'hung_up', talkSeconds: 9 };
      socket.tell({ type: 'reply', id: frame.id, result: { callId, sequence: 5, call: over } });
    };
    mend();
    socketTo('center').breakOff();
    await settle(2000);
    await expect(leaving).resolves.toBeUndefined();
    expect(call.state.status).toBe('ended');
  });

  test('that was left while nobody could be told, is left again as soon as the Center tells of it', async () => {
    const { center, call } = await back();
    there.onFrame = () => undefined;
    const leaving = call.hangUp().catch(({ code }) => code);
    await settle(121_000);
    expect(await leaving).toBe('service_unavailable');
    const before = there.sockets.length;
    socketTo('center').breakOff();
    await settle(6000);
    expect([there.sockets.length > before, center.activeCalls]).toEqual([true, []]);
    expect(socketTo('center').last('hang_up')).toMatchObject({ callId });
    expect(devices.live).toEqual([]);
  });
});

describe('a network that is gone', () => {
  test('is told within three seconds, and again when it is back', async () => {
    const { call } = await back();
    await settle(5000);
    const told: string[] = [];
    call.on('linkChanged', () => told.push(call.link));
    const mend = cut();
    await settle(3000);
    expect(told).toContain('reconnecting');
    expect(call.link).toBe('reconnecting');
    mend();
    await settle(1000);
    expect(call.link).toBe('connected');
    expect(there.sockets.filter(({ url }) => url.includes('media'))).toHaveLength(1);
  });

  test('is not told while media still comes, and not any more once it comes again', async () => {
    const { call } = await back();
    await settle(1000);
    cut();
    await settle(2900);
    expect(call.link).toBe('reconnecting');
    for (let half = 0; half < 4; half += 1) {
      for (const peer of StandInPeer.made) peer.bytesReceived += 5000;
      await settle(500);
    }
    expect(call.link).toBe('connected');
    await settle(1000);
    expect(call.link).toBe('reconnecting');
  });

  test('of the media alone is told by the state of its connection', async () => {
    const { call } = await back();
    StandInPeer.made[1]?.become('disconnected');
    expect(call.link).toBe('reconnecting');
    StandInPeer.made[1]?.become('connected');
    expect(call.link).toBe('connected');
  });

  test('is noticed in a call without media too, and looked for without rest', async () => {
    const { call } = await back({ media: false });
    await settle(5000);
    expect(call.link).toBe('connected');
    const mend = cut();
    await settle(2900);
    expect(call.link).toBe('reconnecting');
    await settle(17_000);
    mend();
    await settle(4000);
    expect(call.link).toBe('connected');
  });

  test('costs nobody who is in no call any patience', async () => {
    await connecting({ media: false });
    cut();
    await settle(24_000);
    expect(there.sockets).toHaveLength(1);
    expect(there.socket.sent.filter(({ type }) => type === 'ping').length).toBeLessThan(4);
  });
});

describe('the others', () => {
  test('are heard of as they come, mute, fall silent and go', async () => {
    const { call } = await back();
    expect([call.reachOf('bob'), call.reachOf('carol')]).toEqual(['here', 'joining']);
    const socket = socketTo('media');
    socket.tell({ type: 'offer', sdp: '0', tracks: [{ mid: '0', streamId: 's1' }] });
    await settle();
    const told: unknown[] = [];
    call.on('streamChanged', ({ sending, quiet }) => told.push([sending, quiet]));
    const sending = { audio: 'off', video: 'none' };
    socket.tell({ type: 'stream_changed', stream: { ...bobCamera, sending, quiet: true } });
    await settle();
    expect([told, call.reachOf('bob'), call.streams[0]?.sending]).toEqual([[[sending, true]], 'reconnecting', sending]);
    socket.tell({ type: 'stream_changed', stream: bobCamera });
    await settle();
    expect(call.reachOf('bob')).toBe('here');
    socket.tell({ type: 'stream_removed', streamId: 's1' });
    await settle();
    expect(call.reachOf('bob')).toBe('away');
    there.socket.tell({ type: 'stream_added', stream: bobCamera });
    await settle();
    expect(call.reachOf('bob')).toBe('here');
  });

  test('who were out of the call come anew', async () => {
    const { call } = await back();
    socketTo('media').tell({ type: 'stream_removed', streamId: 's1' });
    await settle();
    const people = [connected('alice'), gone('bob', 'hung_up'), connected('carol')];
    call.update({ ...talking, sequence: 4, participants: people } as never);
    call.update({ ...talking, sequence: 5 } as never);
    expect(call.reachOf('bob')).toBe('joining');
  });

  test('of a door of an earlier release are told nothing that it does not know', async () => {
    const { onFrame } = there;
    there.onFrame = (socket, frame) =>
      frame.type === 'join' ? socket.tell({ type: 'joined', callId, streams: [] }) : onFrame(socket, frame);
    await back();
    await settle(3000);
    const sent = socketTo('media').sent;
    expect(sent.filter(({ type }) => type === 'sending')).toEqual([]);
    expect(sent.filter(({ type }) => type === 'ping').every((frame) => !('nextWithinMs' in frame))).toBe(true);
  });
});

describe('camera and microphone', () => {
  const rung = async () => {
    const center = await connecting({ media: true, userAlias: 'bob', deviceId: 'bob-phone' });
    const calls: Call[] = [];
    center.on('incomingCall', (call) => calls.push(call));
    there.socket.tell(dialedFrame());
    return calls[0] as Call;
  };
  const answers = eventFrame('call.answered', 2, { userAlias: 'bob', deviceId: 'bob-phone' });

  test('may be allowed late: what others send is received meanwhile', async () => {
    devices.answer = undefined;
    const call = await rung();
    void call.answer();
    there.socket.tell(answers);
    await settle();
    expect(socketTo('media').sent.map(({ type }) => type)).toEqual(['join', 'sending', 'publish']);
    expect(call.sending).toMatchObject({ audio: { state: 'asking' }, video: { state: 'asking' } });
    devices.settle('allow');
    await settle();
    expect(StandInPeer.made[0]?.sent).toEqual(['audio', 'video']);
    expect(socketTo('media').last('sending')).toMatchObject({ audio: 'on', video: 'on' });
  });

  test('that are switched off while the user is asked are never on', async () => {
    devices.answer = undefined;
    const call = await rung();
    void call.answer({ sending: { video: false } });
    there.socket.tell(answers);
    call.setSending('audio', false);
    devices.settle('allow');
    await settle();
    expect([devices.asked, devices.live, StandInPeer.made[0]?.sent]).toEqual([[['audio']], [], []]);
    call.setSending('audio', true);
    devices.settle('allow');
    await settle();
    expect(StandInPeer.made[0]?.sent).toEqual(['audio']);
    call.setSending('audio', false);
    expect(StandInPeer.made[0]?.sent).toEqual([]);
  });

  test('that have a problem say which, each its own, and can be tried again', async () => {
    devices.answer = (kinds) => (kinds.includes('video') ? 'NotReadableError' : 'allow');
    const call = await rung();
    const errors: string[] = [];
    call.on('mediaError', ({ name }) => errors.push(name));
    void call.answer();
    there.socket.tell(answers);
    await settle();
    expect(call.sending).toMatchObject({ audio: { state: 'on' }, video: { state: 'failed', problem: 'in_use' } });
    expect([errors, socketTo('media').last('sending')]).toEqual([['NotReadableError'], { type: 'sending', audio: 'on', video: 'none' }]);
    devices.answer = () => 'allow';
    call.retryDevice('video');
    await settle();
    expect(call.sending.video).toEqual({ wished: true, state: 'on' });
    expect(StandInPeer.made[0]?.sent).toEqual(['audio', 'video']);
    devices.live.find(({ kind }) => kind === 'video')?.onended?.();
    expect(call.sending.video).toMatchObject({ state: 'failed', problem: 'missing' });
  });

  test('are not opened for a dial before there is a call, nor for one that is taken back', async () => {
    const center = await connecting({ media: true });
    const call = center.dial(['bob']);
    await settle();
    expect([devices.asked, center.activeCalls, call.phase]).toEqual([[], [call], 'dialing']);
    void call.hangUp();
    there.socket.tell(dialedFrame());
    await settle();
    expect([devices.asked, center.activeCalls, call.callId]).toEqual([[], [], callId]);
    expect(there.socket.last('hang_up')).toMatchObject({ callId });
  });
});

describe('a dial', () => {
  test.each([
    ['nobody', [], { code: 'nobody_called' }],
    ['oneself', ['alice'], { code: 'calling_oneself', userAliases: ['alice'] }],
    ['what is no alias', ['bob', ' carol'], { code: 'invalid_alias', userAliases: [' carol'], fields: [{ field: 'callees.1' }] }],
  ])('of %s is refused here, and says why', async (_whom, callees, error) => {
    const center = await connecting();
    const call = center.dial(callees);
    expect([call.phase, call.end?.reason, center.activeCalls]).toEqual(['ended', 'error', []]);
    expect(call.end?.error).toMatchObject(error);
    await expect(center.call(callees)).rejects.toMatchObject(error);
    expect(there.socket.last('dial')).toBeUndefined();
  });

  test('of somebody who dials at the same moment goes on as the call of the dial, and the ring is over', async () => {
    const center = await connecting({ media: false, userAlias: 'bob', deviceId: 'bob-phone' });
    const rings: Call[] = [];
    center.on('incomingCall', (call) => rings.push(call));
    const call = center.dial(['alice']);
    there.socket.tell(dialedFrame());
    expect(rings.map(({ phase }) => phase)).toEqual(['ringing']);
    there.socket.tell(eventFrame('call.answered', 2, { userAlias: 'bob', deviceId: 'bob-phone' }));
    expect([center.activeCalls, call.phase, call.callId, rings[0]?.phase]).toEqual([[call], 'connected', callId, 'ended']);
  });

  test('of which the Center knows nothing for too long has failed, and what it makes all the same is hung up', async () => {
    const center = await connecting({ requestTimeoutMs: 3000 });
    const call = center.dial(['bob']);
    await settle(3000);
    expect(call.end?.error?.code).toBe('service_unavailable');
    expect(there.socket.last('cancel_dial')).toBeDefined();
    there.socket.tell(dialedFrame());
    expect([center.activeCalls, there.socket.last('hang_up')?.callId]).toEqual([[], callId]);
  });

  test('that was refused with its call is that call, whose events come afterwards', async () => {
    const center = await connecting({ media: false });
    const call = center.dial(['bob']);
    const told: Call[] = [];
    center.on('callChanged', (one) => told.push(one));
    const { id } = there.socket.last('dial') ?? {};
    there.socket.tell({ type: 'error', id, error: { code: 'all_callees_busy', message: 'busy', callId } });
    await settle();
    there.socket.tell(dialedFrame({ refused: [{ userAlias: 'bob', reason: 'busy' }] }));
    there.socket.tell(eventFrame('call.ended', 2, { reason: 'busy', talkSeconds: 0 }));
    expect([call.state.status, call.end?.reason, call.end?.error?.code]).toEqual(['ended', 'busy', 'all_callees_busy']);
    expect([new Set(told), there.sockets.length, there.socket.last('hang_up')]).toEqual([new Set([call]), 1, undefined]);
  });

  test('whose reply overtakes its event is told to the app that waits for the reply', async () => {
    const center = await connecting({ media: false });
    const told: Call[] = [];
    center.on('callChanged', (one) => told.push(one));
    const dialing = center.call(['bob']);
    expect([told, center.activeCalls]).toEqual([[], []]);
    there.socket.tell({ type: 'reply', id: there.socket.last('dial')?.id, result: { callId, sequence: 1, call: aCall() } });
    const call = await dialing;
    there.socket.tell(dialedFrame());
    expect([new Set(told), center.activeCalls]).toEqual([new Set([call]), [call]]);
  });

  test('of somebody with whom one is talking takes nothing away from that call', async () => {
    const { center, call } = await back({ media: false });
    const second = center.dial(['bob']);
    there.socket.tell(eventFrame('call.ringing', 4, { userAlias: 'bob', deviceId: 'bob-desk' }));
    expect([call.phase, call.state.sequence, second.isPlaced]).toEqual(['connected', 4, false]);
    const { id } = there.socket.last('dial') ?? {};
    there.socket.tell({ type: 'error', id, error: { code: 'initiator_busy', message: 'busy' } });
    await settle();
    expect([second.end?.error?.code, center.activeCalls]).toEqual(['initiator_busy', [call]]);
  });

  test('moved to another device is in that one, and can be moved back', async () => {
    const center = await connecting({ media: false });
    there.calls = [aCall({ ...up, participants: [connected('alice', 'alice-desk'), connected('bob')] })];
    there.socket.breakOff();
    await settle(1000);
    const [call] = center.callsElsewhere;
    expect([call?.phase, call?.isElsewhere, center.activeCalls]).toEqual(['ended', true, []]);
    void call?.join();
    expect(there.socket.last('join')).toMatchObject({ callId });
    there.socket.tell(eventFrame('call.joined', 2, { userAlias: 'alice', deviceId: 'alice-phone' }));
    expect([center.activeCalls, center.callsElsewhere]).toEqual([[call], []]);
  });

  test('is not rung by what only looks like it', async () => {
    const center = await connecting();
    const call = center.dial(['carol']);
    there.socket.tell(dialedFrame({ callees: ['bob'] }));
    expect(call.isPlaced).toBe(false);
    const ring = aCall({ initiator: 'carol', participants: [connected('carol'), ringing('alice')] });
    there.calls = [ring];
    there.socket.breakOff();
    await settle(1000);
    expect([call.phase, call.isPlaced]).toEqual(['dialing', false]);
  });
});
