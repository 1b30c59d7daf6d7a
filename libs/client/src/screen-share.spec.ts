/*
 * A screen is sent beside the camera over the connection that is there, and told to the others for as long as it is shared; it ends with
 * the platform's own button, with a ban, and with the call. What is added to a connection is negotiated one offer at a time.
 */
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { MediaSession } from './media-session.js';
import { StandInCenter } from './stand-in-center.js';
import { StandInDevices, StandInPeer, type StandInTrack } from './stand-in-media.js';

let there: StandInCenter;
let devices: StandInDevices;
let knows: string[];

beforeEach(() => {
  vi.useFakeTimers();
  there = new StandInCenter();
  knows = ['sending', 'publish.again', 'screen', 'unwatched'];
  there.onFrame = (socket, frame) => {
    if (frame.type === 'join') socket.tell({ type: 'joined', callId: '019b7777-0000-7000-8000-000000000001', streams: [], knows });
  };
  devices = new StandInDevices();
  devices.install(vi.stubGlobal);
});

afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

const settle = () => vi.advanceTimersByTimeAsync(0);
const offers = () => there.socket.sent.filter(({ type }) => type === 'publish');
const told = () => there.socket.last('sending')?.screen;
const answer = async () => {
  there.socket.tell({ type: 'published', sdp: 'their answer' });
  await settle();
};
const tracksOf = ({ screen }: MediaSession) => (screen.stream?.getTracks() ?? []) as unknown as StandInTrack[];
const credentials = async () => ({ url: 'wss://m.example.com', token: 't', expiresAt: '', generation: 1, iceServers: [] });

async function aSession({ video = true } = {}) {
  const session = new MediaSession({ video, wishes: { audio: true, video: true }, webSocket: there.webSocket, credentials });
  const errors: Error[] = [];
  let changes = 0;
  session.on('error', (error) => errors.push(error));
  session.on('screenChanged', () => {
    changes += 1;
  });
  session.start();
  await settle();
  const allowed = { sound: true, picture: true };
  const share = async () => {
    await session.screen.open({ maySound: () => allowed.sound, mayGoOn: () => allowed.picture });
    await settle();
  };
  return { session, errors, changes: () => changes, share, allowed };
}

test('a screen is offered over the same connection, told, and ended by the button of the platform; shared again, nothing is negotiated', async () => {
  const { session, share, changes } = await aSession();
  await answer();
  await share();
  expect(StandInPeer.made[0]?.sent).toEqual(['audio', 'video', 'video', 'audio']);
  expect(offers().map(({ screen }) => screen)).toEqual([undefined, ['2', '3']]);
  expect(told()).toEqual({ audio: 'on', video: 'on' });
  await answer();

  const [picture, sound] = tracksOf(session);
  sound?.onended?.();
  await settle();
  expect(told()).toEqual({ audio: 'none', video: 'on' });
  picture?.onended?.();
  await settle();
  expect([told(), session.screen.stream, changes()]).toEqual([undefined, undefined, 3]);
  expect([picture?.stopped, sound?.stopped]).toEqual([true, true]);
  expect(StandInPeer.made[0]?.sent).toEqual(['audio', 'video']);

  await share();
  expect([offers().length, StandInPeer.made.length]).toEqual([2, 2]);
  expect(StandInPeer.made[0]?.sent).toEqual(['audio', 'video', 'video', 'audio']);
  session.stop();
  expect(devices.live).toEqual([]);
});

test('another screen takes the place of the one that is shared', async () => {
  const { session, share } = await aSession();
  await share();
  const before = tracksOf(session);
  await share();
  expect(before.map(({ stopped }) => stopped)).toEqual([true, true]);
  before[0]?.onended?.();
  expect(session.screen.stream?.getTracks()).toHaveLength(2);
});

test('what is added while an answer is awaited is offered after it, together', async () => {
  const { session, share } = await aSession({ video: false });
  session.addVideo();
  await share();
  expect(offers()).toHaveLength(1);
  await answer();
  expect([offers().length, StandInPeer.made[0]?.senders.length]).toEqual([2, 4]);
  await answer();
  expect([offers().length, StandInPeer.made.length]).toEqual([2, 2]);
});

test('what is chosen when it may not be shared any more is closed', async () => {
  const { session, share, allowed } = await aSession();
  allowed.sound = false;
  await share();
  expect(session.screen.stream?.getTracks().map(({ kind }) => kind)).toEqual(['video']);
  session.screen.close();
  allowed.picture = false;
  await share();
  expect(session.screen.stream).toBeUndefined();
  allowed.picture = true;
  session.stop();
  await share();
  expect([session.screen.stream, devices.live]).toEqual([undefined, []]);
});

test('a screen is shared over the next connection, too, when one is lost', async () => {
  const { share } = await aSession();
  await share();
  StandInPeer.made[1]?.become('failed');
  await vi.advanceTimersByTimeAsync(2000);
  expect(there.sockets).toHaveLength(2);
  expect([offers().map(({ screen }) => screen), told()]).toEqual([[['2', '3']], { audio: 'on', video: 'on' }]);
});

test('a Center of an earlier release is offered no screen, and the user is told', async () => {
  knows = ['sending'];
  const { session, share, errors } = await aSession();
  await answer();
  await share();
  expect([errors.length, session.screen.stream, offers().length, told()]).toEqual([1, undefined, 1, undefined]);
  expect(devices.live.map(({ kind }) => kind)).toEqual(['audio', 'video']);
});

test('whose pictures are not wanted is said once, and again over the next connection', async () => {
  const { session } = await aSession();
  const said = () => there.sockets.map(({ sent }) => sent.flatMap((frame) => (frame.type === 'unwatched' ? [frame.streamIds] : [])));
  session.unwatch([]);
  session.unwatch(['b', 'a']);
  session.unwatch(['a', 'b']);
  StandInPeer.made[1]?.become('failed');
  await vi.advanceTimersByTimeAsync(2000);
  session.unwatch([]);
  expect(said()).toEqual([[['b', 'a']], [['b', 'a'], []]]);
});
