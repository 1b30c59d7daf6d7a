import { isSameRoom, type Rooms } from '../rooms/rooms.js';
import { Seat, type SeatHolder, type SeatTerms } from './seat.js';

/**
 * Takes a seat in the room of a call: where that is most likely to be, while it is placed, so that Janus and PostgreSQL work side by
 * side. Where it is elsewhere after all, or nowhere, that seat is given back.
 * @throws ProblemError `room_closed` for a call that has ended, `media_unavailable`.
 */
export async function takeSeat(
  rooms: Pick<Rooms, 'likely' | 'place' | 'keep' | 'giveBack' | 'nodeOf' | 'join'>,
  terms: SeatTerms,
  holder: SeatHolder,
): Promise<Seat> {
  const likely = await rooms.likely(terms.grant);
  const ahead = Seat.in(likely, rooms, terms, holder);
  // Who waits for it hears of the error.
  ahead.catch(() => undefined);
  const giveBack = async () => {
    await ahead.then(
      (seat) => seat.leave(),
      () => undefined,
    );
    await rooms.giveBack(likely);
  };
  const room = await rooms.place(terms.grant, likely).catch((error: unknown) => {
    void giveBack();
    throw error;
  });
  const isThere = isSameRoom(room, likely);
  if (!isThere) void giveBack();
  const seat = await (isThere ? ahead : Seat.in(room, rooms, terms, holder));
  rooms.keep(isThere ? likely : room, room);
  seat.settle(room);
  return seat;
}
