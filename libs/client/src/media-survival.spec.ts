/*
 * A media socket that breaks costs nothing where the door holds its connections, and where it does not, what comes over the old ones stays
 * until it comes over the new ones: of nobody there are two tiles, and nobody is missed. A way that is lost is looked for anew over the
 * same connections; what is dead is left at once.
 */
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { MediaSession } from './media-session.js';
import { StandInCenter, type StandInSocket } from './stand-in-center.js';
import { StandInDevices, StandInPeer } from './stand-in-media.js';

const callId = '019b7777-0000-7000-8000-000000000001';
const aliceCamera = { streamId: 'alice-1', userAlias: 'alice', deviceId: 'alice-phone', kind: 'camera' };
const again = { ...aliceCamera, streamId: 'alice-2' };
const knows = ['sending', 'ping.nextWithinMs', 'publish.again', 'unwatched', 'resume', 'ice.restart'];

let there: StandInCenter;
/** What each join is answered, the last for all that follow. */
let answers: object[];
let session: MediaSession;
/** What became of streams, in order: `+` and the name, or `-`. */
let shown: string[];

beforeEach(() => {
  vi.useFakeTimers();
  there = new StandInCenter();
  answers = [];
  shown = [];
  there.onFrame = (socket, frame) => {
    if (frame.type !== 'join') return;
    const [answer] = answers.length > 1 ? answers.splice(0, 1) : answers;
    socket.tell({ type: 'joined', callId, streams: [aliceCamera], resume: 'a key', knows, ...answer });
  };
  new StandInDevices().install(vi.stubGlobal);
  let given = 0;
  session = new MediaSession({
    video: true,
    wishes: { audio: true, video: true },
    webSocket: there.webSocket,
    credentials: async () => {
      given += 1;
      return { url: `wss://door-${given}.example.com`, token: `token ${given}`, expiresAt: '', generation: 1, iceServers: [] };
    },
  });
  session.on('streamAdded', ({ streamId }) => shown.push(`+${streamId}`));
  session.on('streamRemoved', ({ streamId }) => shown.push(`-${streamId}`));
});

afterEach(() => {
  session.stop();
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

const settle = () => vi.advanceTimersByTimeAsync(0);
const offerOf = (streamId: string, sdp = '0') => ({ type: 'offer', sdp, tracks: [{ mid: '0', streamId }] });
const closed = () => StandInPeer.made.map((peer) => peer.closed);

/** A session that receives alice, over connections over which media comes as long as `isFlowing`. */
async function receiving(): Promise<{ socket: StandInSocket; flow: { isFlowing: boolean } }> {
  session.start();
  await settle();
  const { socket } = there;
  socket.tell({ type: 'published', sdp: 'their answer' });
  socket.tell(offerOf('alice-1'));
  await settle();
  const flow = { isFlowing: true };
  const peers = StandInPeer.made.slice(0, 2);
  setInterval(() => {
    for (const peer of peers) if (flow.isFlowing) peer.bytesReceived += 1000;
  }, 50);
  for (const peer of peers) peer.become('connected');
  return { socket, flow };
}

test('a socket that breaks is followed by one at the same door, with which the same connections go on', async () => {
  const { socket } = await receiving();
  answers = [{ resumed: true, streams: [aliceCamera, { ...aliceCamera, userAlias: 'eve', streamId: 'eve-1' }] }];
  there.onFrame = ((first) => (next: StandInSocket, frame: { type: string }) => {
    first(next, frame);
    // What had no answer is said again in the same breath.
    if (frame.type === 'join') next.tell(offerOf('eve-1', '0 1'));
  })(there.onFrame);
  const states: string[] = [];
  session.on('linkChanged', () => states.push(session.link));
  socket.breakOff();
  await vi.advanceTimersByTimeAsync(1000);
  expect(there.socket.url).toBe('wss://door-1.example.com');
  expect(there.socket.last('join')).toMatchObject({ token: 'token 2', resume: 'a key' });
  expect(there.socket.last('answer')).toBeDefined();
  expect(closed()).toEqual([false, false, true, true]);
  expect([session.link, states.includes('reconnecting'), session.reachOf('eve')]).toEqual(['connected', false, 'here']);
  expect(shown).toEqual(['+alice-1']);
  there.socket.tell({ type: 'stream_removed', streamId: 'alice-1' });
  await settle();
  expect(shown).toEqual(['+alice-1', '-alice-1']);
});

test('an offer whose answer was lost with its socket is made again', async () => {
  session.start();
  await settle();
  answers = [{ resumed: true }];
  there.socket.breakOff();
  await vi.advanceTimersByTimeAsync(1000);
  expect(there.socket.sent.map(({ type }) => type).filter((type) => type !== 'ping')).toEqual(['join', 'sending', 'publish', 'unwatched']);
});

test('while no door is reached, each round begins with the one that holds the connections', async () => {
  const { socket } = await receiving();
  there.onFrame = () => undefined;
  socket.breakOff();
  for (let round = 0; round < 12; round += 1) {
    await vi.advanceTimersByTimeAsync(500);
    if (there.socket.readyState < 2) there.socket.breakOff();
  }
  const doors = there.sockets.slice(1, 7).map(({ url }) => url === 'wss://door-1.example.com');
  expect(doors).toEqual([true, false, true, false, true, false]);
  expect([shown, session.link]).toEqual([['+alice-1'], 'connected']);
});

test.each([
  ['whose socket breaks at a door that holds nothing', (socket: StandInSocket) => socket.breakOff()],
  ['that is to join elsewhere', (socket: StandInSocket) => socket.tell({ type: 'moved' })],
  [
    'that is to join elsewhere, and whose door is gone before it has',
    (socket: StandInSocket) => {
      socket.tell({ type: 'moved' });
      setTimeout(() => socket.breakOff(), 10);
    },
  ],
  [
    'whose door stops',
    (socket: StandInSocket) => {
      socket.tell({ type: 'closed', reason: 'restarting' });
      socket.breakOff(1000);
    },
  ],
])('of a device %s the others are seen over the old connections until they are over the new ones', async (_which, happens) => {
  const { socket } = await receiving();
  let isDecoded = false;
  StandInPeer.statsOfReceivers = () => [{ type: 'inbound-rtp', kind: 'video', framesDecoded: isDecoded ? 1 : 0 }];
  answers = [{ streams: [again], resume: 'another key' }];
  happens(socket);
  await vi.advanceTimersByTimeAsync(500);
  expect(there.sockets).toHaveLength(2);
  there.socket.tell(offerOf('alice-2'));
  await vi.advanceTimersByTimeAsync(300);
  expect([shown, closed(), session.link]).toEqual([['+alice-1'], [false, false, false, false], 'connected']);
  isDecoded = true;
  await vi.advanceTimersByTimeAsync(100);
  expect([shown, session.remoteStreams.length]).toEqual([['+alice-1', '-alice-1', '+alice-2'], 1]);
  expect(closed(), 'others may still see it').toEqual([false, false, false, false]);
  await vi.advanceTimersByTimeAsync(1600);
  expect(closed()).toEqual([true, true, false, false]);
  expect(shown).toHaveLength(3);
  StandInPeer.statsOfReceivers = undefined;
});

test('what somebody else sends anew takes the place of what they sent before, at once where that goes', async () => {
  const { socket } = await receiving();
  StandInPeer.statsOfReceivers = () => [];
  socket.tell({ type: 'stream_added', stream: again });
  socket.tell({ type: 'offer', sdp: '0 1', tracks: [{ mid: '1', streamId: 'alice-2' }] });
  await vi.advanceTimersByTimeAsync(500);
  expect(shown).toEqual(['+alice-1']);
  socket.tell({ type: 'stream_removed', streamId: 'alice-1' });
  await settle();
  expect(shown).toEqual(['+alice-1', '-alice-1', '+alice-2']);
  StandInPeer.statsOfReceivers = undefined;
});

test('where Janus is dead nothing is kept of it, and the next join is made at once', async () => {
  const { socket, flow } = await receiving();
  flow.isFlowing = false;
  answers = [{ streams: [] }];
  there.isReached = false;
  socket.tell({ type: 'closed', reason: 'media_lost' });
  socket.breakOff(1000);
  await vi.advanceTimersByTimeAsync(250);
  expect([there.sockets.length, there.socket.url]).toEqual([2, 'wss://door-2.example.com']);
  await vi.advanceTimersByTimeAsync(750);
  expect([session.link, shown]).toEqual(['reconnecting', ['+alice-1', '-alice-1']]);
  expect(closed()).toEqual([true, true, false, false]);
});

test('a socket on which nothing is heard while media comes is given up for another', async () => {
  const { socket } = await receiving();
  there.answer = (one, frame) => (frame.type === 'ping' ? undefined : there.onFrame(one, frame));
  answers = [{ resumed: true }];
  await vi.advanceTimersByTimeAsync(5000);
  expect(there.sockets).toHaveLength(1);
  await vi.advanceTimersByTimeAsync(3000);
  expect([socket.closedWith, there.sockets.length, closed()], 'the door holds its connections').toEqual([
    4010,
    2,
    [false, false, true, true],
  ]);
});

test('a page that was busy, or asleep, gives nothing up for what it has not read yet', async () => {
  const { socket } = await receiving();
  there.answer = () => undefined;
  for (let nap = 0; nap < 4; nap += 1) {
    await vi.advanceTimersByTimeAsync(1000);
    vi.setSystemTime(Date.now() + 30_000);
  }
  socket.tell({ type: 'pong' });
  await vi.advanceTimersByTimeAsync(4000);
  expect([socket.closedWith, there.sockets.length]).toEqual([undefined, 1]);
});

test('a way that is lost is looked for over the same connections after a second, and what has failed at once', async () => {
  const { socket, flow } = await receiving();
  const restarts = () => socket.sent.filter(({ type }) => type === 'restart').length;
  flow.isFlowing = false;
  StandInPeer.made[1]?.become('disconnected');
  await vi.advanceTimersByTimeAsync(900);
  expect(restarts()).toBe(0);
  await vi.advanceTimersByTimeAsync(2000);
  expect([restarts(), StandInPeer.made[0]?.iceRestarts, socket.sent.filter(({ type }) => type === 'publish').length]).toEqual([1, 1, 2]);
  StandInPeer.made[1]?.become('connected');
  await vi.advanceTimersByTimeAsync(10_000);
  StandInPeer.made[1]?.become('failed');
  await settle();
  expect([restarts(), shown]).toEqual([2, ['+alice-1']]);
  await vi.advanceTimersByTimeAsync(4100);
  expect(shown, 'it came to nothing').toEqual(['+alice-1', '-alice-1']);
  expect(closed().slice(0, 2)).toEqual([true, true]);
});

test('a door that does not answer is asked for nothing: over a network that is gone no way is looked for', async () => {
  const { socket, flow } = await receiving();
  flow.isFlowing = false;
  there.answer = () => undefined;
  await vi.advanceTimersByTimeAsync(3000);
  StandInPeer.made[1]?.become('disconnected');
  await vi.advanceTimersByTimeAsync(5000);
  expect([socket.sent.some(({ type }) => type === 'restart'), session.link]).toEqual([false, 'reconnecting']);
  there.answer = StandInCenter.prototype.answer.bind(there);
  await vi.advanceTimersByTimeAsync(2200);
  expect(
    socket.sent.filter(({ type }) => type === 'restart'),
    'once it answers again',
  ).toHaveLength(1);
});
