import { randomBytes } from 'node:crypto';
import { type AppId, type CallId, callIdSchema, callLimits } from '@communication-center/contracts';
import { Postgres, ProblemError, Settings } from '@communication-center/service';
import { Inject, Injectable } from '@nestjs/common';
import type { Publisher, VideoRoomHandle } from 'janode/plugins/videoroom';
import { JanusNode, roomErrorCode } from '../janus/janus-node.js';
import type { MediaSettings } from '../settings.js';

const roomExists = 427;
const noSuchRoom = 426;

/** Where a call's media are carried. */
export interface Room {
  callId: CallId;
  node: string;
  generation: number;
  secret: string;
  pin: string;
}

interface RoomRow extends Omit<Room, 'callId'> {
  call_id: CallId;
  closed_at: Date | null;
}

/** The row that is there, or that is made: of two at once one makes it, and the other finds nothing until it asks again. */
const placing = `
  WITH made AS (
    INSERT INTO rooms (call_id, app_id, node, generation, secret, pin) VALUES ($1, $2, $3, 1, $4, $5)
    ON CONFLICT (call_id) DO NOTHING RETURNING call_id, node, generation, secret, pin, closed_at)
  SELECT * FROM made UNION ALL SELECT call_id, node, generation, secret, pin, closed_at FROM rooms WHERE call_id = $1`;

/**
 * Which node carries which call, and the rooms on it. A room is made when the first device joins, so a call that nobody answers
 * has none, neither here nor in Janus; it is destroyed at the call's end.
 */
@Injectable()
export class Rooms {
  /** Calls that somebody joined through this replica: their rooms are its to close. */
  readonly #joined = new Set<CallId>();
  /** Rooms that Janus has as far as this replica knows, or is just making: those who join at once wait for the same. */
  readonly #inJanus = new Map<CallId, Promise<void>>();
  /** Found empty by the last sweep. */
  #emptyLately = new Set<string>();

  constructor(
    private readonly database: Postgres,
    private readonly janus: JanusNode,
    @Inject(Settings) private readonly settings: MediaSettings,
  ) {
    janus.onLost(() => this.#inJanus.clear());
  }

  /** @returns where a call is carried, deciding so for the first that asks. @throws ProblemError `room_closed` when it has ended. */
  async place({ appId, callId }: { appId: AppId; callId: CallId }): Promise<Room> {
    const values = [callId, appId, this.settings.MEDIA_NODE, secret(), secret()];
    const found = await this.database.query<RoomRow>(placing, values);
    const row = found.rows[0] ?? (await this.database.query<RoomRow>(placing, values)).rows[0];
    if (!row || row.closed_at) throw new ProblemError('room_closed');
    this.#joined.add(callId);
    const { call_id, closed_at: _, ...room } = row;
    return { callId: call_id, ...room };
  }

  /** Whether somebody joined a call through this replica, and its room is not closed since. */
  wasJoined(callId: CallId): boolean {
    return this.#joined.has(callId);
  }

  /** Joins a room to publish, once Janus has it: it may be the first join, or Janus may have been restarted. */
  async join(
    handle: VideoRoomHandle,
    room: Room,
    who: { feed: string; display: string },
  ): Promise<{ publishers: Publisher[]; private_id: number }> {
    const join = () => this.janus.ask(handle.joinPublisher({ room: room.callId, pin: room.pin, ...who }));
    await this.#ensureInJanus(handle, room);
    try {
      return await join();
    } catch (error) {
      if (roomErrorCode(error) !== noSuchRoom) throw error;
      // Somebody's sweep found it empty just before.
      this.#inJanus.delete(room.callId);
      await this.#ensureInJanus(handle, room);
      return join();
    }
  }

  /** Closes the rooms of calls that have ended. Nobody joins them any more; who is still in them is put out. */
  async close(callIds: readonly CallId[]): Promise<void> {
    const { rows } = await this.database.query<RoomRow>(
      'UPDATE rooms SET closed_at = clock_timestamp() WHERE call_id = ANY($1::uuid[]) AND closed_at IS NULL RETURNING call_id, secret',
      [callIds],
    );
    for (const callId of callIds) {
      this.#joined.delete(callId);
      this.#inJanus.delete(callId);
    }
    await this.#destroy(rows);
  }

  /**
   * Destroys rooms in Janus whose call has ended without this service doing so in time, and those that two sweeps in turn found
   * empty, since a replica that died leaves some behind: whoever joins one after all has it made again.
   */
  async sweep(): Promise<void> {
    const handle = await this.janus.attach();
    try {
      const { list } = await this.janus.ask(handle.list({ admin_key: this.settings.JANUS_ADMIN_KEY }));
      const rooms = list.filter(({ room }) => callIdSchema.safeParse(room).success);
      const empty = rooms.filter((one) => one.num_participants === 0).map(({ room }) => room);
      const leftBehind = empty.filter((room) => this.#emptyLately.has(room));
      this.#emptyLately = new Set(empty);
      if (rooms.length === 0) return;
      const { rows } = await this.database.query<RoomRow>(
        'SELECT call_id, secret FROM rooms WHERE call_id = ANY($1::uuid[]) AND (closed_at IS NOT NULL OR call_id = ANY($2::uuid[]))',
        [rooms.map(({ room }) => room), leftBehind],
      );
      for (const { call_id } of rows) {
        this.#inJanus.delete(call_id);
        this.#joined.delete(call_id);
      }
      await this.#destroy(rows);
    } finally {
      await handle.detach().catch(() => undefined);
    }
  }

  #ensureInJanus(handle: VideoRoomHandle, room: Room): Promise<void> {
    const known = this.#inJanus.get(room.callId);
    if (known) return known;
    const making = this.#make(handle, room);
    this.#inJanus.set(room.callId, making);
    making.catch(() => {
      if (this.#inJanus.get(room.callId) === making) this.#inJanus.delete(room.callId);
    });
    return making;
  }

  async #make(handle: VideoRoomHandle, { callId, secret: roomSecret, pin }: Room): Promise<void> {
    const made = handle.create({
      room: callId,
      secret: roomSecret,
      pin,
      admin_key: this.settings.JANUS_ADMIN_KEY,
      is_private: true,
      permanent: false,
      // Who is back on a new socket may be there twice for a moment.
      max_publishers: 2 * callLimits.maxParticipants.max,
      require_pvtid: true,
      fir_freq: 10,
    });
    await this.janus.ask(made).catch((error: unknown) => {
      if (roomErrorCode(error) !== roomExists) throw error;
    });
  }

  async #destroy(rooms: readonly Pick<RoomRow, 'call_id' | 'secret'>[]): Promise<void> {
    if (rooms.length === 0) return;
    const handle = await this.janus.attach();
    try {
      for (const { call_id: room, secret: roomSecret } of rooms) {
        await this.janus.ask(handle.destroy({ room, secret: roomSecret })).catch((error: unknown) => {
          if (roomErrorCode(error) !== noSuchRoom) throw error;
        });
      }
    } finally {
      await handle.detach().catch(() => undefined);
    }
  }
}

function secret(): string {
  return randomBytes(24).toString('base64url');
}
