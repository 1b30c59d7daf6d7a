/*
 * In a call of many a camera is sent in sizes, which are told as the platform has them; pictures come in the size in which they are shown,
 * whatever link brings them; and who speaks is told by the Center.
 */
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { CameraSizes, withoutPauses } from './camera-sizes.js';
import { MediaSession } from './media-session.js';
import { StandInCenter } from './stand-in-center.js';
import { StandInDevices, StandInPeer } from './stand-in-media.js';

const callId = '019b7777-0000-7000-8000-000000000001';
const streamOf = (userAlias: string) => ({ streamId: `of-${userAlias}`, userAlias, deviceId: `${userAlias}-phone`, kind: 'camera' });
let there: StandInCenter;
let sessions: MediaSession[];
let knows: string[];

beforeEach(() => {
  vi.useFakeTimers();
  there = new StandInCenter();
  sessions = [];
  knows = ['sending', 'ping.nextWithinMs', 'layers', 'unwatched', 'resume'];
  there.onFrame = (socket, { type }) => {
    const streams = ['ann', 'ben', 'cat'].map(streamOf);
    if (type === 'join') socket.tell({ type: 'joined', callId, streams, resume: 'a key', knows });
  };
  new StandInDevices().install(vi.stubGlobal);
});
afterEach(() => {
  for (const session of sessions) session.stop();
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

async function started(isOfMany: boolean | (() => boolean) = true): Promise<MediaSession> {
  const session = new MediaSession({
    video: true,
    wishes: { audio: true, video: true },
    webSocket: there.webSocket,
    isOfMany: () => (typeof isOfMany === 'function' ? isOfMany() : isOfMany),
    credentials: async () => ({ url: 'wss://media.example.com', token: 'token', expiresAt: '', generation: 1, iceServers: [] }),
  });
  sessions.push(session);
  session.start();
  await vi.advanceTimersByTimeAsync(0);
  return session;
}

const sent = (rid: string, frameHeight: number, more: object = {}) => ({ type: 'outbound-rtp', rid, frameHeight, ...more });

test('a camera is offered in three sizes, and told, in a call of many, in those that are sent', async () => {
  await started();
  expect(StandInPeer.made[0]?.rids).toEqual([[], ['h', 'm', 'l']]);
  expect(there.socket.last('sending')).not.toHaveProperty('layers');
  StandInPeer.statsOfSenders = [sent('m', 240), sent('h', 480), sent('l', 120, { active: false }), sent('x', 60)];
  await vi.advanceTimersByTimeAsync(2000);
  expect(there.socket.last('sending')).toMatchObject({
    layers: [
      { rid: 'h', height: 480 },
      { rid: 'm', height: 240 },
    ],
  });
  const told = () => there.socket.sent.filter(({ type }) => type === 'sending').length;
  const before = told();
  await vi.advanceTimersByTimeAsync(5000);
  expect(told(), 'said once').toBe(before);
});

test('in a call of two one size is made, of all that were offered; the others when a third comes, without an offer', async () => {
  let isOfMany = false;
  await started(() => isOfMany);
  const [publishing] = StandInPeer.made;
  const made = () => publishing?.senders[1]?.encodings.map(({ rid, active, maxBitrate }) => [rid, active, maxBitrate]);
  there.socket.tell({ type: 'published', sdp: 'an answer' });
  await vi.advanceTimersByTimeAsync(2000);
  const one = [
    ['h', true, 1_700_000],
    ['m', false, undefined],
    ['l', false, undefined],
  ];
  expect(publishing?.rids).toEqual([[], ['h', 'm', 'l']]);
  expect(made()).toEqual(one);
  const offers = () => there.socket.sent.filter(({ type }) => type === 'publish').length;
  const before = offers();
  StandInPeer.statsOfSenders = [sent('h', 480), sent('m', 240)];
  isOfMany = true;
  await vi.advanceTimersByTimeAsync(2000);
  expect(made()).toEqual(['h', 'm', 'l'].map((rid) => [rid, true, undefined]));
  expect(there.socket.last('sending')).toMatchObject({ layers: [{ height: 480 }, { height: 240 }] });
  expect(offers()).toBe(before);
});

test('a camera for which there was no room is switched on again over new connections: Janus never learnt the sizes of the old ones', async () => {
  const session = await started();
  there.socket.tell({ type: 'refused', what: 'camera', error: { code: 'too_many_streams', message: '' } });
  await vi.advanceTimersByTimeAsync(0);
  expect([session.sending.video.state, there.sockets.length]).toEqual(['off', 1]);
  session.wish('video', true);
  await vi.advanceTimersByTimeAsync(300);
  expect([there.sockets.length, StandInPeer.made.length, StandInPeer.made.some(({ closed }) => closed)]).toEqual([2, 4, false]);
  session.wish('video', false);
  session.wish('video', true);
  await vi.advanceTimersByTimeAsync(300);
  expect(there.sockets.length).toBe(2);
});

test('what an answer sent again is one size again; and no offer says that a size rests', async () => {
  const told = '\r\na=rid:m send\r\na=simulcast:send h;~m;~l\r\na=x:~\r\n';
  const sizes = new CameraSizes(() => false);
  let encodings = CameraSizes.encodings.map((one) => ({ ...one, active: true }));
  const sender = {
    getParameters: () => ({ encodings }),
    setParameters: async (set: { encodings: typeof encodings }) => {
      encodings = set.encodings;
    },
  } as unknown as RTCRtpSender;
  await sizes.follow(sender);
  encodings = encodings.map((one) => ({ ...one, active: true }));
  sizes.answered();
  await sizes.follow(sender);
  expect(encodings.map(({ active }) => active)).toEqual([true, false, false]);
  expect(withoutPauses(told)).toBe('\r\na=rid:m send\r\na=simulcast:send h;m;l\r\na=x:~\r\n');
});

test('a door of an earlier release is told of no sizes', async () => {
  knows = ['sending', 'ping.nextWithinMs'];
  const session = await started();
  StandInPeer.statsOfSenders = [sent('h', 480), sent('m', 240)];
  session.show(new Map([['of-ann', 100]]));
  await vi.advanceTimersByTimeAsync(3000);
  expect(there.socket.last('sending')).not.toHaveProperty('layers');
  expect(there.socket.last('sizes')).toBeUndefined();
});

test('how high pictures are shown is told when it changes, and to the next link too', async () => {
  const session = await started();
  const sizes = () => there.sockets.flatMap((socket) => socket.sent.filter(({ type }) => type === 'sizes'));
  session.show(new Map([['of-ann', 240]]));
  session.show(new Map([['of-ann', 240]]));
  expect(sizes()).toMatchObject([{ sizes: [{ streamId: 'of-ann', height: 240 }] }]);
  there.socket.breakOff();
  await vi.advanceTimersByTimeAsync(1000);
  expect(there.sockets.length).toBe(2);
  expect(sizes()).toHaveLength(2);
  session.show(new Map());
  expect(sizes().at(-1)).toMatchObject({ sizes: [] });
});

test('who speaks is told in the order of beginning, last first, and nobody who has left', async () => {
  const session = await started();
  const heard: string[][] = [];
  session.on('speakersChanged', () => heard.push(session.speakers));
  const say = (...users: string[]) => there.socket.tell({ type: 'speaking', streamIds: users.map((user) => `of-${user}`) });
  say('ann');
  await vi.advanceTimersByTimeAsync(0);
  say('ann', 'ben', 'nobody');
  await vi.advanceTimersByTimeAsync(0);
  say('ben', 'cat', 'ann');
  await vi.advanceTimersByTimeAsync(0);
  expect(heard).toEqual([['ann'], ['ben', 'ann'], ['cat', 'ben', 'ann']]);
  there.socket.tell({ type: 'stream_removed', streamId: 'of-cat' });
  await vi.advanceTimersByTimeAsync(0);
  expect(session.speakers).toEqual(['ben', 'ann']);
  say();
  await vi.advanceTimersByTimeAsync(0);
  expect(session.speakers).toEqual([]);
});
