/*
 * Media is opened for a call, replaced when it breaks, with credentials that are good then, and let go of at its end. What a
 * next release says on the media socket harms none of it.
 */
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { MediaSession, type RemoteStream } from './media-session.js';
import { StandInCenter } from './stand-in-center.js';
import { StandInDevices, StandInPeer, type StandInTrack } from './stand-in-media.js';

let there: StandInCenter;
let devices: StandInDevices;
let credentialsGiven: number;
let joined: object[];
let toldAtJoin: object;

beforeEach(() => {
  vi.useFakeTimers();
  there = new StandInCenter();
  credentialsGiven = 0;
  joined = [];
  toldAtJoin = {};
  there.onFrame = (socket, frame) => {
    const callId = '019b7777-0000-7000-8000-000000000001';
    if (frame.type === 'join') socket.tell({ type: 'joined', callId, streams: joined, ...toldAtJoin });
  };
  devices = new StandInDevices();
  devices.install(vi.stubGlobal);
});

afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

const aliceCamera = { streamId: 'alice-camera', userAlias: 'alice', deviceId: 'alice-phone', kind: 'camera' };
const settle = () => vi.advanceTimersByTimeAsync(0);

function aSession({ video = true, wishes = { audio: true, video: true } } = {}): {
  session: MediaSession;
  streams: RemoteStream[];
  errors: Error[];
} {
  const session = new MediaSession({
    video,
    wishes,
    webSocket: there.webSocket,
    credentials: async () => {
      credentialsGiven += 1;
      return {
        url: 'wss://media.example.com',
        token: `token ${credentialsGiven}`,
        expiresAt: '',
        generation: 1,
        iceServers: [{ urls: ['stun:beside'] }],
      };
    },
  });
  const streams: RemoteStream[] = [];
  const errors: Error[] = [];
  session.on('streamAdded', (stream) => streams.push(stream));
  session.on('error', (error) => errors.push(error));
  return { session, streams, errors };
}

test('camera and microphone are published once the socket is joined', async () => {
  const { session } = aSession();
  session.prepare();
  await settle();
  expect(session.localStream?.getTracks()).toHaveLength(2);
  expect(there.sockets).toHaveLength(0);
  session.start();
  session.start();
  await settle();
  expect(there.sockets).toHaveLength(1);
  expect(there.socket.sent.map(({ type }) => type)).toEqual(['join', 'publish']);
  there.socket.tell({ type: 'published', sdp: 'their answer' });
  await settle();
  expect(StandInPeer.made[0]?.remote).toEqual([{ type: 'answer', sdp: 'their answer' }]);
});

test.each([
  [
    'told at the join, where it is',
    { node: 'n', generation: 2, iceServers: [{ urls: ['turn:told'], username: 'u', credential: 'c' }] },
    'turn:told',
  ],
  ['beside the credentials, where the join tells none', {}, 'stun:beside'],
])('both peers gather by the servers %s', async (_which, told, address) => {
  joined = [aliceCamera];
  toldAtJoin = told;
  aSession().session.start();
  await settle();
  there.socket.tell({ type: 'offer', sdp: '0', tracks: [{ mid: '0', streamId: 'alice-camera' }] });
  await settle();
  expect(StandInPeer.made.map(({ gatheredBy }) => gatheredBy)).toEqual([[address], [address]]);
  expect(StandInPeer.made.map((peer) => peer.getConfiguration().bundlePolicy)).toEqual(['max-bundle', 'max-bundle']);
});

test('without a camera there is sound, and without both the call is received', async () => {
  devices.answer = (kinds) => (kinds.includes('video') ? 'NotFoundError' : 'allow');
  const { session, errors } = aSession();
  session.start();
  await settle();
  expect(session.localStream?.getTracks().map(({ kind }) => kind)).toEqual(['audio']);
  expect([errors.map(({ name }) => name), devices.asked]).toEqual([['NotFoundError'], [['audio', 'video'], ['audio'], ['video']]]);
  expect(session.sending).toMatchObject({ audio: { state: 'on' }, video: { state: 'failed', problem: 'missing' } });

  devices.answer = () => 'NotAllowedError';
  const other = aSession().session;
  other.start();
  await settle();
  expect(there.socket.sent.map(({ type }) => type)).toEqual(['join', 'publish']);
  expect(StandInPeer.made[2]?.sent).toEqual([]);
  expect(other.sending).toMatchObject({ audio: { problem: 'denied' }, video: { problem: 'denied' } });
});

test('streams come with their tracks, one after the other, and go', async () => {
  joined = [aliceCamera];
  const { session, streams } = aSession();
  const removed: string[] = [];
  session.on('streamRemoved', ({ streamId }) => removed.push(streamId));
  session.start();
  await settle();
  const tracks = ['0', '1'].map((mid) => ({ mid, streamId: 'alice-camera' }));
  there.socket.tell({ type: 'offer', sdp: '0', tracks: tracks.slice(0, 1) });
  there.socket.tell({ type: 'offer', sdp: '0 1', tracks });
  await settle();
  expect(streams).toHaveLength(1);
  expect(streams[0]).toMatchObject(aliceCamera);
  expect(streams[0]?.mediaStream.getTracks()).toHaveLength(2);
  expect(there.socket.sent.filter(({ type }) => type === 'answer')).toHaveLength(2);
  there.socket.tell({ type: 'stream_removed', streamId: 'alice-camera' });
  await settle();
  expect([removed, session.remoteStreams]).toEqual([['alice-camera'], []]);
});

test('a link that breaks is replaced with new credentials, and its streams are gone meanwhile', async () => {
  joined = [aliceCamera];
  const { session, streams } = aSession();
  session.start();
  await settle();
  there.socket.tell({ type: 'offer', sdp: '0', tracks: [{ mid: '0', streamId: 'alice-camera' }] });
  await settle();
  StandInPeer.made[1]?.become('failed');
  expect(session.remoteStreams).toEqual([]);
  expect(StandInPeer.made.map(({ closed }) => closed)).toEqual([true, true]);
  await vi.advanceTimersByTimeAsync(1000);
  expect(there.sockets.map((socket) => socket.last('join')?.token)).toEqual(['token 1', 'token 2']);
  there.socket.tell({ type: 'offer', sdp: '0', tracks: [{ mid: '0', streamId: 'alice-camera' }] });
  await settle();
  expect(streams).toHaveLength(2);
});

test('a socket that is never joined is given up, and the app hears of it when that goes on', async () => {
  there.onFrame = () => undefined;
  const { session, errors } = aSession();
  session.start();
  await vi.advanceTimersByTimeAsync(16_000);
  expect(there.sockets[0]?.readyState).toBe(3);
  expect(errors).toEqual([]);
  await vi.advanceTimersByTimeAsync(90_000);
  expect(errors.length).toBeGreaterThan(0);
});

test('video that was consented to is sent as well', async () => {
  const { session } = aSession({ video: false });
  session.start();
  await settle();
  session.addVideo();
  session.addVideo();
  await settle();
  expect(devices.asked).toEqual([['audio'], ['video']]);
  expect(StandInPeer.made[2]?.sent).toEqual(['audio', 'video']);
});

test('stopped, it uses nothing any more, not even a camera that opens late', async () => {
  const { session } = aSession();
  session.start();
  await settle();
  const local = session.localStream?.getTracks() as unknown as StandInTrack[];
  session.stop();
  await settle();
  expect(local.map(({ stopped }) => stopped)).toEqual([true, true]);
  expect(there.socket.readyState).toBe(3);

  devices.answer = undefined;
  const late = aSession().session;
  late.prepare();
  late.stop();
  devices.settle('allow');
  await settle();
  expect(devices.live).toEqual([]);
  await vi.advanceTimersByTimeAsync(60_000);
  expect(there.sockets).toHaveLength(1);
});

test('a screen or a camera for which the call has no room is switched off, and the app is told by name', async () => {
  joined = [];
  const { session } = aSession();
  const errors: unknown[] = [];
  session.on('error', (error) => errors.push((error as { code?: string }).code));
  session.start();
  await settle();
  expect(session.sending.video.wished).toBe(true);
  for (const what of ['camera', 'screen', 'hologram'])
    there.socket.tell({ type: 'refused', what, error: { code: 'too_many_streams', message: 'full' } });
  await settle();
  expect([errors, session.sending.video.wished]).toEqual([['too_many_streams', 'too_many_streams', 'too_many_streams'], false]);
});

test('frames, reasons and kinds of a next release are taken as they come', async () => {
  joined = [{ ...aliceCamera, kind: 'hologram', lanes: [1, 2] }];
  const { session, streams } = aSession();
  session.start();
  await settle();
  for (const frame of [{ type: 'layers', of: 'alice' }, 'not JSON', { type: 'closed', reason: 'full_moon' }, { type: 'offer' }]) {
    there.socket.tell(frame);
  }
  there.socket.tell({ type: 'offer', sdp: '0', tracks: [{ mid: '0', streamId: 'alice-camera', codec: 'new' }], addedLater: true });
  await settle();
  expect(streams[0]).toMatchObject({ streamId: 'alice-camera', kind: 'hologram' });
  expect(there.sockets).toHaveLength(1);
});

test.each([
  ['a Center that keeps it is told how media goes, soon and then every five seconds', ['quality'], [1500, 6500]],
  ['a Center of an earlier release is told nothing', [], []],
])('%s', async (_what, knows, at) => {
  toldAtJoin = { knows };
  const { session } = aSession();
  session.start();
  await settle();
  const begun = Date.now();
  const told: number[] = [];
  const { onFrame } = there;
  there.onFrame = (socket, frame) => {
    if (frame.type === 'quality') told.push(Date.now() - begun);
    onFrame(socket, frame);
  };
  await vi.advanceTimersByTimeAsync(7000);
  session.stop();
  await vi.advanceTimersByTimeAsync(20_000);
  expect(told).toEqual(at);
});

test('what a call needs of the platform is made before there are credentials, asks nobody, and goes with the call', async () => {
  const { session } = aSession();
  session.makeReady();
  await settle();
  const before = [
    StandInPeer.made.length,
    devices.asked,
    there.sockets,
    credentialsGiven,
    StandInPeer.made.flatMap(({ gatheredBy }) => gatheredBy),
  ];
  expect(before).toEqual([2, [], [], 0, []]);
  session.start();
  await settle();
  expect([StandInPeer.made.length, StandInPeer.made[0]?.sent, there.sockets.length]).toEqual([2, ['audio', 'video'], 1]);
  session.stop();
  const unanswered = aSession().session;
  unanswered.makeReady();
  unanswered.stop();
  expect(StandInPeer.made.map(({ closed }) => closed)).toEqual([true, true, true, true]);
});

test('a platform that makes no connection is told of when it is needed, and left no socket', async () => {
  vi.stubGlobal(
    'RTCPeerConnection',
    class {
      constructor() {
        throw new RangeError('too many connections');
      }
    },
  );
  const { session, errors } = aSession();
  session.makeReady();
  session.start();
  await vi.advanceTimersByTimeAsync(60_000);
  expect([there.sockets.length, errors[0]?.message]).toEqual([0, 'too many connections']);
  session.stop();
});
