import type { MediaGrant } from '@communication-center/contracts/media-grant';
import type { Room, Rooms } from '../rooms/rooms.js';

/** Finds out where a call is carried, while whoever comes in is put on record. */
export class Placing {
  #begun: { grant: MediaGrant; room: Promise<Room> } | undefined;

  constructor(private readonly rooms: Pick<Rooms, 'place'>) {}

  begin(grant: MediaGrant): void {
    const room = this.rooms.place(grant);
    // Who waits for it hears of the error.
    room.catch(() => undefined);
    this.#begun = { grant, room };
  }

  /** @returns where. @throws ProblemError as {@link Rooms.place}. */
  done(grant: MediaGrant): Promise<Room> {
    return this.#begun?.room ?? this.rooms.place(grant);
  }

  /** Whoever was about to come in does not: a room that was placed after its call had ended goes. */
  async undo(owner: { cameTooLate(room: Room, grant: MediaGrant): Promise<void> }): Promise<void> {
    const placed = await this.#begun?.room.catch(() => undefined);
    if (this.#begun && placed) await owner.cameTooLate(placed, this.#begun.grant);
  }
}
