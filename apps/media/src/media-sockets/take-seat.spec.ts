/*
 * A seat is taken where a call is most likely carried, while it is found out where that is: where that was right nobody waits, and where
 * it was not, nothing is left there.
 */
import { ProblemError } from '@communication-center/service';
import Janode from 'janode';
import VideoRoomPlugin from 'janode/plugins/videoroom';
import { expect, test, vi } from 'vitest';
import { Bans } from '../follow-calls/bans.js';
import { TriedFlows } from '../quality/flow-watch.js';
import type { Room } from '../rooms/rooms.js';
import { callId, grant, StandInHandle } from './media-socket.fixture.js';
import { takeSeat } from './take-seat.js';

const roomOn = (node: string, generation = 1, secret = 's') => ({ callId, node, generation, secret, pin: 'p' }) as Room;

/** Rooms of which the likely one is on node `a`, until it is placed. */
function house() {
  const handles: Record<string, StandInHandle> = { a: new StandInHandle(), b: new StandInHandle() };
  let settle: { resolve: (room: Room) => void; reject: (error: unknown) => void } | undefined;
  const given: Room[] = [];
  const rooms = {
    likely: async () => roomOn('a'),
    place: () => new Promise<Room>((resolve, reject) => (settle = { resolve, reject })),
    nodeOf: ({ node }: Pick<Room, 'node'>) => ({ isWell: true, attach: async () => handles[node], ask: <T>(answer: Promise<T>) => answer }),
    join: (handle: StandInHandle) => handle.joinPublisher(),
    keep: () => undefined,
    giveBack: async (room: Room) => void given.push(room),
  };
  const holder = { send: vi.fn(), fail: vi.fn(), end: vi.fn(), measured: vi.fn(), neverFlowed: vi.fn() };
  const taking = takeSeat(rooms as never, { grant, bans: new Bans(), tried: new TriedFlows(20_000) }, holder);
  const outcome = taking.catch((error: unknown) => error);
  return { handles, holder, given, taking, outcome, place: () => settle };
}
const turns = () => new Promise((resolve) => setTimeout(resolve, 5));

test('Janus is joined before it is known where the call is carried; the seat is there when both are so', async () => {
  const { handles, taking, given, place } = house();
  await turns();
  expect(handles.a?.asked).toEqual(['join']);
  place()?.resolve(roomOn('a', 4));
  const seat = await taking;
  expect([seat.room.generation, given, handles.a?.detached]).toEqual([4, [], false]);
});

test.each([
  ['another node', roomOn('b')],
  ['another room of the same node', roomOn('a', 1, 'of an earlier release')],
])('where the call is carried by %s, the seat is taken there, and nobody hears of the one that was not', async (_where, room) => {
  const { handles, holder, taking, given, place } = house();
  await turns();
  const first = handles.a;
  if (room.node === 'a') handles.a = new StandInHandle();
  first?.emit(VideoRoomPlugin.EVENT.VIDEOROOM_DESTROYED ?? '');
  place()?.resolve(room);
  const seat = await taking;
  await turns();
  first?.emit(Janode.EVENT.HANDLE_DETACHED);
  expect([seat.room, given, first?.detached, handles[room.node]?.detached]).toEqual([room, [roomOn('a')], true, false]);
  expect(holder.end).not.toHaveBeenCalled();
});

test('where the call is carried nowhere any more, nothing is left, and why is told', async () => {
  const { handles, given, outcome, place } = house();
  await turns();
  place()?.reject(new ProblemError('room_closed'));
  expect(await outcome).toMatchObject({ code: 'room_closed' });
  await turns();
  expect([given, handles.a?.detached]).toEqual([[roomOn('a')], true]);
});

test('a seat that was lost before it was settled ends when it is', async () => {
  const { handles, holder, taking, place } = house();
  await turns();
  handles.a?.emit(Janode.EVENT.HANDLE_DETACHED);
  expect(holder.end).not.toHaveBeenCalled();
  place()?.resolve(roomOn('a'));
  await taking;
  expect(holder.end).toHaveBeenCalledExactlyOnceWith('media_lost');
});
