/*
 * A media socket lets one device join one call, works on its frames in their order, and leaves nothing behind, whenever it ends.
 */
import type { MediaGrant } from '@communication-center/contracts/media-grant';
import { ProblemError } from '@communication-center/service';
import Janode from 'janode';
import VideoRoomPlugin from 'janode/plugins/videoroom';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import {
  ben,
  callId,
  candidate,
  grant,
  join,
  mediaSockets,
  publish,
  StandInHandle,
  StandInSocket,
  settings,
} from './media-socket.fixture.js';

const { VIDEOROOM_DESTROYED, VIDEOROOM_PUB_LIST, VIDEOROOM_UNPUBLISHED } = VideoRoomPlugin.EVENT;
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

describe('a socket that breaks', () => {
  const receiving = (handle: StandInHandle, is: boolean) =>
    handle.emit(Janode.EVENT.HANDLE_MEDIA, { type: 'audio', mid: '0', receiving: is });
  const keyOf = ({ told: [frame] }: StandInSocket) => (frame?.type === 'joined' ? (frame.resume ?? '') : '');
  /** Opens another socket that shows the key of one that broke. */
  const resumed = async (from: Awaited<ReturnType<typeof joined>>, by: MediaGrant = grant) => {
    const next = opened({ admit: async () => by });
    next.owner.seatOf.mockImplementation((key: string, whose: MediaGrant) => from.media.passOn(key, whose));
    next.socket.says({ ...join, resume: keyOf(from.socket) });
    await settle();
    return next;
  };

  test('keeps its device in the call while its media come, and gives all back when nobody came for its seat', async () => {
    const { socket, publisher, subscriber, owner, media } = await joined([ben]);
    receiving(publisher, true);
    socket.close(1006);
    await vi.advanceTimersByTimeAsync(5000);
    expect([owner.broke.mock.calls, owner.faded.mock.calls, owner.closed.mock.calls]).toEqual([[[media]], [], []]);
    receiving(publisher, false);
    await vi.advanceTimersByTimeAsync(2000);
    expect(owner.faded).toHaveBeenCalledExactlyOnceWith(media);
    await vi.advanceTimersByTimeAsync(12_900);
    expect(publisher.detached).toBe(false);
    await vi.advanceTimersByTimeAsync(200);
    expect([publisher.detached, subscriber.detached]).toEqual([true, true]);
    expect(owner.closed).toHaveBeenCalledExactlyOnceWith(media);
  });

  test('is followed by another of the same device, which hears what is there by then, and to which all goes on', async () => {
    const first = await joined([ben]);
    first.socket.says(publish);
    await settle();
    first.socket.close(1006);
    const eve = { ...ben, feed: 'feed-of-eve', display: JSON.stringify({ userAlias: 'eve', deviceId: 'car', kind: 'camera' }) };
    first.publisher.emit(VIDEOROOM_PUB_LIST, { publishers: [eve] });
    first.media.moderate(9, { userAlias: grant.userAlias, media: ['audio'], isForbidden: true });
    await vi.advanceTimersByTimeAsync(19_000);
    const next = await resumed(first);
    const [told, offer] = next.socket.told;
    expect(told).toMatchObject({ type: 'joined', resumed: true, streams: [{ userAlias: 'ben' }, { userAlias: 'eve' }] });
    expect(offer, 'the offer that had no answer').toMatchObject({ type: 'offer', sdp: 'offered' });
    expect([next.attached(), first.publisher.detached]).toEqual([0, false]);
    expect(first.owner.closed).toHaveBeenCalledOnce();
    first.publisher.emit(VIDEOROOM_UNPUBLISHED, { feed: 'feed-of-ben' });
    next.socket.says(publish);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(next.socket.types.slice(2)).toEqual(['stream_removed', 'published']);
    next.socket.close(1000);
    await settle();
    expect(first.publisher.detached).toBe(true);
  });

  test('is one that its device gives up, too, and not one that is closed in order', async () => {
    const given = await joined([ben]);
    given.socket.close(4010);
    expect(given.publisher.detached).toBe(false);
    expect((await resumed(given)).socket.told[0]).toMatchObject({ type: 'joined', resumed: true });
    const closed = await joined([ben]);
    closed.socket.close(1000);
    await settle();
    expect(closed.publisher.detached).toBe(true);
  });

  test('is followed though nobody has noticed that it broke; by nobody else, and not once it was ended', async () => {
    const first = await joined();
    for (const other of [{ userAlias: 'eve' }, { deviceId: 'car' }, { rights: ['subscribe'] }])
      expect((await resumed(first, { ...grant, ...other } as MediaGrant)).attached()).toBe(1);
    const next = await resumed(first);
    expect([first.socket.closedWith, next.socket.told[0]]).toMatchObject([1000, { resumed: true }]);
    next.socket.close(1006);
    next.media.end('call_left');
    await settle();
    expect(first.publisher.detached).toBe(true);
    expect((await resumed({ ...next, socket: first.socket } as never)).socket.told[0]).not.toHaveProperty('resumed');
  });
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
