/*
 * In a call somebody waits: a network that is gone is noticed within three seconds and looked for without rest, what the user does
 * holds here at once, and a device that comes back is in its call again.
 */
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { callId, connected, dialedFrame, eventFrame, gone } from './stand-in-center.js';
import { StandInPeer } from './stand-in-media.js';
import { bobCamera, StandInPhone, talking, up } from './stand-in-phone.js';

let phone: StandInPhone;
beforeEach(() => {
  vi.useFakeTimers();
  phone = new StandInPhone(vi.stubGlobal);
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

const settle = (milliseconds = 0) => vi.advanceTimersByTimeAsync(milliseconds);

test('credentials that come with the reply are not asked for, though the event that tells of the answer came before it', async () => {
  const center = await phone.connect({ media: true, userAlias: 'bob', deviceId: 'bob-phone' });
  center.on('incomingCall', (call) => void call.answer());
  phone.there.socket.tell(dialedFrame());
  phone.there.socket.tell(eventFrame('call.answered', 2, { userAlias: 'bob', deviceId: 'bob-phone' }));
  await settle(100);
  const { socket } = phone.there;
  const [asked] = socket.sent.filter(({ type }) => type === 'answer');
  const media = { url: 'wss://media.of-the-reply.example.com', token: 't', expiresAt: '', generation: 1, iceServers: [] };
  socket.tell({ type: 'reply', id: asked?.id, result: { callId, sequence: 3, call: talking, media } });
  await settle();
  expect(phone.socketTo('media').url).toBe(media.url);
  expect(socket.sent.some(({ type }) => type === 'credentials')).toBe(false);
});

describe('a call that a device is in when it connects', () => {
  test('gets its media, with what the app wishes to be sent', async () => {
    const { call } = await phone.back({ sending: { video: false } });
    expect([call.phase, call.link]).toEqual(['connected', 'connected']);
    expect(phone.devices.asked).toEqual([['audio']]);
    expect(StandInPeer.made.map(({ sent }) => sent)).toEqual([['audio'], []]);
    expect(phone.socketTo('media').last('sending')).toEqual({ type: 'sending', audio: 'on', video: 'off' });
  });

  test('that was left here and not phone.there is hung up when the network is back', async () => {
    const { center, call } = await phone.back();
    const mend = phone.cut();
    const leaving = call.hangUp();
    expect([call.end?.reason, center.activeCalls, phone.devices.live]).toEqual(['hung_up', [], []]);
    await settle(20_000);
    phone.there.onFrame = (socket, frame) => {
      if (frame.type !== 'hang_up') return;
      const over = { ...talking, status: 'ended', sequence: 5, endedAt: up.answeredAt, reason: 'hung_up', talkSeconds: 9 };
      socket.tell({ type: 'reply', id: frame.id, result: { callId, sequence: 5, call: over } });
    };
    mend();
    phone.socketTo('center').breakOff();
    await settle(2000);
    await expect(leaving).resolves.toBeUndefined();
    expect(call.state.status).toBe('ended');
  });

  test('that was left while nobody could be told, is left again as soon as the Center tells of it', async () => {
    const { center, call } = await phone.back();
    phone.there.onFrame = () => undefined;
    const leaving = call.hangUp().catch(({ code }) => code);
    await settle(121_000);
    expect(await leaving).toBe('service_unavailable');
    const before = phone.there.sockets.length;
    phone.socketTo('center').breakOff();
    await settle(6000);
    expect([phone.there.sockets.length > before, center.activeCalls]).toEqual([true, []]);
    expect(phone.socketTo('center').last('hang_up')).toMatchObject({ callId });
    expect(phone.devices.live).toEqual([]);
  });
});

describe('a network that is gone', () => {
  test('is told within three seconds, and again when it is back', async () => {
    const { call } = await phone.back();
    await settle(5000);
    const told: string[] = [];
    call.on('linkChanged', () => told.push(call.link));
    const mend = phone.cut();
    await settle(3000);
    expect(told).toContain('reconnecting');
    expect(call.link).toBe('reconnecting');
    mend();
    await settle(1000);
    expect(call.link).toBe('connected');
    expect(phone.there.sockets.filter(({ url }) => url.includes('media'))).toHaveLength(1);
  });

  test('is not told while media still comes, and not any more once it comes again', async () => {
    const { call } = await phone.back();
    await settle(1000);
    phone.cut();
    await settle(2900);
    expect(call.link).toBe('reconnecting');
    for (let half = 0; half < 4; half += 1) {
      for (const peer of StandInPeer.made) peer.bytesReceived += 5000;
      await settle(500);
    }
    expect(call.link).toBe('connected');
    await settle(2000);
    expect(call.link).toBe('reconnecting');
  });

  const mediaSockets = () => phone.there.sockets.filter(({ url }) => url.includes('media')).length;
  const flow = async (halves: number) => {
    for (let half = 0; half < halves; half += 1) {
      for (const peer of StandInPeer.made) peer.bytesReceived += 5000;
      await settle(100);
    }
  };

  test('is found again within two seconds, and media that has not come back with it is replaced', async () => {
    const { call } = await phone.back();
    await settle(1000);
    const mend = phone.cut();
    await settle(20_000);
    mend(phone.socketTo('media'));
    await settle(3000);
    expect([call.link, mediaSockets()]).toEqual(['connected', 2]);
    expect(StandInPeer.made.map(({ closed }) => closed)).toEqual([true, true, false, false]);
  });

  test('and media that flows again is left as it is, though its socket does not know it yet', async () => {
    const { center, call } = await phone.back();
    await settle(1000);
    const mend = phone.cut();
    await settle(20_000);
    mend(phone.socketTo('media'));
    const before = phone.there.sockets.length;
    await flow(10);
    expect([call.link, mediaSockets()]).toEqual(['connected', 1]);
    expect(phone.there.sockets.length - before, 'the Center is asked again as soon as media comes').toBe(1);
    expect(center.connectionState).toBe('connected');
    await flow(20);
    expect(mediaSockets()).toBe(1);
  });

  test('of the Center alone is not looked for sooner because of what others do meanwhile', async () => {
    await phone.back();
    await settle(1000);
    phone.there.onConnect = (socket) => socket.breakOff();
    phone.socketTo('center').breakOff();
    await settle(10_000);
    const before = phone.there.sockets.length;
    for (let change = 0; change < 20; change += 1) {
      phone.socketTo('media').tell({ type: 'stream_changed', stream: { ...bobCamera, quiet: change % 2 === 0 } });
      await settle(10);
    }
    expect(phone.there.sockets.length - before).toBeLessThanOrEqual(1);
  });

  test('is looked for seldom where media tells when it is back, and often where there is none any more', async () => {
    await phone.back();
    await settle(1000);
    phone.cut();
    await settle(9000);
    const times = async (forMs: number) => {
      const before = phone.there.sockets.length;
      await settle(forMs);
      return phone.there.sockets.length - before;
    };
    expect(await times(10_000)).toBeLessThanOrEqual(2);
    StandInPeer.made[0]?.become('failed');
    await settle(5000);
    expect(await times(10_000)).toBeGreaterThanOrEqual(5);
  });

  test('of which the platform says that it is back is tried at once', async () => {
    const listeners = new Set<() => void>();
    const window = {
      addEventListener: (_online: string, listener: () => void) => listeners.add(listener),
      removeEventListener: (_online: string, listener: () => void) => listeners.delete(listener),
    };
    vi.stubGlobal('window', window);
    const { center, call } = await phone.back();
    await settle(1000);
    const mend = phone.cut();
    await settle(20_000);
    const before = phone.there.sockets.length;
    mend(phone.socketTo('media'));
    for (const listener of listeners) listener();
    await settle(250);
    expect([call.link, phone.there.sockets.length]).toEqual(['connected', before + 2]);
    center.close();
    expect(listeners.size).toBe(0);
  });

  test('of the media alone is told by the state of its connection', async () => {
    const { call } = await phone.back();
    StandInPeer.made[1]?.become('disconnected');
    expect(call.link).toBe('reconnecting');
    StandInPeer.made[1]?.become('connected');
    expect(call.link).toBe('connected');
  });

  test('of the media alone is over once media comes again, whatever the platform still says of its connections', async () => {
    const { call } = await phone.back();
    for (const peer of StandInPeer.made) peer.become('disconnected');
    await settle(2000);
    expect(call.link).toBe('reconnecting');
    const [sends] = StandInPeer.made;
    for (let half = 0; half < 3; half += 1) {
      if (StandInPeer.made[1]) StandInPeer.made[1].bytesReceived += 5000;
      await settle(500);
    }
    expect(call.link, 'one of the two is lost still').toBe('reconnecting');
    for (let half = 0; half < 3; half += 1) {
      for (const peer of StandInPeer.made) peer.bytesReceived += 100;
      await settle(500);
    }
    expect([sends?.connectionState, call.link]).toEqual(['disconnected', 'connected']);
    await settle(2500);
    expect(call.link).toBe('reconnecting');
  });

  test('is noticed in a call without media too, and looked for without rest', async () => {
    const { call } = await phone.back({ media: false });
    await settle(5000);
    expect(call.link).toBe('connected');
    const mend = phone.cut();
    await settle(2900);
    expect(call.link).toBe('reconnecting');
    await settle(17_000);
    mend();
    await settle(4000);
    expect(call.link).toBe('connected');
  });

  test('costs nobody who is in no call any patience', async () => {
    await phone.connect({ media: false });
    phone.cut();
    await settle(24_000);
    expect(phone.there.sockets).toHaveLength(1);
    expect(phone.there.socket.sent.filter(({ type }) => type === 'ping').length).toBeLessThan(4);
  });
});

describe('the others', () => {
  test('are heard of as they come, mute, fall silent and go', async () => {
    const { call } = await phone.back();
    expect([call.reachOf('bob'), call.reachOf('carol')]).toEqual(['here', 'joining']);
    const socket = phone.socketTo('media');
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
    phone.there.socket.tell({ type: 'stream_added', stream: bobCamera });
    await settle();
    expect(call.reachOf('bob')).toBe('here');
  });

  test('who were out of the call come anew', async () => {
    const { call } = await phone.back();
    phone.socketTo('media').tell({ type: 'stream_removed', streamId: 's1' });
    await settle();
    const people = [connected('alice'), gone('bob', 'hung_up'), connected('carol')];
    call.update({ ...talking, sequence: 4, participants: people } as never);
    call.update({ ...talking, sequence: 5 } as never);
    expect(call.reachOf('bob')).toBe('joining');
  });

  test('of a door of an earlier release are told nothing that it does not know', async () => {
    const { onFrame } = phone.there;
    phone.there.onFrame = (socket, frame) =>
      frame.type === 'join' ? socket.tell({ type: 'joined', callId, streams: [] }) : onFrame(socket, frame);
    await phone.back();
    await settle(3000);
    const sent = phone.socketTo('media').sent;
    expect(sent.filter(({ type }) => type === 'sending')).toEqual([]);
    expect(sent.filter(({ type }) => type === 'ping').every((frame) => !('nextWithinMs' in frame))).toBe(true);
  });
});
