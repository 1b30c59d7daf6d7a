/*
 * A media socket lets one device join one call, works on its frames in their order, and leaves nothing behind, whenever it ends.
 */
import type { MediaGrant } from '@communication-center/contracts/media-grant';
import { ProblemError } from '@communication-center/service';
import Janode from 'janode';
import VideoRoomPlugin from 'janode/plugins/videoroom';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { ben, callId, candidate, grant, join, mediaSockets, publish, settings } from './media-socket.fixture.js';

const { VIDEOROOM_DESTROYED } = VideoRoomPlugin.EVENT;
const settle = () => vi.advanceTimersByTimeAsync(0);
const { opened, joined } = mediaSockets(() => vi.fn(), settle);

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

test('a candidate never overtakes the offer it belongs to', async () => {
  const { socket, publisher } = await joined();
  let answer: () => void = () => undefined;
  publisher.publishing = new Promise((resolve) => {
    answer = resolve;
  });
  socket.says(publish);
  socket.says(candidate);
  await settle();
  expect(publisher.asked).toEqual(['join', 'publish']);
  answer();
  await settle();
  expect(publisher.asked).toEqual(['join', 'publish', 'published', 'candidate']);
  expect(socket.told.at(-1)).toEqual({ type: 'published', sdp: 'answered' });
});

test('a ping is answered before all that waits', async () => {
  const { socket, publisher } = await joined();
  publisher.publishing = new Promise(() => undefined);
  socket.says(publish);
  socket.says({ type: 'ping' });
  expect(socket.told.at(-1)).toEqual({ type: 'pong' });
});

test('a socket that never joins is closed', async () => {
  const { socket, owner } = opened();
  socket.says({ type: 'ping' });
  await vi.advanceTimersByTimeAsync(settings.JOIN_TIMEOUT_MS);
  expect([socket.refusal, socket.closedWith]).toEqual(['connect_timeout', 4000]);
  expect(owner.closed).toHaveBeenCalledOnce();
});

test('one that has joined may stay', async () => {
  const { socket } = await joined();
  await vi.advanceTimersByTimeAsync(60_000);
  expect(socket.closedWith).toBeUndefined();
});

test.each([
  ['that begins with something else', [publish], 'unauthenticated'],
  ['that joins twice', [join, join], 'invalid_request'],
])('a socket %s is closed, and told why', async (_what, frames, code) => {
  const { socket } = opened();
  for (const frame of frames) socket.says(frame);
  await settle();
  expect([socket.refusal, socket.closedWith]).toEqual([code, 4000]);
});

test('who is not let in is told why, and no room is made for him', async () => {
  const { socket, attached, owner } = opened({ admit: async () => Promise.reject(new ProblemError('room_closed')) });
  socket.says(join);
  await settle();
  expect([socket.refusal, socket.closedWith, attached()]).toEqual(['room_closed', 4000, 0]);
  expect(owner.failed).not.toHaveBeenCalled();
});

test.each([
  ['that is not JSON', 'hello', 'malformed_frame'],
  ['of an unknown kind', { type: 'dance' }, 'malformed_frame'],
  ['that lacks what it needs', { type: 'publish' }, 'invalid_request'],
])('a frame %s is refused, and the socket goes on', async (_what, frame, code) => {
  const { socket } = opened();
  socket.says(frame);
  expect(socket.refusal).toBe(code);
  socket.says(join);
  await settle();
  expect(socket.types).toEqual(['error', 'joined']);
});

test('one that is too large is not looked at', () => {
  const { socket } = opened();
  socket.says(JSON.stringify({ type: 'join', token: 'x'.repeat(140_000) }));
  expect(socket.refusal).toBe('frame_too_large');
});

test('more frames than a negotiation needs end the socket', async () => {
  const { socket, publisher } = await joined();
  publisher.publishing = new Promise(() => undefined);
  for (let sent = 0; sent <= 200; sent += 1) socket.says(publish);
  expect([socket.refusal, socket.closedWith]).toEqual(['rate_limited', 4000]);
});

test('when its room is destroyed the call has ended, and when Janus is lost the media is', async () => {
  for (const [event, reason] of [
    [VIDEOROOM_DESTROYED, 'call_ended'],
    [Janode.EVENT.HANDLE_DETACHED, 'media_lost'],
  ]) {
    const { socket, publisher } = await joined();
    publisher.emit(event ?? '');
    expect(socket.told.at(-1)).toEqual({ type: 'closed', reason });
    expect(socket.closedWith).toBe(1000);
  }
});

test('a socket that closes gives back its handles and its session', async () => {
  const { socket, publisher, subscriber, owner, media } = await joined([ben]);
  socket.close(1001);
  await settle();
  expect([publisher.detached, subscriber.detached]).toEqual([true, true]);
  expect(owner.closed).toHaveBeenCalledExactlyOnceWith(media);
});

test('a call that ends while somebody is let into its room leaves nobody there, and its room is asked after', async () => {
  const { socket, media, publisher, owner } = opened();
  const joinPublisher = publisher.joinPublisher.bind(publisher);
  publisher.joinPublisher = async () => {
    media.end('call_ended');
    return joinPublisher();
  };
  socket.says(join);
  await settle();
  expect([socket.types, publisher.detached]).toEqual([['closed'], true]);
  expect(owner.cameTooLate).toHaveBeenCalledExactlyOnceWith(expect.objectContaining({ callId }), grant);
});

test('who is to join elsewhere is told so once, and stays meanwhile; a client that does not know how is put out', async () => {
  const { socket, media, publisher } = opened();
  socket.says({ ...join, knows: ['moved', 'something newer'] });
  await settle();
  media.move();
  media.move();
  expect([socket.types.filter((type) => type === 'moved').length, socket.readyState]).toEqual([1, 1]);
  const old = await joined();
  old.media.move();
  await settle();
  expect(old.socket.told.at(-1)).toEqual({ type: 'closed', reason: 'restarting' });
  expect([publisher.detached, old.publisher.detached], 'what Janus has goes on').toEqual([false, false]);
});

test('one that breaks while it is let in gives back the session that was opened for it', async () => {
  let letIn: (grant: MediaGrant) => void = () => undefined;
  const { socket, media, owner, attached } = opened({ admit: () => new Promise((resolve) => (letIn = resolve)) });
  const granted: unknown[] = [];
  owner.closed.mockImplementation((one: MediaSocket) => granted.push(one.grant));
  socket.says(join);
  await settle();
  socket.close(1006);
  letIn(grant);
  await settle();
  expect(granted).toEqual([undefined, grant]);
  expect([media.grant, attached()]).toEqual([grant, 0]);
});

test('who has a seat is put on record; who takes up one that is held, before that', async () => {
  const { socket, owner, media } = await joined();
  expect([socket.types[0], owner.record.mock.calls]).toEqual(['joined', [[media, grant]]]);
  const next = opened();
  const order: string[] = [];
  next.owner.record.mockImplementation(async () => order.push('record'));
  next.owner.seatOf.mockImplementation(() => void order.push('seat'));
  next.socket.says({ ...join, resume: 'a key' });
  await settle();
  expect([order, next.socket.types]).toEqual([['record', 'seat'], ['joined']]);
  const refused = opened({ admit: async () => Promise.reject(new ProblemError('room_closed')) });
  refused.socket.says(join);
  await settle();
  expect(refused.owner.record).not.toHaveBeenCalled();
});

test('one that says nothing for two and a half heartbeats is ended, and any sign of life counts', async () => {
  const { socket, media } = await joined();
  await vi.advanceTimersByTimeAsync(2400);
  media.beat(Date.now(), 1000);
  socket.emit('pong');
  await vi.advanceTimersByTimeAsync(2400);
  media.beat(Date.now(), 1000);
  expect([socket.pings, socket.terminated]).toEqual([2, false]);
  await vi.advanceTimersByTimeAsync(200);
  media.beat(Date.now(), 1000);
  expect(socket.terminated, 'asked once since the last sign').toBe(false);
  media.beat(Date.now(), 1000);
  expect(socket.terminated).toBe(true);
});

test('a process that stood still cuts nobody off for what it has not read yet', async () => {
  const { socket, media } = await joined();
  media.beat(Date.now(), 1000);
  vi.setSystemTime(Date.now() + 60_000);
  media.beat(Date.now(), 1000);
  socket.emit('pong');
  media.beat(Date.now(), 1000);
  expect(socket.terminated).toBe(false);
});

test('what fails in Janus is told as the media being unavailable, and reported', async () => {
  const { socket, publisher, owner } = await joined();
  publisher.publish = async () => Promise.reject(new Error('no such feed'));
  socket.says(publish);
  await settle();
  expect([socket.refusal, socket.closedWith]).toEqual(['media_unavailable', 4000]);
  expect(owner.failed).toHaveBeenCalledOnce();
});

test.each([
  [
    'throws',
    (): never => {
      throw new TypeError('a bug');
    },
  ],
  ['rejects', () => Promise.reject(new TypeError('a bug'))],
])('a frame whose handler %s is answered, and ends its socket alone', async (_how, admit) => {
  const others = await joined();
  const { socket, owner } = opened({ admit });
  expect(() => socket.says(join)).not.toThrow();
  await settle();
  expect([socket.refusal, socket.closedWith, owner.failed.mock.calls.length]).toEqual(['media_unavailable', 4000, 1]);
  expect(others.socket.readyState).toBe(1);
});

test('before it has joined, no frame is larger than a join', async () => {
  const { socket } = opened();
  socket.says(JSON.stringify({ type: 'publish', kind: 'camera', sdp: 'v'.repeat(40_000) }));
  expect(socket.refusal).toBe('frame_too_large');
  const { socket: inside, publisher } = await joined();
  inside.says({ type: 'publish', kind: 'camera', sdp: 'v'.repeat(20_000) });
  await settle();
  expect(publisher.asked).toContain('publish');
});

test('frames that wait are bounded by their bytes, too', async () => {
  const { socket, publisher } = await joined();
  publisher.publishing = new Promise(() => undefined);
  for (let sent = 0; sent < 6; sent += 1) socket.says({ type: 'publish', kind: 'camera', sdp: 'v'.repeat(55_000) });
  expect([socket.refusal, socket.closedWith]).toEqual(['rate_limited', 4000]);
});

test('who sends too many frames is told to slow down, and stays', async () => {
  const { socket } = await joined();
  for (let sent = 0; sent <= 1000; sent += 1) socket.says({ type: 'ping' });
  expect([socket.refusal, socket.readyState]).toEqual(['rate_limited', 1]);
});

test('frames of bytes are refused by name', async () => {
  const { socket } = await joined();
  socket.emit('message', Buffer.from('{"type":"ping"}'), true);
  expect(socket.refusal).toBe('malformed_frame');
});

test('who reads too slowly is cut off, and nothing is held back for them', async () => {
  const { socket } = await joined();
  const told = socket.told.length;
  socket.bufferedAmount = 2_000_000;
  socket.says({ type: 'ping' });
  expect([socket.told.length, socket.closedWith]).toEqual([told, 4003]);
});
