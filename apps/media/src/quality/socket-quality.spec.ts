/*
 * What a device measures is kept as its own; and of one of which nothing ever comes it is known why, as far as it can be.
 */
import Janode from 'janode';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { ben, candidate, grant, join, mediaSockets, publish } from '../media-sockets/media-socket.fixture.js';
import { TriedFlows } from './flow-watch.js';

const settle = () => vi.advanceTimersByTimeAsync(0);
const { opened, joined } = mediaSockets(() => vi.fn(), settle);

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

test('what a device measures is kept as its own, beside what Janus tells, and no more than a sample a second', async () => {
  const { socket, owner, publisher, media } = await joined([ben]);
  publisher.emit(Janode.EVENT.HANDLE_WEBRTCUP, {});
  publisher.emit(Janode.EVENT.HANDLE_MEDIA, { type: 'audio', mid: '0', receiving: true });
  publisher.emit(Janode.EVENT.HANDLE_SLOWLINK, { uplink: false, lost: 12 });
  const counted = { media: 'audio', bytes: 900, packets: 9, lost: 1 };
  const streams = [
    { way: 'sent', ...counted },
    { way: 'received', streamId: 'feed-of-ben', ...counted },
    { way: 'received', streamId: 'feed-of-nobody', ...counted },
  ];
  socket.says({ type: 'quality', roundTripMs: 12, candidateType: 'relay', protocol: 'tls', streams });
  expect(owner.measured).toHaveBeenCalledExactlyOnceWith(grant, {
    ...{ userAlias: 'ann', deviceId: 'desk', sessionId: media.sessionId },
    measured: {
      ...{ roundTripMs: 12, candidateType: 'relay', protocol: 'tls' },
      streams: [
        { way: 'sent', from: 'ann', kind: 'camera', ...counted },
        { way: 'received', streamId: 'feed-of-ben', from: 'ben', kind: 'camera', ...counted },
      ],
      janus: { up: true, receiving: ['audio'], slowUp: 12, slowDown: 0 },
    },
  });
  for (let times = 0; times < 50; times += 1) socket.says({ type: 'quality', streams: [] });
  expect(owner.measured).toHaveBeenCalledTimes(3);
  await vi.advanceTimersByTimeAsync(1000);
  socket.says({ type: 'quality', streams: [] });
  expect(owner.measured).toHaveBeenCalledTimes(4);
  expect(socket.refusal, 'nobody waits for an answer').toBeUndefined();
});

test('what is measured while the join is under way is nobody’s, and before it nothing is said to be measured', async () => {
  const { socket, owner } = opened({ admit: () => new Promise(() => undefined) });
  socket.says(join);
  await settle();
  socket.says({ type: 'quality', streams: [] });
  expect(owner.measured).not.toHaveBeenCalled();
  expect(socket.closedWith).toBeUndefined();
  const stranger = opened();
  stranger.socket.says({ type: 'quality', streams: [] });
  await settle();
  expect([stranger.socket.refusal, stranger.socket.closedWith]).toEqual(['unauthenticated', 4000]);
  expect(stranger.owner.measured).not.toHaveBeenCalled();
});

describe('a device that publishes, and of which nothing comes', () => {
  const failures = (owner: { measured: ReturnType<typeof vi.fn> }) => owner.measured.mock.calls.map(([, sample]) => sample.measured.failed);
  const on = { type: 'sending', audio: 'on', video: 'off' };

  test('has why kept after its time, as far as is known, and its socket ends with that', async () => {
    const { socket, owner, media } = await joined();
    for (const frame of [on, publish, candidate]) socket.says(frame);
    await vi.advanceTimersByTimeAsync(19_900);
    expect(failures(owner)).toEqual([]);
    await vi.advanceTimersByTimeAsync(200);
    expect(failures(owner)).toEqual(['ice_failed']);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(failures(owner), 'said once').toEqual(['ice_failed']);
    expect(socket.told.at(-1)).toEqual({ type: 'closed', reason: 'media_failed' });
    expect([socket.closedWith, media.failure]).toEqual([1000, 'ice_failed']);
  });

  test('is not put out where it only listens: it is told of, and its socket stays', async () => {
    const { socket, owner, media } = await joined();
    for (const frame of [{ ...on, audio: 'off' }, publish, candidate]) socket.says(frame);
    await vi.advanceTimersByTimeAsync(60_000);
    expect([failures(owner), socket.closedWith, media.failure]).toEqual([['ice_failed'], undefined, undefined]);
  });

  test('has the whole time again where it is slow and comes on', async () => {
    const { socket, owner, publisher } = await joined();
    for (const frame of [on, publish, candidate]) socket.says(frame);
    await vi.advanceTimersByTimeAsync(19_000);
    publisher.emit(Janode.EVENT.HANDLE_WEBRTCUP, {});
    await vi.advanceTimersByTimeAsync(17_000);
    expect(failures(owner)).toEqual([]);
    await vi.advanceTimersByTimeAsync(4000);
    expect(failures(owner)).toEqual(['no_frames']);
  });

  test('is waited for while it, or Janus, is away: whoever sleeps, or is served by nobody, has not failed', async () => {
    const { socket, owner, node } = await joined();
    for (const frame of [on, publish, candidate, { type: 'ping', nextWithinMs: 1000 }]) socket.says(frame);
    await vi.advanceTimersByTimeAsync(120_000);
    socket.says({ type: 'ping' });
    node.isWell = false;
    await vi.advanceTimersByTimeAsync(120_000);
    expect(failures(owner)).toEqual([]);
    node.isWell = true;
    await vi.advanceTimersByTimeAsync(21_000);
    expect(failures(owner)).toEqual(['ice_failed']);
  });

  test('has failed for frames that do not come where its connection is up, and only while it says that it sends', async () => {
    const { socket, owner, publisher } = await joined();
    for (const frame of [{ ...on, audio: 'off' }, publish, candidate]) socket.says(frame);
    publisher.emit(Janode.EVENT.HANDLE_WEBRTCUP, {});
    await vi.advanceTimersByTimeAsync(30_000);
    // Between two looks.
    await vi.advanceTimersByTimeAsync(2400);
    socket.says(on);
    await vi.advanceTimersByTimeAsync(17_000);
    expect(failures(owner), 'what is switched on late has its time').toEqual([]);
    await vi.advanceTimersByTimeAsync(3000);
    expect(failures(owner)).toEqual(['no_frames']);
  });

  test('has not failed once anything came, whatever becomes of it then', async () => {
    const { socket, owner, publisher } = await joined();
    for (const frame of [on, publish]) socket.says(frame);
    publisher.emit(Janode.EVENT.HANDLE_MEDIA, { type: 'audio', mid: '0', receiving: true });
    publisher.emit(Janode.EVENT.HANDLE_MEDIA, { type: 'audio', mid: '0', receiving: false });
    publisher.emit(Janode.EVENT.HANDLE_HANGUP, { reason: 'ICE failed' });
    await vi.advanceTimersByTimeAsync(600_000);
    expect(owner.measured).not.toHaveBeenCalled();
    expect(socket.closedWith).toBeUndefined();
  });

  test('has tried over all of its sockets, and has five seconds on each at least', async () => {
    const tried = new TriedFlows(20_000);
    const again = async (ms: number) => {
      const one = opened({ own: {} });
      Object.assign(one.owner, { tried });
      one.socket.says(join);
      await settle();
      one.socket.says(publish);
      await vi.advanceTimersByTimeAsync(ms);
      const [failure] = failures(one.owner);
      one.socket.close(1000);
      await settle();
      return failure;
    };
    expect([await again(15_000), await again(4000), await again(4900), await again(5100)]).toEqual([
      undefined,
      undefined,
      undefined,
      'no_candidates',
    ]);
  });
});
