/*
 * Of a socket that breaks, or that its device gives up, the seat is held for a while: its media go on, and another socket of the device takes it.
 */
import type { MediaGrant } from '@communication-center/contracts/media-grant';
import Janode from 'janode';
import VideoRoomPlugin from 'janode/plugins/videoroom';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { ben, grant, join, mediaSockets, publish, StandInHandle, StandInSocket } from './media-socket.fixture.js';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const { VIDEOROOM_PUB_LIST, VIDEOROOM_UNPUBLISHED } = VideoRoomPlugin.EVENT;
const settle = () => vi.advanceTimersByTimeAsync(0);
const { opened, joined } = mediaSockets(() => vi.fn(), settle);

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
