import type { MediaGrant } from '@communication-center/contracts/media-grant';
import type { Room, Rooms } from '../rooms/rooms.js';
import type { MediaSocketOwner } from './media-socket.js';
import type { Seat } from './seat.js';

/**
 * Has a call placed, and a seat taken in its room, for somebody who may come in, while it is put on record that they come: commits and
 * Janus side by side. Where they do not come in after all, all of it is given back.
 */
export class Arrival {
  #begun: { grant: MediaGrant; room: Promise<Room>; seat: Promise<Seat> } | undefined;

  constructor(
    private readonly rooms: Pick<Rooms, 'place'>,
    private readonly take: (grant: MediaGrant, room: Room) => Promise<Seat>,
  ) {}

  begin(grant: MediaGrant): Promise<Seat> {
    const room = this.rooms.place(grant);
    const seat = room.then((placed) => this.take(grant, placed));
    // Who waits for it hears of the error.
    seat.catch(() => undefined);
    this.#begun = { grant, room, seat };
    return seat;
  }

  /** @returns the seat. @throws ProblemError as {@link Rooms.place} and {@link Seat.take}. */
  done(grant: MediaGrant): Promise<Seat> {
    return this.#begun?.seat ?? this.begin(grant);
  }

  /** Whoever was about to come in does not. */
  async undo(owner: Pick<MediaSocketOwner, 'cameTooLate' | 'failed'>): Promise<void> {
    if (!this.#begun) return;
    const { grant, room, seat } = this.#begun;
    try {
      await seat.then(
        (taken) => taken.leave(),
        () => undefined,
      );
      const placed = await room.catch(() => undefined);
      if (placed) await owner.cameTooLate(placed, grant);
    } catch (error) {
      owner.failed(error, 'giving back a seat that nobody came for');
    }
  }
}
